import logging
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from gateway.errors import StoreError
from gateway.message import Direction, Status
from gateway.store.interface import (
    Deleted,
    MessageFilter,
    OptOut,
    Redacted,
    StoredMessage,
    UnmatchedReceipt,
)
from gateway.store.sqlite_file import CHECKPOINT_PAGES, FILE_NAME, RecordError, SqliteFile
from gateway.store.sqlite_reader import SqliteReader
from tests.store.builders import (
    ACCOUNT,
    NOON,
    OTHER_ACCOUNT,
    a_message,
    accepted,
    became,
    delivered,
    notified,
    sent,
)

ALL = MessageFilter()


def ids(file: SqliteFile, where: MessageFilter = ALL, before: int | None = None) -> list[int]:
    with closing(file.reader()) as reader:
        return [found.message.id for found in reader.list(ACCOUNT, where, 50, before)]


def fetched(file: SqliteFile, message_id: int = 1) -> StoredMessage | None:
    with closing(file.reader()) as reader:
        return reader.fetch(ACCOUNT, message_id)


def an_opt_out(at: float, *, out: bool, recipient: str = "+15017122661") -> OptOut:
    return OptOut(ACCOUNT, "55501", recipient, at, out)


def a_receipt(at: float) -> UnmatchedReceipt:
    return UnmatchedReceipt("alpha", "17", at, "DELIVRD")


def test_a_message_is_fetched_with_all_that_became_of_it(file: SqliteFile) -> None:
    file.write([accepted(), sent(), delivered()])
    assert fetched(file) == StoredMessage(a_message(), (sent(), delivered()))


def test_records_of_one_batch_may_come_in_any_order(file: SqliteFile) -> None:
    file.write([Redacted(1), delivered(), sent(), accepted()])
    assert fetched(file) == StoredMessage(a_message(body=""), (sent(), delivered()))


def test_a_message_is_not_shown_to_another_account(file: SqliteFile) -> None:
    file.write([accepted(account_sid=OTHER_ACCOUNT)])
    assert fetched(file) is None


def test_the_list_is_newest_first_and_pages_backwards(file: SqliteFile) -> None:
    file.write([accepted(message_id) for message_id in range(1, 6)])
    assert ids(file) == [5, 4, 3, 2, 1]
    assert ids(file, before=3) == [2, 1]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (MessageFilter(sender="55501"), [3, 1]),
        (MessageFilter(recipient="+15550003"), [3]),
        (MessageFilter(sender="55501", recipient="+15550002"), []),
        (MessageFilter(since=NOON + 2), [3, 2]),
        (MessageFilter(until=NOON + 2), [1]),
    ],
)
def test_the_list_is_filtered(file: SqliteFile, where: MessageFilter, found: list[int]) -> None:
    file.write(
        [
            accepted(1, sender="55501", recipient="+15550001"),
            accepted(2, recipient="+15550002"),
            accepted(3, sender="55501", recipient="+15550003"),
        ]
    )
    assert ids(file, where) == found


def test_a_redacted_message_keeps_no_trace_of_its_body_in_the_database(file: SqliteFile) -> None:
    file.write([accepted(body="Your code is 424242.")])
    file.write([Redacted(1)])
    file.checkpoint()
    assert b"424242" not in file.path.read_bytes()


def test_a_deleted_message_is_gone_from_every_answer(file: SqliteFile) -> None:
    file.write([accepted(), sent(), Deleted(1)])
    assert fetched(file) is None
    assert ids(file) == []
    with closing(file.reader()) as reader:
        assert list(reader.load_open()) == []
        assert list(reader.load_unnotified()) == []


def test_a_deleted_message_keeps_its_id_taken(file: SqliteFile) -> None:
    file.write([accepted(7), Deleted(7)])
    with closing(file.reader()) as reader:
        assert reader.last_id() == 7


def test_redacting_what_is_not_there_changes_nothing(file: SqliteFile) -> None:
    file.write([Redacted(1)])
    assert fetched(file) is None


def test_the_last_id_of_a_new_store_is_zero(file: SqliteFile) -> None:
    with closing(file.reader()) as reader:
        assert reader.last_id() == 0


def test_open_messages_come_in_the_order_of_their_ids(file: SqliteFile) -> None:
    file.write(
        [
            accepted(3),
            accepted(1),
            accepted(2),
            sent(2),
            delivered(2),
            accepted(4, direction=Direction.INBOUND),
            accepted(5),
            became(5, 1, Status.DELIVERED, part=1),
            sent(1),
        ]
    )
    with closing(file.reader()) as reader:
        assert [(found.message.id, found.status) for found in reader.load_open()] == [
            (1, Status.SENT),
            (3, Status.QUEUED),
            (5, Status.QUEUED),
        ]


def test_unnotified_transitions_have_a_listener_and_come_oldest_message_first(
    file: SqliteFile,
) -> None:
    file.write(
        [accepted(2), sent(2), delivered(2), accepted(1), sent(1), became(1, 2, Status.SENT)]
    )
    file.write([notified(2, 1)])
    with closing(file.reader()) as reader:
        assert list(reader.load_unnotified()) == [
            (a_message(1), sent(1)),
            (a_message(2), delivered(2)),
        ]


def test_the_last_word_of_a_recipient_counts(file: SqliteFile) -> None:
    other = an_opt_out(NOON, out=True, recipient="+15550009")
    file.write([an_opt_out(NOON, out=True), other, an_opt_out(NOON, out=False)])
    with closing(file.reader()) as reader:
        assert list(reader.load_opt_outs()) == [other, an_opt_out(NOON, out=False)]


def test_unmatched_receipts_come_newest_first(file: SqliteFile) -> None:
    file.write([a_receipt(NOON), a_receipt(NOON + 1), a_receipt(NOON + 2)])
    with closing(file.reader()) as reader:
        assert reader.unmatched_receipts(2) == [a_receipt(NOON + 2), a_receipt(NOON + 1)]


def test_a_fact_written_twice_is_kept_once_and_said_aloud(
    file: SqliteFile, caplog: pytest.LogCaptureFixture
) -> None:
    file.write([accepted(), sent()])
    with caplog.at_level(logging.WARNING):
        file.write([became(1, 1, Status.FAILED)])
    assert fetched(file) == StoredMessage(a_message(), (sent(),))
    assert "stored before" in caplog.text


def test_a_second_message_with_the_same_id_is_an_error_and_spoils_its_batch(
    file: SqliteFile,
) -> None:
    file.write([accepted()])
    with pytest.raises(RecordError):
        file.write([accepted(2), accepted(1, body="another")])
    assert ids(file) == [1]


def test_a_batch_after_a_spoiled_one_is_written(file: SqliteFile) -> None:
    with pytest.raises(RecordError):
        file.write([accepted(1, sender="\ud800")])
    file.write([accepted(2)])
    assert ids(file) == [2]


def test_large_batches_are_written_whole(file: SqliteFile) -> None:
    file.write([accepted(message_id) for message_id in range(1, 1_000)])
    with closing(file.reader()) as reader:
        assert sum(1 for _ in reader.load_open()) == 999


def test_what_was_written_is_there_after_a_restart(file: SqliteFile) -> None:
    file.write([accepted(), sent()])
    file.close()
    file.open()
    assert fetched(file) == StoredMessage(a_message(), (sent(),))


def test_opening_moves_the_log_into_the_database(file: SqliteFile, tmp_path: Path) -> None:
    with closing(file.reader()) as reader:
        reader.last_id()
        file.write([accepted()])
        file.close()
        file.open()
        assert (tmp_path / f"{FILE_NAME}-wal").stat().st_size == 0


def test_a_checkpoint_is_due_after_enough_pages(file: SqliteFile) -> None:
    assert not file.checkpoint_due
    for message_id in range(1, 200):
        file.write([accepted(message_id, body="x" * 40_000)])
    assert file.checkpoint_due, CHECKPOINT_PAGES
    file.checkpoint()
    assert not file.checkpoint_due


def test_a_closed_file_takes_nothing(file: SqliteFile) -> None:
    file.close()
    with pytest.raises(StoreError, match="not open"):
        file.write([accepted()])


def test_a_reader_says_that_it_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        SqliteReader(tmp_path / "nowhere" / FILE_NAME).last_id()


def test_a_commit_of_one_file_is_seen_by_an_open_reader(file: SqliteFile) -> None:
    with closing(file.reader()) as reader:
        assert reader.last_id() == 0
        file.write([accepted(3)])
        assert reader.last_id() == 3


def test_every_commit_is_flushed(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / FILE_NAME)
    connection: apsw.Connection = file._connect()
    assert connection.pragma("synchronous") == 2
    assert connection.pragma("journal_mode") == "wal"
    connection.close()
