"""Times of events."""

import pytest

from gateway.streams.timestamp import rfc_3339


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000.0, "2023-11-14T22:13:20.000Z"),
        (1_700_000_000.5, "2023-11-14T22:13:20.500Z"),
        (1_700_000_000.999_9, "2023-11-14T22:13:20.999Z"),
    ],
)
def test_time_is_utc_cut_to_the_millisecond(at: float, text: str) -> None:
    assert rfc_3339(at) == text
