"""The store of simulations, in virtual time."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.store.group_commit import REOPEN_FIRST_S
from gateway.store.inline import InlineStore
from gateway.store.interface import Accepted, MessageFilter, Record, StoredMessage
from gateway.store.limits import StoreLimits
from gateway.store.segment import Segment
from gateway.store.segment_file import SegmentFile
from gateway.store.upkeep import RETRY_S
from tests.store.builders import (
    ACCOUNT,
    NOON,
    a_message,
    accepted,
    finished,
    sent,
    waiting,
    waiting_for_receipts,
)
from tests.store.failing_disk import FailingDisk
from tests.store.outcomes import Outcomes
from tests.support.virtual_time import virtual_time

DAY_S = 86_400.0
DAYS = StoreLimits(free_bytes_min=0)


def always(seconds: float) -> Callable[[], float]:
    return lambda: seconds


@virtual_time
async def test_a_commit_takes_its_latency(tmp_path: Path) -> None:
    store = InlineStore(tmp_path, always(0.25))
    outcomes = Outcomes()
    store.append(accepted(), outcomes.of("job"))
    await outcomes.answered(1)
    assert asyncio.get_running_loop().time() == 0.25
    assert await store.fetch(ACCOUNT, 1) == StoredMessage(a_message())
    await store.close()


@virtual_time
async def test_what_arrives_during_a_commit_is_the_next_batch(tmp_path: Path) -> None:
    store = InlineStore(tmp_path, always(0.25))
    loop = asyncio.get_running_loop()
    at: list[float] = []
    outcomes = Outcomes()

    def note_time() -> None:
        at.append(loop.time())

    store.append(accepted(1), outcomes.of("1", note_time))
    for when, message_id in ((0.1, 2), (0.2, 3)):
        name = str(message_id)
        loop.call_at(when, store.append, accepted(message_id), outcomes.of(name, note_time))
    assert await outcomes.answered(3) == [("1", True), ("2", True), ("3", True)]
    assert at == [0.25, 0.5, 0.5]
    await store.close()


@virtual_time
async def test_a_crash_drops_what_is_not_committed(tmp_path: Path) -> None:
    store = InlineStore(tmp_path, always(0.25))
    outcomes = Outcomes()
    store.append(accepted(1), outcomes.of("1"))
    await outcomes.answered(1)
    store.append(accepted(2), outcomes.of("2"))
    store.crash()
    survivor = InlineStore(tmp_path, always(0.25))
    assert list(survivor.load_open()) == [waiting(1)]
    assert outcomes.seen == [("1", True)]
    await survivor.close()


@virtual_time
async def test_a_crash_may_come_between_the_commit_and_the_answer(tmp_path: Path) -> None:
    store = InlineStore(tmp_path, always(0.25))
    outcomes = Outcomes()
    store.append(accepted(), outcomes.of("job"))
    await asyncio.sleep(0.1)
    store.crash(committed=True)
    survivor = InlineStore(tmp_path, always(0.25))
    assert survivor.last_id() == 1
    assert outcomes.seen == []
    await survivor.close()


@virtual_time
async def test_a_crashed_store_takes_nothing(tmp_path: Path) -> None:
    store = InlineStore(tmp_path, always(0.25))
    store.crash()
    assert not store.accepting
    with pytest.raises(StoreError, match="closed"):
        store.append(accepted())


@virtual_time
async def test_a_failed_store_recovers_after_its_backoff(tmp_path: Path, disk: FailingDisk) -> None:
    store = InlineStore(tmp_path, always(0.25), vfs=disk.name)
    outcomes = Outcomes()
    disk.fail()
    store.append(accepted(1), outcomes.of("refused"))
    store.append(sent(7), outcomes.of("kept"))
    await outcomes.answered(1)
    assert not store.accepting
    disk.heal()
    assert await outcomes.answered(2) == [("refused", False), ("kept", True)]
    assert asyncio.get_running_loop().time() == 0.25 + REOPEN_FIRST_S
    await store.close()


@virtual_time
async def test_closing_commits_what_is_pending(tmp_path: Path) -> None:
    store = InlineStore(tmp_path, always(0.25))
    outcomes = Outcomes()
    store.append(accepted(1), outcomes.of("in flight"))
    await asyncio.sleep(0.1)
    store.append(accepted(2), outcomes.of("pending"))
    await store.close()
    await store.close()
    assert outcomes.seen == [("in flight", True), ("pending", True)]


async def write(store: InlineStore, *records: Record) -> None:
    outcomes = Outcomes()
    for record in records:
        store.append(record, outcomes.of(""))
    await outcomes.answered(len(records))


@virtual_time
async def test_a_segment_is_begun_in_time_and_dropped_in_time(tmp_path: Path) -> None:
    store = InlineStore(tmp_path, always(0.0), DAYS)
    await write(store, *finished(1), accepted(2))
    await asyncio.sleep(DAY_S + 1)
    assert store.readings().segments == 2
    await write(store, accepted(3))
    await asyncio.sleep(7 * DAY_S)
    found = await store.list(ACCOUNT, MessageFilter(), 10)
    assert [each.message.id for each in found] == [3, 2]
    assert not (tmp_path / "segment-00000001.db").exists()
    await store.close()


@virtual_time
async def test_a_large_segment_is_ended_by_its_last_commit(tmp_path: Path) -> None:
    limits = StoreLimits(free_bytes_min=0, segment_bytes=100_000)
    store = InlineStore(tmp_path, always(0.0), limits)
    await write(store, *(accepted(message_id) for message_id in range(1, 1_000)))
    assert store.readings().segments == 2
    await asyncio.sleep(1)
    assert [each.state for each in store._files.segments.kept] == ["summarised", "live"]
    await store.close()


@virtual_time
async def test_segments_and_keys_go_by_the_clock_that_it_is_given(tmp_path: Path) -> None:
    clock = Clock(asyncio.get_running_loop().time, NOON)
    store = InlineStore(tmp_path, always(0.0), DAYS, clock=clock)
    await write(store, Accepted(a_message(), b"k" * 16, b"f" * 16))
    assert store.readings().oldest_at == NOON
    assert await store.find_key(b"k" * 16) is not None
    await asyncio.sleep(8 * DAY_S)
    assert await store.find_key(b"k" * 16) is None
    await store.close()


@virtual_time
async def test_upkeep_that_fails_is_put_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(segment: Segment) -> SegmentFile:
        raise StoreError("the disk is gone")

    store = InlineStore(tmp_path, always(0.0), DAYS)
    await write(store, *finished(1))
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(store._files.segment_set, "find_unfinished", fail)
        await asyncio.sleep(DAY_S + 1)
    assert "store upkeep put off" in caplog.text
    await asyncio.sleep(RETRY_S)
    assert [each.state for each in store._files.segments.kept] == ["summarised", "live"]
    await store.close()


@virtual_time
async def test_a_crash_leaves_segments_that_can_be_taken_up(tmp_path: Path) -> None:
    store = InlineStore(tmp_path, always(0.0), DAYS)
    await write(store, accepted(1))
    await asyncio.sleep(DAY_S + 1)
    await write(store, accepted(2), sent(1))
    store.crash()
    survivor = InlineStore(tmp_path, always(0.0), DAYS)
    assert list(survivor.load_open()) == [waiting_for_receipts(1), waiting(2)]
    await survivor.close()


@virtual_time
async def test_free_space_is_watched_where_a_floor_is_set(tmp_path: Path) -> None:
    store = InlineStore(tmp_path, always(0.0), StoreLimits(free_bytes_min=1 << 62))
    with pytest.raises(StoreError, match="does not accept"):
        store.append(accepted())
    await store.close()


@virtual_time
async def test_the_same_seed_repeats_the_same_run(tmp_path: Path) -> None:
    async def run(path: Path) -> tuple[list[float], list[int]]:
        chance = Random(17)
        store = InlineStore(path, lambda: chance.uniform(0.001, 0.01))
        loop = asyncio.get_running_loop()
        start = loop.time()
        at: list[float] = []
        outcomes = Outcomes()
        for message_id in range(1, 51):
            store.append(
                accepted(message_id), outcomes.of("", lambda: at.append(loop.time() - start))
            )
            await asyncio.sleep(chance.expovariate(500))
        await outcomes.answered(50)
        found = await store.list(ACCOUNT, MessageFilter(), 100)
        await store.close()
        return [round(when, 9) for when in at], [each.message.id for each in found]

    assert await run(tmp_path / "one") == await run(tmp_path / "two")


@virtual_time
async def test_a_disk_that_hangs_counts_as_one_that_has_failed(tmp_path: Path) -> None:
    store = InlineStore(tmp_path, always(3_600.0), StoreLimits(pending_max=10, free_bytes_min=0))
    for number in range(1, 2 * 10 + 1):
        assert store.writable
        store.append(sent(message_id=1, number=number))
    assert not store.writable
    await asyncio.sleep(8_000.0)
    assert store.writable
    await store.close()
