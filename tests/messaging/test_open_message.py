"""What is kept of a message under way, and what a restart makes of what was stored."""

from typing import Any

import pytest

from gateway.message import FINAL, Status
from gateway.messaging.open_message import OpenMessage, awaited, restore, strays
from gateway.store.interface import (
    WHOLE,
    Attempt,
    AttemptOutcome,
    SentPart,
    StoredMessage,
    Transition,
)
from tests.store.builders import NOON, a_message, became

IN_DOUBT = (AttemptOutcome.WRITTEN, AttemptOutcome.LOST, AttemptOutcome.HELD)


def stored(*facts: Transition | Attempt, segments: int = 1, **changes: Any) -> StoredMessage:
    return StoredMessage(
        a_message(segments=segments, **changes),
        tuple(fact for fact in facts if isinstance(fact, Transition)),
        tuple(fact for fact in facts if isinstance(fact, Attempt)),
    )


def restored(*facts: Transition | Attempt, segments: int = 1, **changes: Any) -> OpenMessage:
    return restore(stored(*facts, segments=segments, **changes))


def a_part(number: int, part: int, status: Status, **changes: Any) -> Transition:
    return became(1, number, status, part=part, bind="alpha/1", **changes)


def tried(outcome: AttemptOutcome, part: int = 1, bind: str = "alpha/1", at: float = 0) -> Attempt:
    return Attempt(1, part, NOON + at, outcome, bind)


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


def test_a_message_with_a_doubtful_part_is_touched() -> None:
    opened = OpenMessage(a_message())
    opened.doubtful[1] = ("alpha/1", AttemptOutcome.LOST)
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


def test_a_message_that_left_its_queue_and_was_written_nowhere_is_sent() -> None:
    opened = restored(became(1, 1, Status.SENDING))
    assert (opened.status, opened.unsent) == (Status.QUEUED, [1])
    assert opened.untouched


def test_sending_is_not_told_a_second_time() -> None:
    assert restored(became(1, 1, Status.SENDING)).attempts == 1


def test_all_that_is_stored_is_durable() -> None:
    opened = restored(became(1, 1, Status.SENDING), a_part(2, 1, Status.SENT), segments=2)
    assert (opened.number, opened.durable) == (2, 2)


# What a restart makes of attempts


@pytest.mark.parametrize("outcome", IN_DOUBT)
def test_a_part_that_may_have_been_sent_is_left_to_the_policy(outcome: AttemptOutcome) -> None:
    opened = restored(tried(AttemptOutcome.WRITTEN), tried(outcome))
    assert opened.doubtful == {1: ("alpha/1", outcome)}
    assert (opened.status, opened.unsent, opened.in_doubt) == (Status.SENDING, [], 0)


@pytest.mark.parametrize("outcome", [AttemptOutcome.REFUSED, AttemptOutcome.RESENT])
def test_a_part_that_is_to_be_sent_again_is_unsent(outcome: AttemptOutcome) -> None:
    opened = restored(tried(AttemptOutcome.WRITTEN), tried(outcome))
    assert (opened.status, opened.unsent, opened.doubtful) == (Status.QUEUED, [1], {})
    assert opened.untouched


def test_a_part_that_was_not_answered_in_time_stays_in_doubt() -> None:
    opened = restored(tried(AttemptOutcome.WRITTEN), tried(AttemptOutcome.UNANSWERED))
    assert (opened.status, opened.unsent, opened.in_doubt) == (Status.SENDING, [], 1)
    assert opened.doubtful == {}


def test_a_part_that_was_in_doubt_and_refused_later_is_in_doubt_no_more() -> None:
    """It failed with 30410 an hour after the restart, although the carrier did not have it."""
    opened = restored(
        tried(AttemptOutcome.WRITTEN),
        tried(AttemptOutcome.UNANSWERED),
        tried(AttemptOutcome.REFUSED),
    )
    assert (opened.status, opened.unsent, opened.in_doubt) == (Status.QUEUED, [1], 0)


def test_a_part_that_went_out_again_is_in_doubt_where_it_went_last() -> None:
    opened = restored(
        tried(AttemptOutcome.WRITTEN, bind="alpha/1"),
        tried(AttemptOutcome.LOST, bind="alpha/1"),
        tried(AttemptOutcome.WRITTEN, bind="beta/1"),
    )
    assert opened.doubtful == {1: ("beta/1", AttemptOutcome.WRITTEN)}


@pytest.mark.parametrize("outcome", AttemptOutcome)
def test_a_part_that_was_sent_is_sent_whatever_its_attempts_say(outcome: AttemptOutcome) -> None:
    opened = restored(tried(outcome), a_part(1, 1, Status.SENT), segments=2)
    assert (opened.unsent, opened.sent) == ([2], 1)
    assert (opened.in_doubt, opened.doubtful) == (0, {})


def test_a_message_that_was_sent_is_sent_whatever_its_attempts_say() -> None:
    opened = restored(tried(AttemptOutcome.WRITTEN), became(1, 1, Status.SENT))
    assert (opened.status, opened.unsent, opened.doubtful) == (Status.SENT, [], {})


def test_each_part_has_its_own_last_word() -> None:
    opened = restored(
        *(tried(AttemptOutcome.WRITTEN, part) for part in (1, 2, 3)),
        tried(AttemptOutcome.REFUSED, 1),
        tried(AttemptOutcome.UNANSWERED, 2),
        segments=4,
    )
    assert (opened.status, opened.unsent, opened.in_doubt) == (Status.SENDING, [4, 1], 1)
    assert opened.doubtful == {3: ("alpha/1", AttemptOutcome.WRITTEN)}
    assert opened.waiting


@pytest.mark.parametrize(("segments", "pinned"), [(1, ""), (2, "alpha/1")])
def test_the_parts_of_a_message_keep_to_the_bind_of_the_last(segments: int, pinned: str) -> None:
    assert restored(tried(AttemptOutcome.WRITTEN), segments=segments).pinned == pinned


# Copies that were never answered

WRITTEN, REFUSED, LOST, UNANSWERED, RESENT, HELD = AttemptOutcome
FAILED = became(1, 1, Status.FAILED, error_code=30410)
REFUSED_THERE = became(1, 1, Status.FAILED, error_code=30005, bind="alpha/1")


@pytest.mark.parametrize(
    ("outcomes", "left"),
    [
        ((WRITTEN,), 0),
        ((WRITTEN, LOST), 0),
        ((WRITTEN, LOST, WRITTEN), 1),
        ((WRITTEN, HELD, RESENT, WRITTEN, HELD), 1),
        ((WRITTEN, LOST, WRITTEN, LOST, WRITTEN), 2),
        ((WRITTEN, REFUSED, WRITTEN), 0),
        ((WRITTEN, UNANSWERED, REFUSED, WRITTEN), 0),
        ((WRITTEN, LOST, WRITTEN, REFUSED), 1),
        ((WRITTEN, WRITTEN), 1),
    ],
)
def test_of_a_message_under_way_all_copies_before_the_last_are_strays(
    outcomes: tuple[AttemptOutcome, ...], left: int
) -> None:
    assert len(strays(stored(*map(tried, outcomes)))) == left


@pytest.mark.parametrize("outcomes", [(WRITTEN,), (WRITTEN, LOST), (WRITTEN, UNANSWERED)])
def test_of_a_message_that_has_ended_the_last_copy_is_one_too(
    outcomes: tuple[AttemptOutcome, ...],
) -> None:
    assert len(strays(stored(*map(tried, outcomes), FAILED))) == 1


def test_of_a_message_that_was_sent_only_its_last_copy_is_known() -> None:
    lost = tried(LOST, at=5)
    facts = (tried(WRITTEN), lost, tried(WRITTEN, at=9), became(1, 1, Status.SENT))
    assert strays(stored(*facts)) == [lost]
    assert strays(stored(*facts, became(1, 2, Status.DELIVERED))) == [lost]


def test_a_part_that_was_confirmed_is_no_stray() -> None:
    facts = (tried(WRITTEN), tried(HELD), became(1, 1, Status.SENT))
    assert strays(stored(*facts, became(1, 2, Status.DELIVERED))) == []


@pytest.mark.parametrize(("outcome", "left"), [(WRITTEN, 0), (UNANSWERED, 0), (LOST, 1), (HELD, 1)])
def test_a_refusal_for_good_is_an_answer(outcome: AttemptOutcome, left: int) -> None:
    """It ends the message, and is no attempt of its own."""
    assert len(strays(stored(tried(outcome), REFUSED_THERE))) == left


def test_of_several_parts_nobody_knows_which_was_refused_for_good() -> None:
    facts = (tried(WRITTEN, 1), tried(WRITTEN, 2), a_part(1, 2, Status.SENT), REFUSED_THERE)
    assert [each.part for each in strays(stored(*facts, segments=2))] == [1]


# What a restart makes of what was sent


def test_what_was_sent_is_sent() -> None:
    parts = [a_part(part, part, Status.SENT) for part in (1, 2, 3)]
    opened = restored(*parts, became(1, 4, Status.SENT), segments=3)
    assert (opened.status, opened.unsent, opened.sent, opened.total) == (Status.SENT, [], 3, 3)
    assert not opened.waiting


def test_what_was_sent_whole_is_sent_and_one_receipt_is_awaited() -> None:
    sent = became(1, 1, Status.SENT, bind="alpha/1", carrier_id="4a5b")
    opened = restored(sent, tried(WRITTEN, WHOLE), segments=3)
    assert (opened.status, opened.unsent, opened.sent, opened.total) == (Status.SENT, [], 1, 1)
    assert opened.awaited == (SentPart(WHOLE, "alpha/1", "4a5b", sent.at),)


@pytest.mark.parametrize("outcome", [WRITTEN, LOST, HELD])
def test_a_message_that_a_carrier_may_have_whole_has_nothing_left_to_send(
    outcome: AttemptOutcome,
) -> None:
    opened = restored(tried(outcome, WHOLE), segments=3)
    assert (opened.unsent, opened.doubtful) == ([], {WHOLE: ("alpha/1", outcome)})


def test_a_message_that_a_carrier_refused_whole_is_all_to_be_sent() -> None:
    opened = restored(tried(WRITTEN, WHOLE), tried(AttemptOutcome.REFUSED, WHOLE), segments=3)
    assert (opened.unsent, opened.total, opened.untold) == ([3, 2, 1], 3, True)


def test_a_whole_that_was_lost_and_then_went_in_parts_is_in_parts() -> None:
    opened = restored(tried(WRITTEN, WHOLE), tried(LOST, WHOLE), tried(WRITTEN, 1), segments=3)
    assert (opened.unsent, opened.total) == ([3, 2], 3)
    assert opened.doubtful == {1: ("alpha/1", WRITTEN)}


def test_parts_that_were_lost_and_then_went_whole_are_whole() -> None:
    facts = [tried(outcome, part) for part in (1, 2) for outcome in (WRITTEN, LOST)]
    opened = restored(*facts, tried(WRITTEN, WHOLE), segments=3)
    assert (opened.unsent, opened.total) == ([], 1)
    assert opened.doubtful == {WHOLE: ("alpha/1", WRITTEN)}


def test_what_goes_in_parts_leaves_a_copy_of_the_whole_behind() -> None:
    whole = tried(AttemptOutcome.RESENT, WHOLE, at=5)
    facts = (tried(WRITTEN, WHOLE), whole, tried(WRITTEN, 1, at=9))
    assert strays(stored(*facts, segments=2)) == [whole]


def test_what_goes_whole_leaves_copies_of_its_parts_behind() -> None:
    part = tried(AttemptOutcome.RESENT, 2, at=5)
    facts = (tried(WRITTEN, 2), part, tried(WRITTEN, WHOLE, at=9))
    assert strays(stored(*facts, segments=2)) == [part]


def test_a_refusal_of_the_whole_for_good_is_an_answer() -> None:
    assert strays(stored(tried(WRITTEN, WHOLE), REFUSED_THERE, segments=2)) == []


# What a customer may still change


@pytest.mark.parametrize(
    "outcomes",
    [(WRITTEN,), (WRITTEN, LOST), (WRITTEN, UNANSWERED), (WRITTEN, AttemptOutcome.RESENT)],
)
def test_a_message_that_a_carrier_may_have_is_not_untold(
    outcomes: tuple[AttemptOutcome, ...],
) -> None:
    assert not restored(*map(tried, outcomes)).untold


def test_a_message_that_is_replaced_is_all_to_be_sent() -> None:
    opened = OpenMessage(a_message())
    opened.parts = (b"hello",)
    opened.replace(a_message(body="x" * 200, segments=2))
    assert (opened.segments, opened.unsent) == (2, [2, 1])
    assert not opened.parts


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


def test_a_part_that_was_sent_twice_counts_once() -> None:
    opened = restored(a_part(1, 1, Status.SENT), a_part(2, 1, Status.SENT), segments=2)
    assert (opened.unsent, opened.sent) == ([2], 1)


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


# Which receipts are awaited


def test_the_only_part_of_a_message_is_awaited_under_the_id_of_the_whole() -> None:
    sent = became(1, 1, Status.SENT, bind="alpha/1", carrier_id="4a5b")
    assert awaited(stored(sent)) == (SentPart(1, "alpha/1", "4a5b", sent.at),)


def test_parts_without_a_receipt_are_awaited() -> None:
    opened = restored(
        a_part(1, 1, Status.SENT, carrier_id="a"),
        a_part(2, 2, Status.SENT, carrier_id="b"),
        became(1, 3, Status.SENT),
        a_part(4, 1, Status.DELIVERED),
        segments=2,
    )
    assert opened.awaited == (SentPart(2, "alpha/1", "b", NOON + 3),)


def test_the_wait_began_with_the_first_part() -> None:
    first, second = a_part(1, 1, Status.SENT), a_part(2, 2, Status.SENT)
    opened = restored(first, second, a_part(3, 1, Status.DELIVERED), segments=3)
    assert opened.taken_at == first.at


def test_nothing_is_awaited_of_what_was_not_sent() -> None:
    opened = restored(tried(AttemptOutcome.WRITTEN))
    assert (opened.awaited, opened.taken_at) == ((), 0.0)
