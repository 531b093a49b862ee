"""Parts in doubt are found by their addresses, and ambiguity is never guessed."""

from typing import Any

import pytest

from gateway.messaging.doubts import Copy, Doubts, comparable
from gateway.messaging.open_message import OpenMessage
from tests.store.builders import a_message

SENDER = "+15005550006"
RECIPIENT = "+15017122661"
WAIT_S = 600.0


def in_doubt(message_id: int = 1, **changes: Any) -> OpenMessage:
    """A message that was written whole, and has been waited for in vain."""
    opened = OpenMessage(
        a_message(message_id, **{"sender": SENDER, "recipient": RECIPIENT, **changes})
    )
    opened.unsent.clear()
    opened.in_doubt = opened.segments
    return opened


class Doubtful(Doubts):
    """What is written is written at 0, and what is asked for is asked for at 1."""

    def __init__(self) -> None:
        super().__init__(WAIT_S)

    def write(self, opened: OpenMessage, bind: str = "alpha/1", part: int = 1) -> OpenMessage:
        self.add(opened, part, bind, 0.0)
        return opened

    def found(self, carrier: str = "alpha", at: float = 1.0) -> tuple[OpenMessage, int, str] | None:
        return self.find(carrier, SENDER, RECIPIENT, at, at)


def test_a_part_is_found_by_its_carrier_and_its_addresses() -> None:
    doubts = Doubtful()
    opened = doubts.write(in_doubt())
    assert doubts.found() == (opened, 1, "alpha/1")


@pytest.mark.parametrize(
    ("carrier", "sender", "recipient"),
    [
        ("beta", SENDER, RECIPIENT),
        ("alpha", "+15005550007", RECIPIENT),
        ("alpha", SENDER, "+15017122662"),
        ("alpha", RECIPIENT, SENDER),
        ("alpha", "", ""),
    ],
)
def test_a_part_is_not_found_by_anything_else(carrier: str, sender: str, recipient: str) -> None:
    doubts = Doubtful()
    doubts.write(in_doubt())
    assert doubts.find(carrier, sender, recipient, 1.0, 1.0) is None


def test_two_messages_with_the_same_addresses_cannot_be_told_apart() -> None:
    doubts = Doubtful()
    for message_id in (1, 2):
        doubts.write(in_doubt(message_id))
    assert doubts.found() is None


def test_two_parts_of_a_message_cannot_be_told_apart() -> None:
    doubts, opened = Doubtful(), in_doubt(segments=2)
    for part in (1, 2):
        doubts.write(opened, part=part)
    assert doubts.found() is None


def test_the_last_part_in_doubt_is_found_once_the_others_are_answered() -> None:
    doubts, opened = Doubtful(), in_doubt(segments=2)
    doubts.write(opened, "alpha/1")
    doubts.write(opened, "alpha/2", part=2)
    assert doubts.discard(opened, 1)
    assert doubts.found() == (opened, 2, "alpha/2")


def test_a_part_that_awaits_its_answer_may_be_meant_and_is_not_in_doubt() -> None:
    doubts = Doubtful()
    opened = doubts.write(in_doubt())
    opened.in_flight = 1
    assert doubts.found() is None
    doubts.write(in_doubt(2))
    assert doubts.found() is None


def test_a_part_that_is_to_be_sent_again_may_be_meant_and_is_not_in_doubt() -> None:
    doubts = Doubtful()
    opened = doubts.write(in_doubt())
    opened.unsent = [1]
    assert doubts.found() is None
    doubts.write(in_doubt(2))
    assert doubts.found() is None


def test_a_message_that_has_ended_is_not_in_doubt() -> None:
    """An answer to its last part has not come."""
    doubts = Doubtful()
    doubts.write(in_doubt()).in_doubt = 0
    assert doubts.found() is None


def test_a_receipt_means_nothing_that_was_written_after_it_came() -> None:
    doubts, earlier, later = Doubtful(), in_doubt(1), in_doubt(2)
    doubts.add(later, 1, "alpha/1", 20.0)
    assert doubts.found(at=15.0) is None
    doubts.add(earlier, 1, "alpha/1", 10.0)
    assert doubts.found(at=15.0) == (earlier, 1, "alpha/1")


def test_each_part_has_its_own_time() -> None:
    """Part 1 may be what a receipt means that came before part 2 was written."""
    doubts, opened = Doubtful(), in_doubt(segments=2)
    doubts.add(opened, 1, "alpha/1", 10.0)
    doubts.add(opened, 2, "alpha/1", 20.0)
    assert doubts.found(at=15.0) == (opened, 1, "alpha/1")


def test_nothing_is_left_of_a_part_that_was_answered() -> None:
    doubts = Doubtful()
    opened = doubts.write(in_doubt())
    assert doubts.discard(opened, 1)
    assert not doubts.discard(opened, 1)
    assert (len(doubts), doubts._here, len(doubts.strays)) == (0, {}, 0)


# Copies of which no answer comes


def test_a_copy_that_was_lost_may_be_meant_after_the_part_went_out_again() -> None:
    doubts = Doubtful()
    again = doubts.write(doubts.write(in_doubt(1)))
    assert (len(doubts), len(doubts.strays)) == (1, 1)
    assert doubts.found() is None
    doubts.discard(again, 1)
    doubts.write(in_doubt(2))
    assert doubts.found() is None


def test_a_part_is_found_where_it_was_written_last() -> None:
    doubts, opened = Doubtful(), in_doubt()
    doubts.write(opened, "alpha/1")
    doubts.write(opened, "beta/1")
    assert doubts.found("alpha") is None
    assert doubts.found("beta") == (opened, 1, "beta/1")


def test_a_copy_of_a_message_that_has_ended_may_be_meant() -> None:
    doubts = Doubtful()
    doubts.end(doubts.write(in_doubt(1)), 0.0)
    doubts.write(in_doubt(2))
    assert (len(doubts), doubts.found()) == (1, None)


def test_a_message_that_has_ended_leaves_nothing_of_what_was_answered() -> None:
    doubts, opened = Doubtful(), in_doubt(segments=2)
    doubts.write(opened, part=1)
    doubts.write(opened, part=2)
    doubts.discard(opened, 1)
    doubts.end(opened, 0.0)
    assert (len(doubts), len(doubts.strays)) == (0, 1)


def test_a_copy_is_not_meant_any_more_once_nobody_waits_for_its_receipt() -> None:
    doubts = Doubtful()
    doubts.end(doubts.write(in_doubt(1)), 5.0)
    opened = doubts.write(in_doubt(2))
    assert doubts.found(at=WAIT_S + 4) is None
    assert doubts.found(at=WAIT_S + 5) == (opened, 1, "alpha/1")


def test_a_copy_of_an_earlier_run_may_be_meant() -> None:
    doubts = Doubtful()
    lost = a_message(1, sender=SENDER, recipient=RECIPIENT)
    doubts.restore(lost, Copy("alpha/2", -10.0), 0.0)
    opened = doubts.write(in_doubt(2))
    assert doubts.found() is None
    assert doubts.found(at=WAIT_S - 10) == (opened, 1, "alpha/1")


def test_a_sender_of_whom_not_all_copies_are_known_is_not_believed() -> None:
    doubts = Doubtful()
    opened = doubts.write(in_doubt())
    doubts.mistrust(frozenset({SENDER}), 0.0)
    assert doubts.found(at=WAIT_S - 1) is None
    assert doubts.found(at=WAIT_S) == (opened, 1, "alpha/1")


def test_the_other_senders_are_believed() -> None:
    doubts = Doubtful()
    opened = doubts.write(in_doubt())
    doubts.mistrust(frozenset({RECIPIENT}), 0.0)
    assert doubts.found() == (opened, 1, "alpha/1")


# Addresses


@pytest.mark.parametrize("addr", ["15017122661", "+15017122661", "0015017122661"])
def test_a_number_is_the_same_however_it_is_written(addr: str) -> None:
    assert comparable(addr) == comparable(RECIPIENT)


def test_a_name_is_the_same_in_capitals() -> None:
    assert comparable("Demo Shop") == comparable("DEMO SHOP")


@pytest.mark.parametrize("other", ["55502", "5550", "DEMO", "²²"])
def test_other_addresses_are_others(other: str) -> None:
    assert comparable(other) != comparable("55501")
