"""The daemon's store: two threads beside a real event loop, on a real file."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.errors import StoreError
from gateway.store import sqlite
from gateway.store.group_commit import StoreLimits
from gateway.store.interface import MessageFilter, OptOut, Store, StoredMessage, UnmatchedReceipt
from gateway.store.sqlite import SqliteStore
from tests.store.builders import ACCOUNT, NOON, a_message, accepted, delivered, sent
from tests.store.failing_disk import FailingDisk
from tests.store.outcomes import Outcomes

LIMITS = StoreLimits(pending_max=100, free_bytes_min=0, commit_interval_s=0.0)
ALL = MessageFilter()


@pytest_asyncio.fixture
async def store(tmp_path: Path, disk: FailingDisk) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path, LIMITS, vfs=disk.name)
    yield store
    disk.heal()
    await store.close()


def test_it_is_a_store() -> None:
    def takes(store: Store) -> None: ...

    takes(SqliteStore.__new__(SqliteStore))


async def test_a_committed_message_can_be_fetched(store: SqliteStore) -> None:
    outcomes = Outcomes()
    store.append(accepted(), outcomes.of("job"))
    assert await outcomes.answered(1) == [("job", True)]
    assert await store.fetch(ACCOUNT, 1) == StoredMessage(a_message())


async def test_every_question_is_answered_beside_the_loop(store: SqliteStore) -> None:
    receipt = UnmatchedReceipt("alpha", "17", NOON, "DELIVRD")
    opt_out = OptOut(ACCOUNT, "55501", "+15017122661", NOON, True)
    outcomes = Outcomes()
    store.append(accepted())
    store.append(sent())
    store.append(receipt)
    store.append(opt_out, outcomes.of("opt-out"))
    await outcomes.answered(1)
    found = StoredMessage(a_message(), (sent(),))
    assert await store.list(ACCOUNT, ALL, 50) == [found]
    assert await store.list(ACCOUNT, ALL, 50, before=1) == []
    assert await store.unmatched_receipts(50) == [receipt]
    assert list(store.load_open()) == [found]
    assert list(store.load_unnotified()) == [(a_message(), sent())]
    assert list(store.load_opt_outs()) == [opt_out]
    assert store.last_id() == 1


async def test_callbacks_come_in_the_order_of_the_appends(store: SqliteStore) -> None:
    outcomes = Outcomes()
    for message_id in range(1, 100):
        store.append(accepted(message_id), outcomes.of(str(message_id)))
    assert await outcomes.answered(99) == [(str(n), True) for n in range(1, 100)]


async def test_a_callback_that_raises_does_not_stop_the_others(
    store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    def explode() -> None:
        raise RuntimeError("not the store's fault")

    outcomes = Outcomes()
    with caplog.at_level(logging.ERROR):
        store.append(accepted(1), outcomes.of("first", explode))
        store.append(accepted(2), outcomes.of("second"))
        assert await outcomes.answered(2) == [("first", True), ("second", True)]
    assert "on_commit failed" in caplog.text


async def test_a_callback_may_append(store: SqliteStore) -> None:
    outcomes = Outcomes()
    store.append(accepted(), outcomes.of("job", lambda: store.append(sent(), outcomes.of("sent"))))
    assert await outcomes.answered(2) == [("job", True), ("sent", True)]


async def test_beyond_the_bound_messages_are_refused_and_facts_are_taken(
    store: SqliteStore,
) -> None:
    outcomes = Outcomes()
    for message_id in range(1, LIMITS.pending_max + 1):
        store.append(accepted(message_id), outcomes.of(str(message_id)))
    assert not store.accepting
    with pytest.raises(StoreError, match="100 records already wait"):
        store.append(accepted(1_000))
    store.append(sent(), outcomes.of("sent"))
    assert (await outcomes.answered(101))[-1] == ("sent", True)
    assert store.accepting


async def test_a_failing_disk_refuses_messages_until_it_is_well(
    store: SqliteStore, disk: FailingDisk
) -> None:
    outcomes = Outcomes()
    disk.fail()
    store.append(accepted(1), outcomes.of("refused"))
    store.append(sent(7), outcomes.of("kept"))
    await outcomes.answered(1)
    assert not store.accepting
    with pytest.raises(StoreError, match="does not accept"):
        store.append(accepted(2))
    disk.heal()
    assert await outcomes.answered(2) == [("refused", False), ("kept", True)]
    assert store.accepting
    assert await store.fetch(ACCOUNT, 1) is None


async def test_closing_commits_what_is_pending_and_calls_back(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, LIMITS)
    outcomes = Outcomes()
    store.append(accepted(), outcomes.of("job"))
    store.append(delivered(), outcomes.of("delivered"))
    await store.close()
    assert outcomes.seen == [("job", True), ("delivered", True)]


async def test_a_closed_store_takes_nothing_and_answers_nothing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, LIMITS)
    await store.close()
    await store.close()
    assert not store.accepting
    with pytest.raises(StoreError, match="closed"):
        store.append(sent())
    with pytest.raises(StoreError, match="closed"):
        await store.fetch(ACCOUNT, 1)


async def test_a_closed_store_can_be_opened_again(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path, LIMITS)
    first.append(accepted())
    await first.close()
    second = SqliteStore(tmp_path, LIMITS)
    assert second.last_id() == 1
    await second.close()


async def test_a_second_store_on_the_directory_is_refused(
    store: SqliteStore, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="in use"):
        SqliteStore(tmp_path, LIMITS)


async def test_a_store_that_cannot_be_opened_lets_go_of_its_directory(
    tmp_path: Path, disk: FailingDisk
) -> None:
    disk.fail()
    with pytest.raises(StoreError, match="cannot be opened"):
        SqliteStore(tmp_path, LIMITS, vfs=disk.name)
    disk.heal()
    store = SqliteStore(tmp_path, LIMITS, vfs=disk.name)
    await store.close()


async def test_reads_beyond_their_bound_are_refused(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "READS_MAX", 0)
    with pytest.raises(StoreError, match="too many reads"):
        await store.fetch(ACCOUNT, 1)


async def test_commits_keep_their_distance(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, StoreLimits(free_bytes_min=0, commit_interval_s=0.05))
    outcomes = Outcomes()
    store.append(accepted(1), outcomes.of("1"))
    await outcomes.answered(1)
    before = store._commit_at
    store.append(accepted(2), outcomes.of("2"))
    await outcomes.answered(2)
    assert store._commit_at - before >= 0.0499
    await store.close()


async def test_a_writer_that_stops_stops_accepting(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(batch: object, now: float) -> None:
        raise AssertionError("a fault of ours")

    monkeypatch.setattr(store._core, "commit", explode)
    with caplog.at_level(logging.ERROR):
        store.append(accepted())
        store._writer_thread.join()
    assert not store.accepting
    assert "store writer stopped" in caplog.text
