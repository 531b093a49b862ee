"""The wall clock, and the ids that are made from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import (
    Clock,
    IdFactory,
    call_id_of,
    call_sid,
    message_id_of,
    message_sid,
    system_clock,
)

WALL = 1_700_000_000.0
IDS = st.integers(0, 2**63 - 1)


class HandTime:
    """A monotonic clock that a test moves."""

    def __init__(self, seconds: float = 50.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


def a_clock(time: HandTime | None = None) -> Clock:
    return Clock(time or HandTime(), WALL)


def test_clock_starts_at_the_wall_and_goes_on_with_the_monotonic_clock() -> None:
    time = HandTime()
    clock = a_clock(time)
    time.seconds += 2.5
    assert clock.now() == WALL + 2.5


def test_an_instant_is_told_in_the_words_of_the_loop() -> None:
    time = HandTime(50.0)
    assert a_clock(time).to_monotonic(WALL + 3) == 53.0


def test_system_clock_tells_unix_seconds() -> None:
    assert system_clock(HandTime()).now() > 1_700_000_000


def test_an_id_begins_with_the_milliseconds_of_its_making() -> None:
    assert IdFactory(a_clock()).next() >> 22 == WALL * 1000


def test_an_id_names_its_node() -> None:
    assert IdFactory(a_clock(), node=1023).next() >> 12 & 1023 == 1023


def test_ids_of_one_millisecond_count_up() -> None:
    ids = IdFactory(a_clock())
    assert [ids.next() & 4095 for _ in range(3)] == [0, 1, 2]


def test_a_burst_runs_ahead_of_the_clock_rather_than_repeat() -> None:
    ids = IdFactory(a_clock(), node=7)
    burst = [ids.next() for _ in range(10_000)]
    assert burst == sorted(set(burst))


def test_ids_of_a_new_millisecond_start_at_zero_again() -> None:
    time = HandTime()
    ids = IdFactory(a_clock(time))
    ids.next()
    ids.next()
    time.seconds += 0.001
    assert ids.next() & 4095 == 0


@pytest.mark.parametrize("behind_s", [0.0, 3_600.0])
def test_a_restart_after_a_step_backwards_stays_in_order(behind_s: float) -> None:
    last_id = IdFactory(a_clock()).next()
    restarted = IdFactory(Clock(HandTime(), WALL - behind_s), last_id=last_id)
    assert restarted.next() > last_id


@given(st.lists(st.floats(-2.0, 2.0), max_size=50))
def test_ids_only_grow_whatever_the_clock_does(steps: list[float]) -> None:
    time = HandTime(10_000.0)
    ids = IdFactory(a_clock(time))
    made = [ids.next()]
    for step in steps:
        time.seconds += step
        made.append(ids.next())
    assert made == sorted(set(made))


@given(IDS)
def test_a_sid_is_read_back(message_id: int) -> None:
    assert message_id_of(message_sid(message_id)) == message_id


@given(IDS)
def test_a_sid_has_the_form_of_twilio(message_id: int) -> None:
    sid = message_sid(message_id)
    assert len(sid) == 34
    assert sid.startswith("SM")
    assert set(sid[2:]) <= set("0123456789abcdef")


@given(IDS, st.integers(2, 33), st.sampled_from("0123456789abcdef"))
def test_a_mistyped_digit_is_found_out(message_id: int, place: int, digit: str) -> None:
    sid = message_sid(message_id)
    mistyped = sid[:place] + digit + sid[place + 1 :]
    assert message_id_of(mistyped) == (message_id if mistyped == sid else None)


@pytest.mark.parametrize(
    "sid",
    [
        "",
        "SM",
        "SM" + "0" * 31,
        "SM" + "z" * 32,
        "SM" + "_" * 32,
        "SM-0000000000000001" + "6" * 15,
        "SM" + "0" * 33,
        "AC" + "0" * 32,
    ],
)
def test_what_is_no_sid_has_no_id(sid: str) -> None:
    assert message_id_of(sid) is None


def test_a_sid_in_capitals_is_none_that_we_gave() -> None:
    sid = message_sid(0xABCDEF)
    assert message_id_of("SM" + sid[2:].upper()) is None


def test_a_negative_number_is_no_id() -> None:
    """Python would format and mix it just as well."""
    assert message_id_of(message_sid(-5)) is None


def test_a_call_and_a_message_of_one_id_have_sids_of_their_own() -> None:
    sid = call_sid(7)
    assert sid == "CA" + message_sid(7)[2:]
    assert call_id_of(sid) == 7
    assert (call_id_of(message_sid(7)), message_id_of(sid)) == (None, None)
