"""Digits as events in RTP (RFC 4733)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.telephone_event import (
    DIGIT_S,
    DIGITS,
    DIGITS_MAX,
    GAP_S,
    Digit,
    Event,
    EventReader,
    EventSender,
    SentEvent,
    parse,
    rescaled,
)

EVENTS = st.builds(
    Event, st.integers(0, 255), st.booleans(), st.integers(0, 0xFFFF), st.integers(0, 63)
)
# RFC 4733 §5, figure 5: digit 9 (then 1) at 8,000 Hz, as it stands in the payloads.
NINE = ["09 07 0190", "09 07 0640", "09 87 0640", "09 87 0640", "09 87 0640"]


class Heard:
    def __init__(self, clock_rate: int = 8_000) -> None:
        self.digits: list[Digit] = []
        self.reader = EventReader(clock_rate, self.digits.append)

    def take(self, *payloads: str, timestamp: int = 11_200) -> None:
        for payload in payloads:
            self.reader.received(bytes.fromhex(payload), timestamp)


@given(EVENTS)
def test_what_is_printed_is_read_as_it_was(event: Event) -> None:
    assert parse(bytes(event)) == event


def test_a_digit_whose_end_comes_three_times_is_told_once() -> None:
    heard = Heard()
    heard.take(*NINE)
    assert heard.digits == [Digit("9", 0.2)]


def test_the_same_digit_again_is_another() -> None:
    heard = Heard()
    heard.take(*NINE)
    heard.take(*NINE, timestamp=18_000)
    assert [one.sign for one in heard.digits] == ["9", "9"]


def test_a_digit_whose_ends_are_lost_is_told_when_something_else_comes() -> None:
    heard = Heard()
    heard.take(*NINE[:2])
    assert heard.digits == []
    heard.take("01 07 0190", timestamp=18_000)
    heard.reader.flush()
    heard.reader.flush()
    assert heard.digits == [Digit("9", 0.2), Digit("1", 0.05)]


def test_a_digit_of_which_one_end_alone_came_is_told() -> None:
    heard = Heard()
    heard.take(NINE[-1])
    assert heard.digits == [Digit("9", 0.2)]


def test_what_comes_late_of_a_digit_does_not_make_it_shorter() -> None:
    heard = Heard()
    heard.take(NINE[1], NINE[0])
    heard.reader.flush()
    assert heard.digits == [Digit("9", 0.2)]


def test_what_is_no_digit_is_not_told() -> None:
    heard = Heard()
    heard.take("10 87 0640", "42 87 0640", "09 87", "")
    assert heard.digits == []


def test_the_duration_is_of_the_clock_rate() -> None:
    heard = Heard(48_000)
    heard.take("05 8a 2580")
    assert heard.digits == [Digit("5", 0.2)]
    assert rescaled(bytes.fromhex("05 8a 2580"), 48_000, 8_000) == bytes.fromhex("05 8a 0640")
    assert rescaled(b"\5", 48_000, 8_000) == b"\5"


def ticked(sender: EventSender, until: float, tick: float = 0.010) -> list[tuple[float, SentEvent]]:
    sent = []
    for number in range(round(until / tick)):
        event = sender.due(number * tick)
        if event is not None:
            sent.append((round(number * tick, 3), event))
    return sent


def test_a_digit_is_sent_each_20_ms_and_its_end_three_times() -> None:
    sender = EventSender(8_000)
    assert sender.send("5") == 1
    sent = ticked(sender, 1)
    assert [at for at, _ in sent] == [0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12]
    assert [one.starts for _, one in sent] == [True, *[False] * 6]
    events = [parse(one.payload) for _, one in sent]
    assert [one and (one.code, one.duration, one.ended) for one in events] == [
        (5, 160, False),
        (5, 320, False),
        (5, 480, False),
        (5, 640, False),
        (5, 800, True),
        (5, 800, True),
        (5, 800, True),
    ]
    assert not sender.busy


def test_digits_follow_each_other_with_a_gap() -> None:
    sender = EventSender(48_000)
    sender.send("1*d")
    starts = [at for at, one in ticked(sender, 1) if one.starts]
    length = DIGIT_S + 0.02 + GAP_S
    assert starts == pytest.approx([0, length, 2 * length], abs=0.011)


def test_what_is_no_digit_is_not_sent_and_of_too_many_the_first() -> None:
    sender = EventSender(8_000)
    assert sender.send("x 1-2") == 2
    assert sender.send("9" * 2 * DIGITS_MAX) == DIGITS_MAX - 2
    assert sender.busy


@given(st.text(DIGITS, min_size=1, max_size=12), st.sampled_from([8_000, 16_000, 48_000]))
def test_what_is_sent_is_heard(digits: str, clock_rate: int) -> None:
    sender, heard = EventSender(clock_rate), Heard(clock_rate)
    sender.send(digits, 0.04)
    timestamp = 0
    for at, one in ticked(sender, 12 * 0.2):
        timestamp = round(at * clock_rate) if one.starts else timestamp
        heard.reader.received(one.payload, timestamp)
    assert "".join([one.sign for one in heard.digits]) == digits
