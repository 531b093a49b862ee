"""The store of simulations, in virtual time."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from gateway.errors import StoreError
from gateway.store.group_commit import REOPEN_FIRST_S, StoreLimits
from gateway.store.inline import InlineStore
from gateway.store.interface import MessageFilter, StoredMessage
from tests.store.builders import ACCOUNT, a_message, accepted, sent
from tests.store.failing_disk import FailingDisk
from tests.store.outcomes import Outcomes
from tests.support.virtual_time import virtual_time


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
    assert [found.message.id for found in survivor.load_open()] == [1]
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
