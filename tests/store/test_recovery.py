"""What a start finds, whichever files know of it."""

from collections.abc import Callable

import pytest

from gateway.errors import StoreError
from gateway.message import Direction, Status
from gateway.store import unfinished
from gateway.store.interface import (
    WHOLE,
    AttemptOutcome,
    Deleted,
    Notified,
    Owed,
    OwedKey,
    Released,
    Replaced,
    SentMessage,
    SentPart,
    StoredMessage,
    Transition,
    WaitingMessage,
)
from tests.store.builders import (
    ACCOUNT,
    NOON,
    a_message,
    accepted,
    attempted,
    became,
    delivered,
    finished,
    given_up,
    notified,
    replayed,
    sent,
    waiting,
    waiting_for_receipts,
)
from tests.store.open_store import OpenStore

LATER = {"send_at": NOON + 3_600.0}


def as_it_is(store: OpenStore) -> None:
    """The live segment alone."""


def sealed(store: OpenStore) -> None:
    store.roll()


def summarised(store: OpenStore) -> None:
    store.summarise()


def carried(store: OpenStore) -> None:
    store.drop_all()


def sent_part(part: int, message_id: int = 1) -> Transition:
    return became(message_id, part, Status.SENT, part=part, bind="alpha/1", carrier_id=f"a{part}")


Then = Callable[[OpenStore], None]
EVERYWHERE = pytest.mark.parametrize("then", [as_it_is, sealed, summarised, carried])


@EVERYWHERE
def test_a_message_that_waits_is_known_by_its_place(store: OpenStore, then: Then) -> None:
    store.write(accepted(1), accepted(2, **LATER), became(2, 1, Status.QUEUED))
    then(store)
    assert store.load_open() == [waiting(1), waiting(2, scheduled=True)]


@EVERYWHERE
def test_a_message_that_has_been_touched_comes_with_all_about_it(
    store: OpenStore, then: Then
) -> None:
    lost = attempted(2, AttemptOutcome.LOST)
    store.write(accepted(1), accepted(2), accepted(3, **LATER), attempted(2))
    then(store)
    store.write(lost, sent(1))
    assert store.load_open() == [
        waiting_for_receipts(1),
        StoredMessage(a_message(2), (), (attempted(2), lost)),
        StoredMessage(a_message(3, **LATER)),
    ]


@EVERYWHERE
def test_a_message_that_was_replaced_waits_as_it_is_now(store: OpenStore, then: Then) -> None:
    now = a_message(1, body="x" * 200, segments=2, expires_at=NOON + 60.0)
    store.write(accepted(1), accepted(2, **LATER), accepted(3))
    then(store)
    store.write(Replaced(now), Replaced(a_message(2, send_at=NOON + 7_200.0)))
    store.write(Replaced(a_message(3, **LATER)))
    assert store.load_open() == [
        waiting(1)._replace(segments=2, expires_at=NOON + 60.0),
        StoredMessage(a_message(2, send_at=NOON + 7_200.0)),
        StoredMessage(a_message(3, **LATER)),
    ]


@EVERYWHERE
def test_what_has_ended_is_not_open(store: OpenStore, then: Then) -> None:
    store.write(*(accepted(message_id) for message_id in range(1, 6)), *finished(6))
    store.write(accepted(7, direction=Direction.INBOUND), sent(2), sent(3))
    then(store)
    store.write(became(1, 1, Status.FAILED), delivered(2), Released(3), Deleted(4))
    assert store.open_ids() == [5]


def test_a_message_of_several_parts_waits_once_all_are_sent(store: OpenStore) -> None:
    store.write(accepted(1, segments=2), sent_part(1), sent_part(2), accepted(2, segments=2))
    store.write(sent_part(1, message_id=2))
    store.summarise()
    store.write(became(1, 3, Status.SENT))
    assert store.load_open() == [
        SentMessage(
            1,
            ACCOUNT,
            (
                SentPart(1, "alpha/1", "a1", NOON + 2),
                SentPart(2, "alpha/1", "a2", NOON + 3),
            ),
        ),
        StoredMessage(a_message(2, segments=2), (sent_part(1, message_id=2),)),
    ]


def test_a_message_of_which_a_part_has_its_receipt_comes_with_all_about_it(
    store: OpenStore,
) -> None:
    steps = (
        sent_part(1),
        sent_part(2),
        became(1, 3, Status.SENT),
        became(1, 4, Status.DELIVERED, part=1),
    )
    store.write(accepted(1, segments=2), *steps)
    assert store.load_open() == [StoredMessage(a_message(1, segments=2), steps)]


@EVERYWHERE
def test_a_message_that_was_sent_whole_waits_for_one_receipt(store: OpenStore, then: Then) -> None:
    store.write(accepted(1, segments=2), attempted(1, part=WHOLE), sent(1))
    then(store)
    whole = SentPart(WHOLE, "alpha/1", sent(1).carrier_id, sent(1).at)
    assert store.load_open() == [SentMessage(1, ACCOUNT, (whole,))]


def test_a_message_that_comes_due_in_a_later_segment_waits(store: OpenStore) -> None:
    store.write(accepted(1, **LATER))
    store.summarise()
    store.write(became(1, 1, Status.QUEUED))
    assert store.load_open() == [waiting(1, scheduled=True)]


def test_a_part_that_has_ended_does_not_end_its_message(store: OpenStore) -> None:
    part = became(1, 1, Status.DELIVERED, part=1)
    store.write(accepted(1, segments=2), part)
    assert store.load_open() == [StoredMessage(a_message(1, segments=2), (part,))]


def test_open_messages_come_in_the_order_of_their_ids(
    store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "PAGE", 2)
    store.write(accepted(3), accepted(1), accepted(2), sent(2))
    store.drop_all()
    store.write(accepted(6), sent(6), accepted(4), accepted(5))
    store.roll()
    store.write(accepted(7))
    assert store.open_ids() == [1, 2, 3, 4, 5, 6, 7]


def test_what_is_accepted_after_it_was_asked_is_not_among_them(store: OpenStore) -> None:
    store.write(accepted(1))
    found = store.recovery().load_open()
    store.write(accepted(2))
    assert list(found) == [waiting(1)]


def test_a_segment_may_be_dropped_while_open_messages_are_read(
    store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "_OPEN_PAGE", unfinished._OPEN_PAGE.replace("1000", "2"))
    store.write(*(accepted(message_id) for message_id in range(1, 6)), sent(4))
    store.summarise()
    store.write(accepted(6))
    found = store.recovery().load_open()
    first = next(found)
    store.drop_all()
    assert store.numbers == [3]
    assert [first, *found] == [
        waiting(1),
        waiting(2),
        waiting(3),
        waiting_for_receipts(4),
        waiting(5),
        waiting(6),
    ]


def test_a_segment_may_be_dropped_while_debts_are_read(
    store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "_OWED_PAGE", unfinished._OWED_PAGE.replace("1000", "2"))
    for message_id in range(1, 6):
        store.write(accepted(message_id), sent(message_id))
    store.summarise()
    store.write(accepted(6), sent(6))
    found = store.recovery().load_owed()
    first = next(found)
    store.drop_all()
    assert [first, *found] == [Owed(a_message(n), sent(n)) for n in range(1, 7)]


def test_a_segment_that_is_lost_is_an_error(store: OpenStore) -> None:
    store.write(accepted(1))
    store.summarise()
    (store.path / "segment-00000001.db").unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        store.load_open()
    with pytest.raises(StoreError, match="cannot be read"):
        store.load_owed()


@EVERYWHERE
def test_what_nobody_was_told_is_owed(store: OpenStore, then: Then) -> None:
    store.write(accepted(1), sent(1), accepted(2), sent(2), accepted(3), sent(3))
    store.write(became(3, 2, Status.FAILED), *finished(4))
    then(store)
    store.write(delivered(1), notified(2), notified(3))
    assert store.load_owed() == [Owed(a_message(1), sent(1)), Owed(a_message(1), delivered(1))]


@EVERYWHERE
def test_what_is_to_be_told_again_is_owed(store: OpenStore, then: Then) -> None:
    store.write(*finished(1), accepted(2), sent(2), given_up(2), replayed(2))
    store.write(accepted(3), sent(3), given_up(3), replayed(3))
    then(store)
    store.write(Notified(3, 1, NOON, "ok", round=1), replayed(3, 1, round=2))
    assert store.owed_keys() == [OwedKey(2, 1, 1), OwedKey(3, 1, 2)]


def test_a_replay_in_a_later_segment_is_owed(store: OpenStore) -> None:
    store.write(accepted(1), sent(1), given_up(1))
    store.summarise()
    store.write(replayed(1))
    assert store.load_owed() == [Owed(a_message(1), sent(1), 1)]


@EVERYWHERE
def test_a_deleted_message_owes_nothing(store: OpenStore, then: Then) -> None:
    store.write(accepted(1), sent(1))
    then(store)
    store.write(Deleted(1))
    assert store.load_owed() == []


def test_many_segments_are_gone_through(store: OpenStore) -> None:
    for message_id in range(1, 21):
        store.write(accepted(message_id), sent(message_id))
        if message_id > 3:
            store.write(delivered(message_id - 3), notified(message_id - 3))
        store.summarise()
    assert store.open_ids() == [18, 19, 20]
    assert store.owed_keys()[:2] == [OwedKey(1, 2), OwedKey(2, 2)]
    assert len(store.owed_keys()) == 17 + 3


def test_an_untouched_message_is_not_decoded(store: OpenStore) -> None:
    store.write(accepted(1))
    store.summarise()
    store.connections.rows(0, "SELECT 1")
    file = store.segment_set.file(1)
    file.open()
    assert file._connection is not None
    file._connection.execute("UPDATE job SET message = x'00'")
    file.close()
    assert isinstance(store.load_open()[0], WaitingMessage)
