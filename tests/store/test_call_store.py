"""The store of calls on its threads."""

import asyncio
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.store import call_store
from gateway.store.call_facts import (
    CallEnded,
    CallFact,
    CallStarted,
)
from gateway.store.call_file import (
    CALLS_NAME,
    CallFile,
    CallFilter,
)
from gateway.store.call_store import CallLimits, CallStore
from tests.store.call_builders import ACCOUNT, NOON, a_call, a_record
from tests.store.failing_disk import FailingDisk

ROUNDS = 6
ACKNOWLEDGED_MAX = 800


def a_store(path: Path, *, vfs: str | None = None, **limits: Any) -> CallStore:
    clock = Clock(asyncio.get_running_loop().time, NOON)
    return CallStore(path, CallLimits(**limits), clock, vfs=vfs)


async def committed(store: CallStore, fact: CallFact) -> StoreError | None:
    done: asyncio.Future[StoreError | None] = asyncio.get_running_loop().create_future()
    store.append(fact, done.set_result)
    return await done


async def test_a_record_is_there_once_it_is_committed(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    assert await committed(store, CallEnded(a_record(), 4)) is None
    assert await store.fetch(ACCOUNT, 1) == a_record()
    assert await store.page(ACCOUNT, CallFilter(), 10) == [a_record()]
    await store.close()


async def test_what_was_appended_before_the_close_is_there_after_it(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    for call_id in range(1, 3_001):
        store.append(CallStarted(a_call(call_id)))
    await store.close()
    again = a_store(tmp_path)
    assert (len(again.under_way), again.last_id) == (3_000, 3_000)
    await again.close()


async def test_after_the_close_nothing_is_taken(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    await store.close()
    assert isinstance(await committed(store, CallStarted(a_call())), StoreError)
    with pytest.raises(StoreError, match="closed"):
        await store.fetch(ACCOUNT, 1)
    assert not store.accepting


async def test_a_fact_that_cannot_be_stored_spoils_no_other(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    store.append(CallStarted(a_call(1)))
    refused = committed(store, CallStarted(a_call(1 << 64)))
    assert isinstance(await refused, StoreError)
    assert await committed(store, CallEnded(a_record(), 4)) is None
    assert store.accepting
    await store.close()


async def test_no_call_is_taken_while_too_much_waits(tmp_path: Path) -> None:
    store = a_store(tmp_path, pending_max=0)
    assert not store.accepting
    await store.close()


async def test_old_records_are_forgotten_by_themselves(tmp_path: Path) -> None:
    file = CallFile(tmp_path / CALLS_NAME)
    file.open()
    file.write([CallEnded(a_record(ended_at=NOON - 20), 4)])
    file.close()
    store = a_store(tmp_path, retention_s=10.0)
    while await store.fetch(ACCOUNT, 1):
        pass
    await store.close()


async def test_what_a_failed_disk_refused_is_written_once_it_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_store, "REOPEN_FIRST_S", 0.0)
    disk = FailingDisk()
    store = a_store(tmp_path, vfs=disk.name)
    disk.fail("xSync")
    done = asyncio.ensure_future(committed(store, CallEnded(a_record(), 4)))
    while store.failures < 2:
        await store.fetch(ACCOUNT, 1)
    assert not store.accepting
    disk.heal()
    assert await done is None
    assert await store.fetch(ACCOUNT, 1) == a_record()
    assert store.accepting
    await store.close()


async def test_what_a_dead_disk_did_not_take_is_told_at_the_close(tmp_path: Path) -> None:
    disk = FailingDisk()
    store = a_store(tmp_path, vfs=disk.name)
    disk.fail()
    done = asyncio.ensure_future(committed(store, CallStarted(a_call())))
    while not store.failures:
        await store.fetch(ACCOUNT, 1)
    await store.close()
    assert isinstance(await done, StoreError)


def killed_run(path: Path, acknowledgements: int) -> set[tuple[str, int]]:
    """What a writer had acknowledged when it was killed after that many."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.store.killed_call_writer", str(path)], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(acknowledgements)]
        writer.kill()
        lines += writer.stdout.read().splitlines(keepends=True)
    words = [line.decode().split() for line in lines if line.endswith(b"\n")]
    return {(word, int(call_id)) for word, call_id in words}


def test_no_call_is_lost_to_kill_9(tmp_path: Path) -> None:
    """What was acknowledged as ended has its record, what was as started is known."""
    chance = Random(9)
    acknowledged: set[tuple[str, int]] = set()
    for _ in range(ROUNDS):
        acknowledged |= killed_run(tmp_path, chance.randrange(1, ACKNOWLEDGED_MAX))
        file = CallFile(tmp_path / CALLS_NAME)
        file.open()
        under_way = {each.call.id for each in file.under_way()}
        recorded = {row[0] for row in file._opened().execute("SELECT id FROM record")}
        file.close()
        assert {id_ for word, id_ in acknowledged if word == "end"} <= recorded
        assert {id_ for word, id_ in acknowledged if word == "start"} <= recorded | under_way
        assert not recorded & under_way
