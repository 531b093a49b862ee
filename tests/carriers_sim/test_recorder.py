import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers_sim import recorder as recorder_module
from carriers_sim.recorder import Expectations, Recorder, Submitted
from carriers_sim.user_data import UserData
from carriers_sim.violations import AnyInvariant, Invariant, Violations
from gateway.text.segmentation import segment
from gateway.text.udh import Concatenation


class Desk:
    """A recorder with its violations, and submits in one line."""

    def __init__(self, keep: int = 100, **expectations: object) -> None:
        self.violations = Violations()
        self.recorder = Recorder(
            self.violations,
            Expectations(**expectations),  # type: ignore[arg-type]  # the test's own keys
            keep,
        )

    def got(
        self,
        text: str = "hello",
        at: float = 0.0,
        carrier: str = "alpha",
        sender: str = "+1",
        recipient: str = "+2",
        part: Concatenation | None = None,
        data_coding: int = 0,
    ) -> Submitted:
        data = UserData(text.encode(), data_coding, 1, b"", part)
        submitted = Submitted(carrier, sender, recipient, data, "id", at)
        self.recorder.accepted(submitted)
        return submitted

    @property
    def broken(self) -> list[AnyInvariant]:
        return [violation.invariant for violation in self.violations.kept]

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.recorder.messages]


def part(number: int, total: int = 2, ref: int = 7) -> Concatenation:
    return Concatenation(ref, total, number, 8)


def test_messages_come_back_in_order_of_arrival() -> None:
    desk = Desk()
    desk.got("one")
    desk.got("two", carrier="bravo")
    assert desk.texts == ["one", "two"]
    assert [message.text for message in desk.recorder.messages_of("bravo")] == ["two"]
    assert desk.recorder.texts("+1", "+2") == ["one", "two"]


@given(st.text(min_size=1, max_size=500), st.randoms())
def test_gsm_15_parts_become_whole_in_whatever_order_they_come(text: str, chance: object) -> None:
    text = text.replace("\0", "")
    try:
        segmented = segment(text)
    except ValueError:
        return
    coding = 8 if segmented.encoding == "ucs2" else 0
    total = len(segmented.parts)
    numbered = list(enumerate(segmented.parts, start=1))
    chance.shuffle(numbered)  # type: ignore[attr-defined]  # hypothesis names no type for it
    desk = Desk()
    for number, octets in numbered:
        data = UserData(octets, coding, 1, b"", part(number, total) if total > 1 else None)
        desk.recorder.accepted(Submitted("alpha", "+1", "+2", data, str(number), 0.0))
    assert desk.texts == [text]
    assert desk.recorder.messages[0].segments == total
    assert desk.recorder.incomplete == 0


def test_gsm_15_parts_of_different_messages_are_kept_apart() -> None:
    desk = Desk()
    desk.got("a1", part=part(1, ref=1))
    desk.got("b1", part=part(1, ref=2))
    desk.got("b2", part=part(2, ref=2))
    assert desk.texts == ["b1b2"]
    assert desk.recorder.incomplete == 1


def test_parts_over_two_carriers_make_one_message() -> None:
    desk = Desk()
    desk.got("1", part=part(1))
    desk.got("2", part=part(2), carrier="bravo")
    assert desk.texts == ["12"]


def test_gsm_7_parts_that_differ_in_data_coding_break_the_message() -> None:
    desk = Desk()
    desk.got("1", part=part(1))
    desk.got("2", part=part(2), data_coding=8)
    assert desk.broken == [Invariant.MIXED_PARTS]


def test_cli_2_the_same_content_again_is_a_duplicate_on_any_carrier() -> None:
    desk = Desk()
    desk.got("hello")
    desk.got("hello", carrier="bravo")
    assert desk.broken == [Invariant.DUPLICATE]
    assert desk.recorder.counts("bravo").duplicates == 1


def test_another_recipient_makes_another_message() -> None:
    desk = Desk()
    desk.got("hello")
    desk.got("hello", recipient="+3")
    assert desk.broken == []


def test_a_message_of_parts_sent_again_with_a_new_reference_is_a_duplicate() -> None:
    desk = Desk()
    for ref in (1, 2):
        desk.got("1", part=part(1, ref=ref))
        desk.got("2", part=part(2, ref=ref))
    assert desk.broken == [Invariant.DUPLICATE]


def test_gsm_15_a_part_that_comes_twice_is_a_duplicate() -> None:
    desk = Desk()
    desk.got("1", part=part(1))
    desk.got("1", part=part(1))
    assert desk.broken == [Invariant.DUPLICATE]


def test_messages_that_only_begin_alike_are_no_duplicates() -> None:
    desk = Desk()
    for ref, end in ((1, "x"), (2, "y")):
        desk.got("1", part=part(1, ref=ref))
        desk.got(end, part=part(2, ref=ref))
    assert desk.broken == []


def test_what_is_sent_again_after_a_lost_response_is_no_violation() -> None:
    desk = Desk()
    desk.recorder.response_lost(desk.got("hello"), is_cut=True)
    desk.got("hello", carrier="bravo")
    assert desk.broken == []
    assert desk.recorder.counts("bravo").resent_after_lost_response == 1


def test_cli_5_numbers_in_the_text_show_a_break_of_order() -> None:
    desk = Desk()
    for number in (1, 3, 2, 4):
        desk.got(f"message #{number}")
    assert desk.broken == [Invariant.ORDER]
    assert desk.recorder.counts("alpha").order_breaks == 1


def test_order_is_that_of_one_pair_of_numbers_on_one_carrier() -> None:
    desk = Desk()
    desk.got("#9")
    desk.got("#1", recipient="+3")
    desk.got("#2", sender="+4")
    desk.got("#3", carrier="bravo")
    assert desk.broken == []


def test_a_duplicate_is_not_counted_as_a_break_of_order_too() -> None:
    desk = Desk()
    for text in ("#1", "#2", "#1"):
        desk.got(text)
    assert desk.broken == [Invariant.DUPLICATE]


def test_without_an_order_pattern_order_is_not_looked_at() -> None:
    desk = Desk(order="")
    desk.got("#2")
    desk.got("#1")
    assert desk.broken == []


def test_a_word_where_the_number_should_be_is_no_number() -> None:
    desk = Desk(order=r"#(\w+)")
    desk.got("#2")
    desk.got("#x1")
    assert desk.broken == []


def test_a_sender_above_its_limit_is_told_once_per_new_peak() -> None:
    desk = Desk(mps={"+1": 2}, mps_tolerance=0.0)
    for index, at in enumerate((0.0, 0.2, 0.4, 5.0, 5.1, 5.2)):
        desk.got(str(index), at=at)
    assert desk.broken == [Invariant.SENDER_RATE]
    assert desk.recorder.sender_rate_max("+1") == 3


def test_a_senders_rate_is_counted_over_all_carriers() -> None:
    desk = Desk(mps={"+1": 1}, mps_tolerance=0.0)
    desk.got("1")
    desk.got("2", carrier="bravo")
    assert desk.broken == [Invariant.SENDER_RATE]


def test_jitter_within_the_tolerance_is_forgiven() -> None:
    desk = Desk(mps={"+1": 10}, mps_tolerance=0.1)
    for number in range(11):
        desk.got(str(number))
    assert desk.broken == []


def test_a_slow_senders_segment_may_be_early_by_the_tolerance() -> None:
    desk = Desk(mps={"+1": 1}, mps_tolerance=0.1)
    for number, at in enumerate((0.0, 0.999, 1.901)):
        desk.got(str(number), at=at)
    assert desk.broken == []
    desk.got("3", at=2.7)
    assert desk.broken == [Invariant.SENDER_RATE]


def test_an_unknown_sender_has_sent_nothing() -> None:
    assert Desk().recorder.sender_rate_max("+9") == 0


def test_cli_1_more_in_flight_than_the_window_is_a_violation() -> None:
    desk = Desk(window=2)
    for requests in (1, 2, 3, 3):
        desk.recorder.submitted("alpha", requests, 0.0)
    assert desk.broken == [Invariant.WINDOW]
    assert desk.recorder.counts("alpha").in_flight_max == 3


def test_refusals_are_counted_by_name() -> None:
    desk = Desk()
    desk.recorder.refused("alpha", 0x58)
    desk.recorder.refused("alpha", 0x410)
    counts = desk.recorder.counts("alpha").as_json()
    assert counts["refused"] == {"ESME_RTHROTTLED": 1, "0x00000410": 1}


def test_only_the_last_messages_are_kept() -> None:
    desk = Desk(keep=2)
    for text in "abc":
        desk.got(text)
    assert desk.texts == ["b", "c"]
    assert desk.recorder.counts("alpha").messages == 3


def test_with_counters_only_no_text_is_kept_but_duplicates_are_still_found() -> None:
    desk = Desk(keep=0)
    desk.got("hello")
    desk.got("hello")
    for number in (1, 2):
        desk.got(f"part {number}", part=part(number))
    desk.got("part 2", part=part(2))
    assert desk.texts == []
    assert desk.broken == [Invariant.DUPLICATE] * 2
    assert desk.recorder.counts("alpha").segments == 5


def test_gsm_13_a_message_that_never_becomes_whole_makes_room_and_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recorder_module, "INCOMPLETE_MAX", 1)
    desk = Desk()
    desk.got("1", part=part(1, ref=1))
    desk.got("1", part=part(1, ref=2))
    assert desk.broken == [Invariant.INCOMPLETE]
    assert desk.recorder.incomplete == 1


def test_the_oldest_content_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "REMEMBERED_MAX", 2)
    desk = Desk()
    for text in ("a", "b", "c", "a"):
        desk.got(text)
    assert desk.broken == []


def test_clear_forgets_everything() -> None:
    desk = Desk()
    desk.got("hello")
    desk.recorder.clear()
    desk.got("hello")
    assert desk.broken == []
    assert desk.recorder.counts("alpha").messages == 1


@pytest.mark.parametrize("order", ["(", "#", r"#(\d)(\d)"])
def test_an_order_pattern_has_one_group(order: str) -> None:
    with pytest.raises(ValueError, match="order"):
        Expectations(order=order)
