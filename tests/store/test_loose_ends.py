"""What a start knows of messages that may have ended, whichever files know of it."""

from typing import Any

import pytest

from gateway.errors import StoreError
from gateway.message import Direction, Status
from gateway.store import loose_ends
from gateway.store.interface import (
    Attempt,
    AttemptOutcome,
    CarrierId,
    Deleted,
    StoredMessage,
    Transition,
)
from gateway.store.loose_ends import PAST_S, LooseEnds
from tests.store.builders import NOON, a_message, accepted, attempted, became, sent
from tests.store.open_store import OpenStore
from tests.store.test_recovery import EVERYWHERE, Then

WRITTEN, REFUSED, LOST = AttemptOutcome.WRITTEN, AttemptOutcome.REFUSED, AttemptOutcome.LOST
ALWAYS = 0.0


def of(store: OpenStore) -> LooseEnds:
    return LooseEnds(store.path, store.segments)


def unanswered(store: OpenStore, since: float = ALWAYS) -> list[int]:
    return [stored.message.id for stored in of(store).load_unanswered(since)]


def past_ids(store: OpenStore) -> list[CarrierId]:
    return list(of(store).load_past_ids())


def taken(
    message_id: int, number: int, carrier_id: str, part: int = 0, **changes: Any
) -> Transition:
    return became(
        message_id, number, Status.SENT, bind="alpha/1", carrier_id=carrier_id, part=part, **changes
    )


def settled(
    message_id: int, number: int, carrier_id: str = "", part: int = 0, **changes: Any
) -> Transition:
    fields = {"bind": "alpha/1", "carrier_id": carrier_id, "part": part}
    return became(message_id, number, Status.DELIVERED, **(fields | changes))


def known(carrier_id: str, settled: bool = True) -> CarrierId:
    return CarrierId("alpha/1", carrier_id, settled)


# Copies without an answer


@EVERYWHERE
def test_a_message_with_a_copy_that_was_never_answered_is_known(
    store: OpenStore, then: Then
) -> None:
    facts = (attempted(1), attempted(1, LOST))
    store.write(accepted(1), *facts, accepted(2), attempted(2), accepted(3), sent(3))
    then(store)
    assert list(of(store).load_unanswered(ALWAYS)) == [StoredMessage(a_message(1), (), facts)]


@pytest.mark.parametrize("outcome", [each for each in AttemptOutcome if each > REFUSED])
def test_all_that_is_said_without_an_answer_counts(
    store: OpenStore, outcome: AttemptOutcome
) -> None:
    store.write(accepted(1), attempted(1), attempted(1, outcome))
    assert unanswered(store) == [1]


def test_a_message_that_was_sent_in_the_end_is_known(store: OpenStore) -> None:
    store.write(accepted(1), attempted(1), attempted(1, LOST))
    store.summarise()
    store.write(attempted(1), sent(1), settled(1, 2))
    assert unanswered(store) == [1]


def test_one_that_several_files_know_comes_once(store: OpenStore) -> None:
    store.write(accepted(1), attempted(1, LOST))
    store.summarise()
    store.write(attempted(1, LOST), accepted(2), attempted(2, LOST))
    assert unanswered(store) == [1, 2]


def test_they_come_in_pages(store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loose_ends, "PAGE", 2)
    for message_id in range(1, 6):
        store.write(accepted(message_id), attempted(message_id, LOST))
    assert unanswered(store) == [1, 2, 3, 4, 5]


def test_what_nobody_waits_for_any_more_is_not_among_them(store: OpenStore) -> None:
    store.write(accepted(1), attempted(1, LOST), accepted(2), attempted(2, LOST))
    assert unanswered(store, NOON + 2) == [2]


def test_files_that_are_too_old_are_not_read(store: OpenStore) -> None:
    store.write(accepted(1), attempted(1, LOST))
    store.summarise()
    store.write(accepted(2), Transition(2, 1, Status.SENT, store.now + PAST_S + 1))
    (store.path / "segment-00000001.db").unlink()
    assert unanswered(store, store.now + 1) == []
    with pytest.raises(StoreError, match="cannot be read"):
        unanswered(store, store.now)


def test_a_deleted_message_is_not_among_them(store: OpenStore) -> None:
    store.write(accepted(1), attempted(1, LOST), became(1, 1, Status.FAILED))
    store.write(Deleted(1))
    assert unanswered(store) == []


def test_a_message_of_several_parts_may_have_failed_before_all_were_answered(
    store: OpenStore,
) -> None:
    """The process ended before it was noted."""
    store.write(accepted(1, segments=2), attempted(1), attempted(1, WRITTEN, part=2))
    store.write(accepted(2), attempted(2))
    store.summarise()
    store.write(became(1, 1, Status.FAILED), accepted(3), attempted(3))
    store.write(became(2, 1, Status.FAILED), became(3, 1, Status.FAILED))
    # Of the first two it is not said here how many parts they have.
    assert unanswered(store) == [1, 2]


def test_one_that_failed_long_before_the_end_was_noted(store: OpenStore) -> None:
    store.write(accepted(1, segments=2), attempted(1), became(1, 1, Status.FAILED))
    store.write(accepted(2), Transition(2, 1, Status.SENT, NOON + PAST_S + 3))
    assert unanswered(store) == []


def test_a_segment_may_be_dropped_while_they_are_read(
    store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loose_ends, "PAGE", 1)
    for message_id in (1, 2, 3):
        store.write(accepted(message_id), attempted(message_id, LOST))
    found = of(store).load_unanswered(ALWAYS)
    first = next(found)
    store.drop_all()
    assert [each.message.id for each in (first, *found)] == [1, 2, 3]


# Ids that carriers have used


@EVERYWHERE
def test_the_id_of_a_receipt_that_came_is_known(store: OpenStore, then: Then) -> None:
    store.write(accepted(1), taken(1, 1, "a"))
    then(store)
    store.write(settled(1, 2, "a"), accepted(9), taken(9, 1, "z"))
    assert set(past_ids(store)) == {known("a")}


def test_the_ids_of_parts_are_known_while_the_message_is_open(store: OpenStore) -> None:
    store.write(accepted(1, segments=2), taken(1, 1, "a", part=1), taken(1, 2, "b", part=2))
    store.write(settled(1, 3, "a", part=1))
    assert past_ids(store) == [known("a")]


def test_the_ids_of_a_message_that_ended_are_known_receipt_or_not(store: OpenStore) -> None:
    store.write(accepted(1, segments=2), taken(1, 1, "a", part=1), taken(1, 2, "b", part=2))
    store.summarise()
    store.write(settled(1, 3, "a", part=1), became(1, 4, Status.UNDELIVERED))
    assert set(past_ids(store)) == {known("a"), known("b", settled=False)}


def test_the_id_of_a_message_that_was_given_up_is_known(store: OpenStore) -> None:
    store.write(accepted(1), taken(1, 1, "a"), became(1, 2, Status.UNDELIVERED, bind="alpha/1"))
    assert past_ids(store) == [known("a", settled=False)]


def test_the_latest_come_last(store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loose_ends, "PAST_IDS_MAX", 2)
    for message_id in (3, 1, 2):
        store.write(accepted(message_id), settled(message_id, 1, str(message_id)))
    assert past_ids(store) == [known("2"), known("3")]


def test_the_end_is_when_the_last_was_written(store: OpenStore) -> None:
    """A carrier has its receipt still, however long the gateway was away."""
    store.write(accepted(1), Transition(1, 1, Status.DELIVERED, NOON, 0, 0, "alpha/1", "a"))
    at = NOON + PAST_S
    store.write(accepted(2), Transition(2, 1, Status.DELIVERED, at, 0, 0, "alpha/1", "b"))
    store.summarise()
    assert past_ids(store) == [known("a"), known("b")]
    store.write(Transition(3, 1, Status.FAILED, at + 1))
    assert past_ids(store) == [known("b")]


def test_messages_that_came_in_have_no_such_ids(store: OpenStore) -> None:
    inbound = accepted(1, direction=Direction.INBOUND)
    store.write(inbound, became(1, 1, Status.RECEIVED, bind="alpha/1"))
    assert past_ids(store) == []


def test_a_new_store_has_no_loose_ends(store: OpenStore) -> None:
    assert (past_ids(store), unanswered(store)) == ([], [])


def test_attempts_in_doubt_are_found_without_reading_the_others(store: OpenStore) -> None:
    store.write(accepted(1), attempted(1))
    sql = "EXPLAIN QUERY PLAN " + loose_ends._UNANSWERED
    (row,) = store.connections.rows(1, sql, (0, 0.0))
    assert "attempt_in_doubt" in row[3]


def test_an_attempt_has_its_time(store: OpenStore) -> None:
    earlier = Attempt(1, 1, NOON, LOST, "alpha/1")
    store.write(accepted(1), earlier)
    assert unanswered(store, NOON) == [1]
    assert unanswered(store, NOON + 1) == []
