"""What is kept of a message under way, and what a restart makes of what was stored."""

from typing import Any

import pytest

from gateway.message import FINAL, Status
from gateway.messaging.open_message import OpenMessage, restore
from gateway.store.interface import StoredMessage, Transition
from tests.store.builders import a_message, became


def restored(*steps: Transition, segments: int = 1, **changes: Any) -> OpenMessage:
    return restore(StoredMessage(a_message(segments=segments, **changes), steps))


def a_part(number: int, part: int, status: Status, **changes: Any) -> Transition:
    return became(1, number, status, part=part, bind="alpha/1", **changes)


# As it begins


def test_a_new_message_has_all_its_parts_to_send_the_first_one_next() -> None:
    opened = OpenMessage(a_message(segments=3))
    assert [opened.unsent.pop() for _ in range(3)] == [1, 2, 3]


def test_a_new_message_is_untouched() -> None:
    assert OpenMessage(a_message()).untouched


@pytest.mark.parametrize("seen", ["sent", "in_flight", "in_doubt"])
def test_a_message_that_a_carrier_may_know_is_touched(seen: str) -> None:
    opened = OpenMessage(a_message())
    setattr(opened, seen, 1)
    assert not opened.untouched


@pytest.mark.parametrize("status", Status)
def test_a_message_waits_while_there_is_something_to_send_of_it(status: Status) -> None:
    opened = OpenMessage(a_message())
    opened.status = status
    assert opened.waiting is (status not in FINAL)
    opened.unsent.clear()
    assert not opened.waiting


# After a restart


@pytest.mark.parametrize(
    ("changes", "status"), [({}, Status.QUEUED), ({"send_at": 2_000_000_000.0}, Status.SCHEDULED)]
)
def test_a_message_that_was_only_accepted_begins_anew(
    changes: dict[str, Any], status: Status
) -> None:
    opened = restored(**changes)
    assert (opened.status, opened.unsent, opened.number) == (status, [1], 0)
    assert opened.untouched


def test_a_scheduled_message_that_came_due_is_queued() -> None:
    opened = restored(became(1, 1, Status.QUEUED), send_at=1_700_000_900.0)
    assert (opened.status, opened.number) == (Status.QUEUED, 1)


def test_what_was_written_and_not_answered_is_sent_again() -> None:
    opened = restored(became(1, 1, Status.SENDING))
    assert (opened.status, opened.unsent) == (Status.QUEUED, [1])
    assert opened.untouched


def test_sending_is_not_told_a_second_time() -> None:
    assert restored(became(1, 1, Status.SENDING)).attempts == 1


def test_what_was_not_answered_in_time_stays_in_doubt() -> None:
    """CLI-2: not even a restart sends it again."""
    opened = restored(a_part(1, 1, Status.SENDING))
    assert (opened.status, opened.unsent, opened.in_doubt) == (Status.SENDING, [], 1)
    assert not opened.waiting


def test_a_part_that_was_not_answered_in_time_twice_is_in_doubt_once() -> None:
    """In between a late answer had sent it back."""
    opened = restored(a_part(1, 1, Status.SENDING), a_part(2, 1, Status.SENDING))
    assert (opened.unsent, opened.in_doubt) == ([], 1)


def test_a_late_answer_ended_the_doubt() -> None:
    opened = restored(a_part(1, 1, Status.SENDING), became(1, 2, Status.SENT, bind="alpha/1"))
    assert (opened.status, opened.in_doubt, opened.sent) == (Status.SENT, 0, 1)


def test_what_was_sent_is_sent() -> None:
    opened = restored(became(1, 1, Status.SENT), segments=3)
    assert (opened.status, opened.unsent, opened.sent) == (Status.SENT, [], 3)
    assert not opened.waiting


def test_parts_that_were_sent_are_not_sent_again() -> None:
    opened = restored(
        became(1, 1, Status.SENDING),
        a_part(2, 1, Status.SENT),
        a_part(3, 3, Status.SENT),
        segments=3,
    )
    assert (opened.status, opened.unsent, opened.sent) == (Status.QUEUED, [2], 2)
    assert opened.pinned == "alpha/1"
    assert opened.number == 3


def test_a_part_in_doubt_is_not_sent_again_and_the_others_are() -> None:
    opened = restored(a_part(1, 1, Status.SENDING), segments=2)
    assert (opened.status, opened.unsent, opened.in_doubt) == (Status.SENDING, [2], 1)
    assert opened.waiting


def test_a_late_answer_to_a_part_ended_its_doubt() -> None:
    opened = restored(a_part(1, 1, Status.SENDING), a_part(2, 1, Status.SENT), segments=2)
    assert (opened.unsent, opened.in_doubt, opened.sent) == ([2], 0, 1)


def test_receipts_of_parts_are_remembered() -> None:
    opened = restored(
        a_part(1, 1, Status.SENT),
        a_part(2, 2, Status.SENT),
        became(1, 3, Status.SENT),
        a_part(4, 1, Status.DELIVERED),
        segments=2,
    )
    assert (opened.status, opened.settled_parts, opened.undelivered) == (Status.SENT, 1, 0)


def test_the_first_part_that_failed_says_why() -> None:
    opened = restored(
        a_part(1, 1, Status.SENT),
        a_part(2, 2, Status.SENT),
        a_part(3, 1, Status.UNDELIVERED, error_code=30005),
        a_part(4, 2, Status.UNDELIVERED, error_code=30008),
        segments=2,
    )
    assert (opened.settled_parts, opened.undelivered) == (2, 30005)
