"""What is written, where, and in which order it becomes durable."""

import logging
from pathlib import Path

import apsw
import pytest

from gateway.errors import StoreError
from gateway.message import Status
from gateway.store.interface import (
    Cursor,
    Deleted,
    OptOut,
    Redacted,
    Released,
    Replaced,
    StoredMessage,
    StreamPosition,
    UnmatchedReceipt,
)
from gateway.store.sqlite_connection import RecordError, connect
from gateway.store.sqlite_file import CHECKPOINT_PAGES
from gateway.store.store_reader import StoreReader
from tests.store.builders import (
    ACCOUNT,
    NOON,
    a_message,
    accepted,
    attempted,
    became,
    delivered,
    given_up,
    notified,
    replayed,
    sent,
)
from tests.store.failing_disk import FailingDisk
from tests.store.open_store import OpenStore


def an_opt_out(at: float, *, out: bool, recipient: str = "+15017122661") -> OptOut:
    return OptOut(ACCOUNT, "55501", recipient, at, out)


def octets_of(store: OpenStore) -> bytes:
    """All that the databases have, their logs emptied."""
    store.files.close()
    store.files.open()
    return b"".join(path.read_bytes() for path in store.path.glob("*.db"))


def test_a_message_is_fetched_with_all_that_became_of_it(store: OpenStore) -> None:
    store.write(accepted(), sent(), delivered())
    assert store.fetch() == StoredMessage(a_message(), (sent(), delivered()))


def test_records_of_one_batch_may_come_in_any_order(store: OpenStore) -> None:
    store.write(Redacted(1), delivered(), sent(), accepted())
    assert store.fetch() == StoredMessage(a_message(body=""), (sent(), delivered()))


def test_a_redacted_message_keeps_no_trace_of_its_body_in_the_database(store: OpenStore) -> None:
    store.write(accepted(body="Your code is 424242."))
    store.write(Redacted(1))
    assert b"424242" not in octets_of(store)


@pytest.mark.parametrize("body", ["Your code is 424242.", "Your code is 424242. " * 500])
@pytest.mark.parametrize("record", [Redacted(1), Deleted(1)])
def test_what_is_erased_in_an_older_segment_leaves_no_trace_either(
    store: OpenStore, record: Redacted | Deleted, body: str
) -> None:
    store.write(accepted(body=body))
    store.summarise()
    store.write(record)
    assert b"424242" not in octets_of(store)


def test_a_message_of_an_older_segment_is_redacted_there(store: OpenStore) -> None:
    store.write(accepted())
    store.roll()
    store.write(Redacted(1))
    assert store.fetch() == StoredMessage(a_message(body=""))


def test_the_last_replacement_counts(store: OpenStore) -> None:
    store.write(accepted(), sent(2), Replaced(a_message(body="one")), Replaced(a_message(body="2")))
    assert store.fetch() == StoredMessage(a_message(body="2"))


def test_a_replaced_text_leaves_no_trace(store: OpenStore) -> None:
    store.write(accepted(body="Your code is 424242."))
    store.write(Replaced(a_message(body="Your code is 171717.")))
    octets = octets_of(store)
    assert (b"424242" in octets, b"171717" in octets) == (False, True)


def test_revisions_of_one_batch_keep_their_order(store: OpenStore) -> None:
    store.write(accepted(), Redacted(1), Replaced(a_message(body="new")))
    assert store.fetch() == StoredMessage(a_message(body="new"))
    store.write(Replaced(a_message(body="newer")), Deleted(1), Replaced(a_message(body="newest")))
    assert store.fetch() is None


def test_a_message_of_an_older_segment_is_replaced_there(store: OpenStore) -> None:
    store.write(accepted())
    store.summarise()
    store.write(Replaced(a_message(body="new", segments=2)))
    store.drop_all()
    assert store.numbers == [store.files.segments.live.number]
    assert store.fetch() == StoredMessage(a_message(body="new", segments=2))


def test_a_message_that_was_carried_over_is_replaced_there(store: OpenStore) -> None:
    store.write(accepted())
    store.drop_all()
    store.write(Replaced(a_message(body="new")))
    assert store.fetch() == StoredMessage(a_message(body="new"))


def test_what_is_replaced_after_it_was_copied_is_carried_as_it_is(store: OpenStore) -> None:
    """The drop was interrupted, and the catalogue has a copy that counts for nothing yet."""
    store.write(accepted())
    store.summarise()
    store.segment_set.carry(store.files.segments.kept[0], [1])
    file = store.segment_set.file(1)
    file.open()
    file.revise([Replaced(a_message(body="new"))])  # And here the power fails.
    file.close()
    store.drop_all()
    assert store.fetch() == StoredMessage(a_message(body="new"))


def test_a_deleted_message_is_gone_from_every_answer(store: OpenStore) -> None:
    store.write(accepted(), sent(), attempted(), given_up(), Deleted(1))
    assert store.fetch() is None
    assert store.stored() is None
    assert store.listed() == []
    assert store.load_open() == []
    assert store.load_owed() == []


def test_a_message_of_an_older_segment_is_deleted_there(store: OpenStore) -> None:
    store.write(accepted(), sent())
    store.roll()
    store.write(delivered(), Deleted(1))
    assert store.fetch() is None
    assert store.load_owed() == []


def test_a_deleted_message_keeps_its_id_taken(store: OpenStore) -> None:
    store.write(accepted(7), Deleted(7))
    store.files.close()
    store.files.open()
    assert store.files.last_id == 7


def test_erasing_what_is_not_there_changes_nothing(store: OpenStore) -> None:
    store.write(Redacted(1), Deleted(1))
    assert store.fetch() is None


def test_the_last_id_of_a_new_store_is_zero(store: OpenStore) -> None:
    assert store.files.last_id == 0


def test_the_last_word_of_a_recipient_counts(store: OpenStore) -> None:
    other = an_opt_out(NOON, out=True, recipient="+15550009")
    store.write(an_opt_out(NOON, out=True), other, an_opt_out(NOON, out=False))
    assert list(store.recovery().load_opt_outs()) == [other, an_opt_out(NOON, out=False)]


def test_the_last_cursor_of_a_sink_counts(store: OpenStore) -> None:
    store.write(Cursor("mqtt", 1, 2, NOON), Cursor("webhook", 1, 1, NOON))
    store.write(Cursor("mqtt", 1, 3, NOON + 1))
    assert store.recovery().load_cursors() == {
        "mqtt": StreamPosition(1, 3),
        "webhook": StreamPosition(1, 1),
    }


def test_a_fact_written_twice_is_kept_once_and_said_aloud(
    store: OpenStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.write(accepted(), sent())
    with caplog.at_level(logging.WARNING):
        store.write(became(1, 1, Status.FAILED))
    assert store.fetch() == StoredMessage(a_message(), (sent(),))
    assert "stored before" in caplog.text


def test_a_second_message_with_the_same_id_is_an_error_and_spoils_its_batch(
    store: OpenStore,
) -> None:
    store.write(accepted())
    with pytest.raises(RecordError):
        store.write(accepted(2), accepted(1, body="another"))
    assert store.listed() == [1]


def test_a_message_older_than_the_live_segment_is_an_error(store: OpenStore) -> None:
    store.write(accepted(5))
    store.roll()
    with pytest.raises(RecordError, match="older than its segment, from 6 on"):
        store.write(accepted(4))


def test_a_batch_after_a_spoiled_one_is_written(store: OpenStore) -> None:
    with pytest.raises(RecordError):
        store.write(accepted(1, sender="\ud800"))
    store.write(accepted(2))
    assert store.listed() == [2]


def test_an_opt_out_that_cannot_be_stored_spoils_its_batch(store: OpenStore) -> None:
    with pytest.raises(RecordError):
        store.write(accepted(), an_opt_out(NOON, out=True, recipient="\ud800"))
    assert store.listed() == []


def test_large_batches_are_written_whole(store: OpenStore) -> None:
    store.write(*(accepted(message_id) for message_id in range(1, 1_000)))
    assert len(store.listed()) == 999


def test_what_was_written_is_there_after_a_restart(store: OpenStore) -> None:
    everything = (accepted(), attempted(), sent(), notified(), given_up(1, 2), replayed())
    store.write(*everything, delivered(), Released(1))
    before = store.ask(StoreReader.timeline, 1)
    store.files.close()
    store.files.open()
    assert store.ask(StoreReader.timeline, 1) == before != None  # noqa: E711


def test_opening_moves_the_logs_into_the_databases(store: OpenStore) -> None:
    store.listed()
    store.write(accepted(), an_opt_out(NOON, out=True))
    store.files.close()
    store.files.open()
    assert [path.stat().st_size for path in store.path.glob("*.db-wal")] == [0, 0]


def test_a_checkpoint_is_due_after_enough_pages(store: OpenStore) -> None:
    assert not store.files.checkpoint_due
    for message_id in range(1, 200):
        store.write(accepted(message_id, body="x" * 40_000))
    assert store.files.checkpoint_due, CHECKPOINT_PAGES
    store.files.checkpoint()
    assert not store.files.checkpoint_due


def test_closed_files_take_nothing(store: OpenStore) -> None:
    store.files.close()
    with pytest.raises(StoreError, match="not open"):
        store.write(accepted())


def test_a_commit_is_seen_by_an_open_reader(store: OpenStore) -> None:
    assert store.listed() == []
    store.write(accepted(3))
    assert store.listed() == [3]


def test_every_commit_is_flushed(tmp_path: Path) -> None:
    connection: apsw.Connection = connect(tmp_path / "any.db", None, durable=True)
    assert connection.pragma("synchronous") == 2
    assert connection.pragma("journal_mode") == "wal"
    connection.close()


@pytest.mark.parametrize("good_calls", range(12))
def test_wherever_the_disk_fails_an_erasure_is_whole_or_not_at_all(
    store: OpenStore, disk: FailingDisk, good_calls: int
) -> None:
    store.write(accepted(), sent())
    store.roll()
    disk.fail(after=good_calls)
    try:
        store.write(Deleted(1))
        erased = True
    except StoreError:
        erased = False
    disk.heal()
    store.files.close()
    store.files.open()
    assert not (erased and store.fetch())
    store.write(Deleted(1))
    assert store.fetch() is None


def test_unmatched_receipts_of_all_segments_come_newest_first(store: OpenStore) -> None:
    receipts = [UnmatchedReceipt("alpha", "17", NOON + second, "DELIVRD") for second in range(4)]
    store.write(receipts[0], receipts[3])
    store.roll()
    store.write(receipts[1], receipts[2])
    assert store.ask(StoreReader.unmatched_receipts, 3) == receipts[:0:-1]
