"""The daemon's store: two threads beside a real event loop, on a real file."""

import asyncio
import logging
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.errors import StoreError
from gateway.store import group_commit, sqlite
from gateway.store.interface import (
    Accepted,
    Cursor,
    GivenUp,
    MessageFilter,
    OptOut,
    Owed,
    OwedKey,
    Record,
    SeenKey,
    Store,
    StoredMessage,
    StreamEvent,
    StreamPage,
    StreamPosition,
    Timeline,
    UnmatchedReceipt,
)
from gateway.store.limits import StoreLimits
from gateway.store.sqlite import SqliteStore
from gateway.store.upkeep import Chore
from tests.store.builders import (
    ACCOUNT,
    NOON,
    OTHER_ACCOUNT,
    a_message,
    accepted,
    delivered,
    finished,
    given_up,
    sent,
    waiting,
    waiting_for_receipts,
)
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


async def committed(store: SqliteStore, *records: Record) -> None:
    outcomes = Outcomes()
    for record in records[:-1]:
        store.append(record)
    store.append(records[-1], outcomes.of("last"))
    assert await outcomes.answered(1) == [("last", True)]


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
    # The key of a message counts from when it was accepted.
    message = a_message(accepted_at=store._clock.now())
    await committed(
        store,
        Accepted(message, b"k" * 16, b"f" * 16),
        sent(),
        given_up(),
        receipt,
        opt_out,
        Cursor("mqtt", 1, 1, NOON),
    )
    found = StoredMessage(message, (sent(),))
    assert await store.list(ACCOUNT, ALL, 50) == [found]
    assert await store.list(ACCOUNT, ALL, 50, before=1) == []
    assert await store.timeline(1) == Timeline(found, (given_up(),))
    assert await store.read_messages([1, 2]) == [message]
    assert await store.read_owed([OwedKey(1, 1)]) == [Owed(message, sent())]
    assert await store.find_key(b"k" * 16) == SeenKey(1, b"f" * 16)
    assert await store.find_key(b"x" * 16) is None
    assert await store.given_up(ACCOUNT, 50) == [GivenUp(message, sent(), given_up())]
    assert await store.given_up(OTHER_ACCOUNT, 50) == []
    assert await store.given_up("", 50, before=1) == []
    assert await store.unmatched_receipts(50) == [receipt]
    assert list(store.load_open()) == [waiting_for_receipts()]
    assert list(store.load_owed()) == []
    assert list(store.load_opt_outs()) == [opt_out]
    assert store.load_cursors() == {"mqtt": StreamPosition(1, 1)}
    assert store.last_id() == 1


async def test_the_stream_is_read_beside_the_loop(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, StoreLimits(free_bytes_min=0, stream=True))
    await committed(store, accepted(), sent())
    assert await store.read_stream(StreamPosition(), 10) == StreamPage(
        (StreamEvent(a_message()), StreamEvent(a_message(), sent())), StreamPosition(1, 2)
    )
    await store.close()


async def test_given_up_is_read_page_by_page(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.store_reader.GIVEN_UP_PAGE", 2)
    for message_id in range(1, 6):
        await committed(store, accepted(message_id), sent(message_id), given_up(message_id))
    found = await store.given_up(ACCOUNT, 4)
    assert [each.message.id for each in found] == [5, 4, 3, 2]


async def test_its_readings_say_how_it_does(store: SqliteStore) -> None:
    await committed(store, accepted(), sent())
    readings = store.readings()
    assert (readings.segments, readings.commits, readings.records) == (1, 1, 2)
    assert (readings.uncommitted, readings.failures) == (0, 0)
    assert readings.free_octets > 0
    assert abs(readings.oldest_at - store._clock.now()) < 60


async def test_segments_come_and_go_while_it_writes(tmp_path: Path) -> None:
    limits = StoreLimits(
        free_bytes_min=0, commit_interval_s=0.0, segment_bytes=100_000, retention_s=0.2
    )
    store = SqliteStore(tmp_path, limits)
    count = 0
    while store._files.segments.kept[0].number < 3:
        count += 1
        await committed(store, *finished(2 * count), accepted(2 * count + 1))
    await store.close()
    again = SqliteStore(tmp_path, limits)
    assert list(again.load_open()) == [waiting(2 * n + 1) for n in range(1, count + 1)]
    await again.close()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StoreError("the disk is gone"), "store upkeep put off"),
        (ZeroDivisionError("a fault of ours"), "store upkeep failed"),
    ],
)
async def test_upkeep_that_fails_is_put_off(
    store: SqliteStore,
    error: Exception,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> Generator[Chore, None, None]:
        raise error
        yield

    monkeypatch.setattr(store._upkeep, "work", fail)
    with caplog.at_level(logging.WARNING):
        await asyncio.to_thread(store._upkeep_pass)
    assert said in caplog.text
    assert store._upkeep.next_at() > store._clock.now()


async def test_a_write_of_the_upkeep_is_refused_once_the_store_is_closed(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, LIMITS)
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        store._order(lambda: None)


async def test_a_write_of_the_upkeep_is_made_between_two_commits(store: SqliteStore) -> None:
    outcomes = Outcomes()
    made: list[str] = []
    for message_id in range(1, 5):
        store.append(accepted(message_id), outcomes.of(str(message_id)))
    await asyncio.to_thread(store._order, lambda: made.append("chore"))
    assert made == ["chore"]
    await outcomes.answered(4)


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


async def test_after_a_fault_of_ours_everybody_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(batch: object) -> None:
        raise AssertionError("a fault of ours")

    stopped = asyncio.Event()
    store = SqliteStore(tmp_path, LIMITS, on_fault=stopped.set)
    monkeypatch.setattr(store._core, "commit", explode)
    outcomes = Outcomes()
    with caplog.at_level(logging.ERROR):
        store.append(accepted(1), outcomes.of("job"))
        store.append(sent(1), outcomes.of("sent"))
        store.append(delivered(1))
        await stopped.wait()
    assert outcomes.seen == [("job", False), ("sent", False)]
    assert "store writer stopped" in caplog.text
    assert not store.accepting
    assert not store.writable
    assert store.readings().uncommitted == 0
    await store.close()


async def test_after_a_fault_of_ours_nothing_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(batch: object) -> None:
        raise AssertionError("a fault of ours")

    stopped = asyncio.Event()
    store = SqliteStore(tmp_path, LIMITS, on_fault=stopped.set)
    monkeypatch.setattr(store._core, "commit", explode)
    store.append(sent(1))
    await stopped.wait()
    outcomes = Outcomes()
    store.append(sent(2), outcomes.of("sent"))
    store.append(sent(3))
    assert await outcomes.answered(1) == [("sent", False)]
    with pytest.raises(StoreError, match="a fault of ours"):
        store.append(accepted(2))
    await store.close()


async def test_a_fault_in_a_write_of_the_upkeep_stops_the_store_and_leaves_nobody_waiting(
    tmp_path: Path,
) -> None:
    def explode() -> None:
        raise AssertionError("a fault of ours")

    stopped = asyncio.Event()
    store = SqliteStore(tmp_path, LIMITS, on_fault=stopped.set)
    with pytest.raises(StoreError, match="a fault of ours"):
        await asyncio.to_thread(store._order, explode)
    await stopped.wait()
    await store.close()


async def test_a_write_of_the_upkeep_that_fails_is_told(
    store: SqliteStore, disk: FailingDisk
) -> None:
    def fail() -> None:
        raise StoreError("the disk is gone")

    with pytest.raises(StoreError, match="the disk is gone"):
        await asyncio.to_thread(store._order, fail)


async def test_when_too_much_is_kept_the_process_must_end(
    tmp_path: Path, disk: FailingDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "KEPT_MAX", 10)
    stopped = asyncio.Event()
    store = SqliteStore(tmp_path, LIMITS, on_fault=stopped.set, vfs=disk.name)
    outcomes = Outcomes()
    disk.fail()
    store.append(accepted(21), outcomes.of("21"))  # First: once the disk has failed it is refused.
    for number in range(1, 21):
        store.append(sent(number), outcomes.of(str(number)))
    await outcomes.answered(1)
    store.append(sent(22), outcomes.of("22"))
    await stopped.wait()
    assert sorted(outcomes.seen) == sorted((str(n), False) for n in range(1, 23))
    await store.close()
