"""What becomes of batches when records, disks and space fail."""

import logging
from contextlib import closing

import apsw
import pytest

from gateway.errors import StoreError
from gateway.store.group_commit import (
    REOPEN_FIRST_S,
    REOPEN_MAX_S,
    SPACE_CHECK_S,
    Entry,
    GroupCommit,
    Settled,
    StoreLimits,
)
from gateway.store.interface import OnCommit, Record, StoredMessage
from gateway.store.sqlite_file import SqliteFile
from tests.store.builders import ACCOUNT, a_message, accepted, delivered, notified, sent
from tests.store.failing_disk import FailingDisk

UNLIMITED = StoreLimits(free_bytes_min=0)


def batch(*records: Record) -> list[Entry]:
    return [(record, label(record)) for record in records]


def label(record: Record) -> OnCommit:
    """A callback that is recognised by the record it belongs to."""

    def on_commit(error: StoreError | None) -> None:
        raise AssertionError(record)

    on_commit.__doc__ = repr(record)
    return on_commit


def told(settled: Settled) -> list[tuple[str | None, bool]]:
    """Each answered record, and whether it was committed."""
    return [(on_commit.__doc__, error is None) for on_commit, error in settled.answers]


def a_core(file: SqliteFile) -> GroupCommit:
    return GroupCommit(file, lambda: 0, UNLIMITED, now=0.0)


def stored(file: SqliteFile, message_id: int = 1) -> StoredMessage | None:
    with closing(file.reader()) as reader:
        return reader.fetch(ACCOUNT, message_id)


def test_a_batch_is_answered_in_order(file: SqliteFile) -> None:
    settled = a_core(file).commit(batch(accepted(2), sent(1), accepted(1)), 0.0)
    assert told(settled) == [
        (repr(accepted(2)), True),
        (repr(sent(1)), True),
        (repr(accepted(1)), True),
    ]


def test_a_failed_write_gives_messages_back_and_keeps_facts(
    file: SqliteFile, disk: FailingDisk
) -> None:
    core = a_core(file)
    disk.fail()
    settled = core.commit(batch(accepted(2), sent(1)), 0.0)
    assert told(settled) == [(repr(accepted(2)), False)]
    assert settled.records == 1


def test_a_failed_write_ends_accepting(file: SqliteFile, disk: FailingDisk) -> None:
    core = a_core(file)
    disk.fail()
    core.commit(batch(sent(1)), 0.0)
    assert not core.accepting


def test_facts_about_a_refused_message_are_refused_with_it(
    file: SqliteFile, disk: FailingDisk
) -> None:
    core = a_core(file)
    disk.fail()
    core.commit(batch(accepted(1)), 0.0)
    settled = core.commit(batch(sent(1), notified(1), sent(2)), 0.0)
    assert told(settled) == [(repr(sent(1)), False), (repr(notified(1)), False)]


def test_kept_facts_are_written_and_answered_after_recovery(
    file: SqliteFile, disk: FailingDisk
) -> None:
    core = a_core(file)
    core.commit(batch(accepted(1)), 0.0)
    disk.fail()
    core.commit(batch(sent(1)), 0.0)
    core.commit(batch(delivered(1)), 0.0)
    disk.heal()
    settled = core.handle_timer(REOPEN_FIRST_S)
    assert told(settled) == [(repr(sent(1)), True), (repr(delivered(1)), True)]
    assert stored(file) == StoredMessage(a_message(), (sent(), delivered()))
    assert core.accepting


def test_a_failed_flush_is_not_tried_again_on_the_same_connection(
    file: SqliteFile, disk: FailingDisk
) -> None:
    core = a_core(file)
    disk.fail("xSync")
    core.commit(batch(accepted(1)), 0.0)
    with pytest.raises(StoreError, match="not open"):
        file.write([accepted(2)])


def test_a_refused_message_that_reached_the_disk_is_taken_back(
    file: SqliteFile, disk: FailingDisk
) -> None:
    core = a_core(file)
    core.commit(batch(accepted(2)), 0.0)
    disk.fail("xSync")
    core.commit(batch(accepted(1), sent(1)), 0.0)
    disk.heal()
    file.open()
    assert stored(file) is not None  # Without more ado it would rise from the dead.
    file.close()
    core.handle_timer(REOPEN_FIRST_S)
    assert stored(file) is None
    with closing(file.reader()) as reader:
        assert list(reader.load_unnotified()) == []


def test_taking_back_spares_an_older_message_with_the_same_id(file: SqliteFile) -> None:
    file.write([accepted(1)])
    file.forget([a_message(1, body="another")])
    assert stored(file) == StoredMessage(a_message())


@pytest.mark.parametrize("error", [apsw.IOError, apsw.FullError])
@pytest.mark.parametrize("good_calls", range(12))
def test_wherever_the_disk_fails_answers_and_file_agree(
    file: SqliteFile, disk: FailingDisk, good_calls: int, error: type[apsw.Error]
) -> None:
    core = a_core(file)
    core.commit(batch(accepted(1)), 0.0)
    disk.fail(after=good_calls, error=error)
    settled = core.commit(batch(accepted(2), sent(1)), 0.0)
    core.handle_timer(0.1)
    disk.heal()
    settled = Settled(settled.answers + core.handle_timer(9.0).answers, 0)
    committed = (repr(accepted(2)), True) in told(settled)
    assert (stored(file, 2) is not None) == committed
    assert (repr(sent(1)), True) in told(settled)
    assert stored(file, 1) == StoredMessage(a_message(1), (sent(1),))


@pytest.mark.parametrize("good_calls", range(8))
def test_a_failed_checkpoint_loses_nothing(
    file: SqliteFile, disk: FailingDisk, good_calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.sqlite_file.CHECKPOINT_PAGES", 1)
    core = a_core(file)
    core.commit(batch(*(accepted(message_id) for message_id in range(1, 100))), 0.0)
    disk.fail(after=good_calls)
    core.checkpoint(0.0)
    assert core.accepting == (disk.calls < disk.good_calls)
    disk.heal()
    core.handle_timer(1.0)
    with closing(file.reader()) as reader:
        assert sum(1 for _ in reader.load_open()) == 99


def test_reopening_backs_off_to_a_maximum(file: SqliteFile, disk: FailingDisk) -> None:
    core = a_core(file)
    disk.fail()
    core.commit(batch(sent(1)), 0.0)
    waits = []
    now = 0.0
    for _ in range(8):
        due = core.next_timer()
        assert due is not None
        waits.append(due - now)
        now = due
        core.handle_timer(now)
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, REOPEN_MAX_S, REOPEN_MAX_S])


def test_a_record_that_cannot_be_stored_refuses_only_itself(
    file: SqliteFile, caplog: pytest.LogCaptureFixture
) -> None:
    core = a_core(file)
    spoiled = accepted(2, sender="\ud800")
    with caplog.at_level(logging.ERROR):
        settled = core.commit(batch(accepted(1), spoiled, sent(1)), 0.0)
    assert told(settled) == [
        (repr(accepted(1)), True),
        (repr(spoiled), False),
        (repr(sent(1)), True),
    ]
    assert core.accepting
    assert "cannot be stored" in caplog.text


def test_a_disk_that_fails_while_a_spoiled_record_is_sought_takes_all_back(
    file: SqliteFile, disk: FailingDisk
) -> None:
    core = a_core(file)
    disk.fail("xSync", after=2)
    settled = core.commit(batch(accepted(1), accepted(2, sender="\ud800"), accepted(3)), 0.0)
    assert [committed for _, committed in told(settled)] == [False, False, False]
    disk.heal()
    core.handle_timer(1.0)
    with closing(file.reader()) as reader:
        assert list(reader.load_open()) == []


def test_below_the_floor_of_free_space_nothing_is_accepted_but_facts_are_written(
    file: SqliteFile,
) -> None:
    core = GroupCommit(file, lambda: 999, StoreLimits(free_bytes_min=1_000), now=0.0)
    assert not core.accepting
    assert told(core.commit(batch(sent(1)), 0.0)) == [(repr(sent(1)), True)]


def test_accepting_returns_with_the_space(file: SqliteFile) -> None:
    free_bytes = [999, 1_000]
    core = GroupCommit(file, lambda: free_bytes.pop(0), StoreLimits(free_bytes_min=1_000), now=0.0)
    assert core.next_timer() == SPACE_CHECK_S
    core.handle_timer(SPACE_CHECK_S)
    assert core.accepting


def test_space_alone_does_not_revive_a_failed_store(file: SqliteFile, disk: FailingDisk) -> None:
    core = GroupCommit(file, lambda: 1_000, StoreLimits(free_bytes_min=1_000), now=0.0)
    disk.fail()
    core.commit(batch(sent(1)), 0.95)
    core.handle_timer(SPACE_CHECK_S)
    assert not core.accepting


def test_closing_writes_what_a_failure_had_kept(file: SqliteFile, disk: FailingDisk) -> None:
    core = a_core(file)
    disk.fail()
    core.commit(batch(sent(1)), 0.0)
    disk.heal()
    assert told(core.close(0.0)) == [(repr(sent(1)), True)]


def test_closing_on_a_dead_disk_says_what_is_lost(
    file: SqliteFile, disk: FailingDisk, caplog: pytest.LogCaptureFixture
) -> None:
    core = a_core(file)
    disk.fail()
    core.commit(batch(sent(1)), 0.0)
    with caplog.at_level(logging.ERROR):
        assert told(core.close(0.0)) == [(repr(sent(1)), False)]
    assert "records lost at close" in caplog.text
