"""A flood of mistakes is a few lines."""

import logging

import pytest

from gateway.net.bounded_log import WINDOW_S, BoundedLog

NOW = 100.0


def test_lines_are_bounded_by_the_minute_and_the_rest_is_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bounded = BoundedLog(logging.getLogger("test"), lines_per_minute_max=2)
    for _ in range(5):
        bounded.say(NOW, "refused", peer="192.0.2.1")
    bounded.say(NOW + WINDOW_S, "refused", peer="192.0.2.1")
    assert [getattr(record, "unlogged", None) for record in caplog.records] == [0, 0, 3]
