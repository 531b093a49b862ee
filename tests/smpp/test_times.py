"""Times of SMPP against Python's own calendar."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.smpp.times import TimeError, parse, receipt_date

NOW = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Appendix C: two digits stand for the years from 1938 to 2037. In tenths of a second, a day less
# at either end for the zones.
CENTURY = st.integers(-10_098_000_000, 21_456_000_000)


def absolute(at: datetime, quarters: int) -> str:
    """§7.1.1.1: local time, tenths, then how many quarters of an hour it is ahead or behind."""
    sign = "+" if quarters >= 0 else "-"
    return f"{at:%y%m%d%H%M%S}{at.microsecond // 100_000}{abs(quarters):02d}{sign}"


@given(CENTURY, st.integers(-48, 48))
@example(9_517_824_000, 0)  # 2000-02-29
@example(17_092_512_000, 48)  # 2024-03-01
@example(17_092_511_999, -48)
@example(9_466_847_999, -1)  # The last tenth of 1999
def test_an_absolute_time_is_that_of_the_calendar(tenths: int, quarters: int) -> None:
    zone = timezone(timedelta(minutes=15 * quarters))
    at = (EPOCH + timedelta(milliseconds=100 * tenths)).astimezone(zone)
    assert parse(absolute(at, quarters), NOW) == pytest.approx(tenths / 10, abs=1e-3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("231114221320000+", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("231114231320004+", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("231114171320020-", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("231114221320700+", datetime(2023, 11, 14, 22, 13, 20, 700_000, tzinfo=UTC)),
        ("370101000000000+", datetime(2037, 1, 1, tzinfo=UTC)),
        ("380101000000000+", datetime(1938, 1, 1, tzinfo=UTC)),
        ("990101000000000-", datetime(1999, 1, 1, tzinfo=UTC)),
        ("000101000000000+", datetime(2000, 1, 1, tzinfo=UTC)),
    ],
)
def test_absolute_times(text: str, expected: datetime) -> None:
    assert parse(text, NOW) == pytest.approx(expected.timestamp(), abs=1e-3)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("000000000000000R", 0),
        ("000000000001000R", 1),
        ("000000000100000R", 60),
        ("000000010000000R", 3_600),
        ("000001000000000R", 86_400),
        ("000100000000000R", 30 * 86_400),
        ("010000000000000R", 365 * 86_400),
        # The specification's own: 2 years, 6 months, 10 days, 23 h, 34 min and 29 s.
        ("020610233429000R", (2 * 365 + 6 * 30 + 10) * 86_400 + 23 * 3_600 + 34 * 60 + 29),
    ],
)
def test_relative_times_count_from_now(text: str, seconds: int) -> None:
    """§7.1.1.2."""
    assert parse(text, NOW) == NOW + seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "R",
        "231114221320000",
        "231114221320000+ ",
        "231114221320000Z",
        "2311142213200000+",
        "23111422132000+",
        "2311142213x0000+",
        "231114221320000r",
        "-31114221320000+",
    ],
)
def test_another_form_is_no_time(text: str) -> None:
    with pytest.raises(TimeError, match="not of the form"):
        parse(text, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "230014221320000+",
        "231314221320000+",
        "231100221320000+",
        "231131221320000+",
        "230229221320000+",
        "240230221320000+",
        "231114241320000+",
        "231114226020000+",
        "231114221360000+",
        "231114221320049+",
        "231114221320099-",
    ],
)
def test_a_number_out_of_its_range_is_no_time(text: str) -> None:
    with pytest.raises(TimeError, match="out of its range"):
        parse(text, NOW)


@given(st.text(max_size=20) | st.from_regex(r"[0-9]{15}[-+R]", fullmatch=True))
def test_any_text_is_a_time_or_an_error(text: str) -> None:
    with contextlib.suppress(TimeError):
        assert isinstance(parse(text, NOW), float)


@given(st.floats(0, 4_102_444_799))
@example(0.0)
@example(951_782_399.9)  # The last second of 2000-02-28, and the leap day behind it.
@example(951_782_400.0)
@example(1_709_251_199.0)
def test_the_date_of_a_receipt_is_that_of_the_calendar(at: float) -> None:
    assert receipt_date(at) == datetime.fromtimestamp(int(at), UTC).strftime("%y%m%d%H%M")
