"""The bench itself works: a second of it, on real sockets, with its audit."""

from pathlib import Path

import pytest

from tests.bench import scenario
from tests.bench.scenario import Scenario

pytestmark = pytest.mark.e2e

SECONDS = 0.5
WARM_UP = 200


def test_messages_over_smpp_and_their_receipts_are_all_accounted_for(tmp_path: Path) -> None:
    figures = scenario.run(Scenario("smpp", window=10), SECONDS, tmp_path, WARM_UP)
    assert figures.messages
    assert figures.audit.clean


def test_messages_over_rest_are_all_accounted_for(tmp_path: Path) -> None:
    measured = Scenario("rest", entrance="rest", connections=4)
    figures = scenario.run(measured, SECONDS, tmp_path, WARM_UP)
    assert figures.messages
    assert figures.audit.clean


def test_an_open_loop_starts_as_many_messages_as_its_rate_says(tmp_path: Path) -> None:
    measured = Scenario("open", connections=2, rate=200, receipts=False)
    assert scenario.run(measured, SECONDS, tmp_path, WARM_UP).messages == 100


def test_generator_and_sink_lose_nothing_between_them(tmp_path: Path) -> None:
    assert scenario.calibrate(tmp_path, SECONDS).per_second
