"""What becomes of batches when records, disks and space fail."""

import logging

import apsw
import pytest

from gateway.errors import StoreError
from gateway.store import group_commit
from gateway.store.group_commit import (
    REOPEN_FIRST_S,
    REOPEN_MAX_S,
    SPACE_CHECK_S,
    Entry,
    GroupCommit,
    Settled,
    TooMuchKept,
)
from gateway.store.interface import OnCommit, Record, Released, StoredMessage
from gateway.store.limits import StoreLimits
from tests.store.builders import (
    a_message,
    accepted,
    attempted,
    delivered,
    notified,
    replayed,
    sent,
)
from tests.store.failing_disk import FailingDisk
from tests.store.open_store import OpenStore


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


def later(store: OpenStore, seconds: float) -> Settled:
    """What time alone brings."""
    store.now += seconds
    return store.core.handle_timer()


def a_core(store: OpenStore, *free_bytes: int) -> GroupCommit:
    """One that finds so many octets free, one after the other, where 1,000 are needed."""
    left = list(free_bytes)
    limits = StoreLimits(free_bytes_min=1_000)
    return GroupCommit(store.files, lambda: left.pop(0), limits, lambda: store.now)


def test_a_batch_is_answered_in_order(store: OpenStore) -> None:
    settled = store.core.commit(batch(accepted(2), sent(1), accepted(1)))
    assert told(settled) == [
        (repr(accepted(2)), True),
        (repr(sent(1)), True),
        (repr(accepted(1)), True),
    ]


def test_commits_and_their_records_are_counted(store: OpenStore) -> None:
    store.core.commit(batch(accepted(1), sent(1)))
    store.core.commit(batch(accepted(2), accepted(3, sender="\ud800")))
    assert (store.core.commits, store.core.records) == (2, 3)


def test_a_failed_write_gives_messages_back_and_keeps_facts(
    store: OpenStore, disk: FailingDisk
) -> None:
    disk.fail()
    settled = store.core.commit(batch(accepted(2), sent(1)))
    assert told(settled) == [(repr(accepted(2)), False)]
    assert settled.records == 1


def test_after_a_failed_write_nothing_is_accepted_and_nothing_should_be_sent(
    store: OpenStore, disk: FailingDisk
) -> None:
    disk.fail()
    store.core.commit(batch(sent(1)))
    assert not store.core.accepting
    assert not store.core.writable
    assert store.core.failures == 1


def test_facts_about_a_refused_message_are_refused_with_it(
    store: OpenStore, disk: FailingDisk
) -> None:
    disk.fail()
    store.core.commit(batch(accepted(1)))
    about = (sent(1), notified(1), attempted(1), replayed(1), Released(1))
    settled = store.core.commit(batch(*about, sent(2)))
    assert told(settled) == [(repr(record), False) for record in about]


def test_kept_facts_are_written_and_answered_after_recovery(
    store: OpenStore, disk: FailingDisk
) -> None:
    store.core.commit(batch(accepted(1)))
    disk.fail()
    store.core.commit(batch(sent(1)))
    store.core.commit(batch(delivered(1)))
    disk.heal()
    settled = later(store, REOPEN_FIRST_S)
    assert told(settled) == [(repr(sent(1)), True), (repr(delivered(1)), True)]
    assert store.fetch() == StoredMessage(a_message(), (sent(), delivered()))
    assert store.core.accepting
    assert store.core.writable


def test_kept_facts_are_written_in_the_batches_in_which_they_came(
    store: OpenStore, disk: FailingDisk
) -> None:
    disk.fail()
    store.core.commit(batch(sent(1), sent(2)))
    store.core.commit(batch(delivered(1)))
    disk.heal()
    later(store, REOPEN_FIRST_S)
    assert store.core.commits == 2


def test_a_failed_flush_is_not_tried_again_on_the_same_connection(
    store: OpenStore, disk: FailingDisk
) -> None:
    disk.fail("xSync")
    store.core.commit(batch(accepted(1)))
    with pytest.raises(StoreError, match="not open"):
        store.write(accepted(2))


def test_a_refused_message_that_reached_the_disk_is_taken_back(
    store: OpenStore, disk: FailingDisk
) -> None:
    store.core.commit(batch(accepted(2)))
    disk.fail("xSync")
    store.core.commit(batch(accepted(1), sent(1)))
    disk.heal()
    store.files.open()
    assert store.fetch() is not None  # Without more ado it would rise from the dead.
    store.files.close()
    later(store, REOPEN_FIRST_S)
    assert store.fetch() is None
    assert store.load_owed() == []


def test_taking_back_spares_an_older_message_with_the_same_id(store: OpenStore) -> None:
    store.write(accepted(1))
    store.files.close()
    store.files.open([a_message(1, body="another")])
    assert store.fetch() == StoredMessage(a_message())


@pytest.mark.parametrize("error", [apsw.IOError, apsw.FullError])
@pytest.mark.parametrize("good_calls", range(12))
def test_wherever_the_disk_fails_answers_and_file_agree(
    store: OpenStore, disk: FailingDisk, good_calls: int, error: type[apsw.Error]
) -> None:
    store.core.commit(batch(accepted(1)))
    disk.fail(after=good_calls, error=error)
    settled = store.core.commit(batch(accepted(2), sent(1)))
    later(store, 0.1)
    disk.heal()
    settled = Settled(settled.answers + later(store, 9.0).answers, 0)
    committed = (repr(accepted(2)), True) in told(settled)
    assert (store.fetch(2) is not None) == committed
    assert (repr(sent(1)), True) in told(settled)
    assert store.fetch(1) == StoredMessage(a_message(1), (sent(1),))


@pytest.mark.parametrize("good_calls", range(8))
def test_a_failed_checkpoint_loses_nothing(
    store: OpenStore, disk: FailingDisk, good_calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.sqlite_file.CHECKPOINT_PAGES", 1)
    store.core.commit(batch(*(accepted(message_id) for message_id in range(1, 100))))
    disk.fail(after=good_calls)
    store.core.tidy()
    assert store.core.accepting == (disk.calls < disk.good_calls)
    disk.heal()
    later(store, 1.0)
    assert len(store.open_ids()) == 99


def test_a_roll_of_unknown_outcome_is_cleared_up(store: OpenStore, disk: FailingDisk) -> None:
    store.core.commit(batch(accepted(1)))
    store.now += 60.0
    store.segment_set.make(2).close()
    calls = disk.calls
    store.segment_set.make(2).close()
    # The file is made; then the row that names it is not.
    disk.fail(after=disk.calls - calls)
    store.core.tidy()
    assert not store.core.writable
    disk.heal()
    later(store, REOPEN_FIRST_S)
    assert store.core.commit(batch(accepted(2))).answers[0][1] is None
    assert store.listed() == [2, 1]


def test_a_write_of_the_upkeep_that_fails_takes_the_store_down(
    store: OpenStore, disk: FailingDisk
) -> None:
    store.write(accepted(1))
    store.roll()
    disk.fail()
    with pytest.raises(StoreError):
        store.core.do(lambda: store.segment_set.mark_summarised(store.files.segments.kept[0]))
    assert not store.core.writable


def test_a_store_that_is_down_does_nothing_for_the_upkeep(
    store: OpenStore, disk: FailingDisk
) -> None:
    disk.fail()
    store.core.commit(batch(sent(1)))
    with pytest.raises(StoreError, match="being recovered"):
        store.core.do(lambda: None)


def test_reopening_backs_off_to_a_maximum(store: OpenStore, disk: FailingDisk) -> None:
    disk.fail()
    store.core.commit(batch(sent(1)))
    waits = []
    for _ in range(8):
        due = store.core.next_timer()
        assert due is not None
        waits.append(due - store.now)
        later(store, due - store.now)
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, REOPEN_MAX_S, REOPEN_MAX_S])


def test_the_wait_begins_when_the_failure_is_known(store: OpenStore, disk: FailingDisk) -> None:
    """A disk may take long to say that it has failed."""
    before = store.now

    def fail_slowly(call: str) -> apsw.Error:
        store.now = before + 30.0
        return apsw.IOError(call)

    disk.fail(error=fail_slowly)
    store.core.commit(batch(sent(1)))
    assert store.core.next_timer() == before + 30.0 + REOPEN_FIRST_S


def test_there_is_a_bound_of_what_is_kept(
    store: OpenStore, disk: FailingDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "KEPT_MAX", 2)
    disk.fail()
    store.core.commit(batch(sent(1), sent(2), sent(3)))
    with pytest.raises(TooMuchKept, match="3 records wait"):
        store.core.commit(batch(sent(4)))


def test_what_is_abandoned_is_answered(store: OpenStore, disk: FailingDisk) -> None:
    disk.fail()
    store.core.commit(batch(sent(1)))
    settled = store.core.abandon(StoreError("over"))
    assert told(settled) == [(repr(sent(1)), False)]
    assert settled.records == 1


def test_a_record_that_cannot_be_stored_refuses_only_itself(
    store: OpenStore, caplog: pytest.LogCaptureFixture
) -> None:
    spoiled = accepted(2, sender="\ud800")
    with caplog.at_level(logging.ERROR):
        settled = store.core.commit(batch(accepted(1), spoiled, sent(1)))
    assert told(settled) == [
        (repr(accepted(1)), True),
        (repr(spoiled), False),
        (repr(sent(1)), True),
    ]
    assert store.core.accepting
    assert "cannot be stored" in caplog.text


def test_a_record_of_which_nobody_wants_to_hear_is_written_or_refused_in_silence(
    store: OpenStore, disk: FailingDisk
) -> None:
    settled = store.core.commit([(accepted(1), None), (accepted(2, sender="\ud800"), None)])
    assert settled == Settled([], 2)
    assert store.listed() == [1]
    disk.fail()
    assert store.core.commit([(accepted(3), None)]) == Settled([], 1)


def test_a_disk_that_fails_while_a_spoiled_record_is_sought_takes_all_back(
    store: OpenStore, disk: FailingDisk
) -> None:
    disk.fail("xSync", after=2)
    settled = store.core.commit(batch(accepted(1), accepted(2, sender="\ud800"), accepted(3)))
    assert [committed for _, committed in told(settled)] == [False, False, False]
    disk.heal()
    later(store, 1.0)
    assert store.load_open() == []


def test_below_the_floor_of_free_space_nothing_is_accepted_but_facts_are_written(
    store: OpenStore,
) -> None:
    core = a_core(store, 999)
    assert not core.accepting
    assert core.writable
    assert told(core.commit(batch(sent(1)))) == [(repr(sent(1)), True)]


def test_accepting_returns_with_the_space(store: OpenStore) -> None:
    core = a_core(store, 999, 1_000)
    assert core.next_timer() == store.now + SPACE_CHECK_S
    store.now += SPACE_CHECK_S
    core.handle_timer()
    assert core.accepting


def test_space_alone_does_not_revive_a_failed_store(store: OpenStore, disk: FailingDisk) -> None:
    core = a_core(store, 1_000, 1_000)
    disk.fail()
    store.now += 0.95
    core.commit(batch(sent(1)))
    store.now += 0.05
    core.handle_timer()
    assert not core.accepting


def test_a_failed_store_looks_at_the_space_meanwhile(store: OpenStore, disk: FailingDisk) -> None:
    core = a_core(store, 1_000)
    disk.fail()
    core.commit(batch(sent(1)))
    assert core.next_timer() == store.now + REOPEN_FIRST_S


def test_closing_writes_what_a_failure_had_kept(store: OpenStore, disk: FailingDisk) -> None:
    disk.fail()
    store.core.commit(batch(sent(1)))
    disk.heal()
    assert told(store.core.close()) == [(repr(sent(1)), True)]


def test_closing_on_a_dead_disk_says_what_is_lost(
    store: OpenStore, disk: FailingDisk, caplog: pytest.LogCaptureFixture
) -> None:
    disk.fail()
    store.core.commit(batch(sent(1)))
    with caplog.at_level(logging.ERROR):
        assert told(store.core.close()) == [(repr(sent(1)), False)]
    assert "records lost at close" in caplog.text
