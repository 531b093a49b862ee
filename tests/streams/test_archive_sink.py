"""Writing down what did not get through. Files are real, time is virtual."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.clock import message_sid
from gateway.errors import StoreError
from gateway.message import Status
from gateway.store.interface import Deleted, StreamPage, StreamPosition
from gateway.streams.archive_file import ArchiveFile
from gateway.streams.archive_sink import UNFINISHED, ArchiveSink
from gateway.streams.sink import SinkFailed, SinkForgot
from tests.streams.archives import MemoryTarget
from tests.streams.builders import StreamLedger, a_clock, a_page, an_event

FILE_S = 60.0


class World:
    """The clock stands still unless it is moved, because files are written by a real thread."""

    def __init__(self, directory: Path, file_bytes: int = 1 << 20) -> None:
        self.ledger = StreamLedger()
        self.target = MemoryTarget(directory)
        self.now = 0.0
        clock = a_clock()
        clock.now = lambda: self.now  # type: ignore[method-assign]
        self.sink = ArchiveSink(self.ledger, self.target, clock, FILE_S, file_bytes)
        self._batch = 0

    def page(self, *message_ids: int, status: Status = Status.FAILED) -> StreamPage:
        """The end of some messages, which the store has."""
        self._batch += 1
        for message_id in message_ids:
            self.ledger.accepts(message_id)
            self.ledger.becomes(message_id, 1, status=status)
        events = (an_event(message_id, 1, status=status) for message_id in message_ids)
        return a_page(*events, batch=self._batch)

    async def pass_time(self) -> StreamPosition | None:
        """The file is old enough, and the reader comes by twice: it is closed, then kept."""
        self.now += FILE_S
        await self.sink.take(self.page())
        return await self.sink.take(self.page())


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    await world.sink.close()


def sids(*message_ids: int) -> list[str]:
    return [message_sid(message_id) for message_id in message_ids]


@pytest.mark.parametrize("status", [Status.FAILED, Status.UNDELIVERED])
async def test_message_that_did_not_get_through_is_written_down(
    world: World, status: Status
) -> None:
    await world.sink.take(world.page(1, 2, status=status))
    await world.pass_time()
    assert world.target.sids == sids(1, 2)


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.SENT, Status.CANCELED])
async def test_others_are_not(world: World, status: Status) -> None:
    page = world.page(1, status=status)
    assert await world.sink.take(page) == page.then
    assert world.target.attempts == 0


async def test_acceptance_is_not_written_down(world: World) -> None:
    page = a_page(an_event(1))
    assert await world.sink.take(page) == page.then


async def test_nothing_is_safe_until_the_file_is_kept(world: World) -> None:
    first = world.page(1, status=Status.SENT)
    await world.sink.take(first)
    assert await world.sink.take(world.page(2)) == first.then
    assert await world.sink.take(world.page(3)) == first.then


async def test_everything_up_to_the_end_of_a_kept_file_is_safe(world: World) -> None:
    await world.sink.take(world.page(1))
    world.now += FILE_S
    last = world.page(2)
    await world.sink.take(last)
    after = world.page(3)
    assert await world.sink.take(after) == last.then
    assert world.target.sids == sids(1, 2)


async def test_file_is_closed_at_its_size(tmp_path: Path) -> None:
    world = World(tmp_path, file_bytes=100)
    await world.sink.take(world.page(1))
    await world.sink.take(world.page())
    assert world.target.sids == sids(1)


async def test_each_file_is_named_by_its_first_message(world: World) -> None:
    for message_id in (1, 2):
        await world.sink.take(world.page(message_id))
        await world.pass_time()
    assert list(world.target.files) == [
        f"2023/11/14/messages-20231114T221321.000Z-{sid}.ndjson.zst" for sid in sids(1, 2)
    ]


async def test_deleted_message_is_not_written_down(world: World) -> None:
    page = world.page(1)
    world.ledger.records.append(Deleted(1))
    assert await world.sink.take(page) == page.then


async def test_file_that_is_not_kept_is_tried_again_and_nothing_else_taken(world: World) -> None:
    world.target.down = True
    await world.sink.take(world.page(1))
    world.now += FILE_S
    await world.sink.take(world.page())
    page = world.page(2)
    for _ in range(3):
        with pytest.raises(SinkFailed, match="the bucket is away"):
            await world.sink.take(page)
    world.target.down = False
    await world.sink.take(page)
    assert world.target.sids == sids(1)


async def test_message_is_in_one_file_though_the_target_was_away(world: World) -> None:
    world.target.down = True
    await world.sink.take(world.page(1))
    world.now += FILE_S
    await world.sink.take(world.page())
    page = world.page(2)
    with pytest.raises(SinkFailed):
        await world.sink.take(page)
    world.target.down = False
    await world.sink.take(page)
    await world.pass_time()
    assert world.target.sids == sids(1, 2)


async def test_store_that_cannot_be_read_leaves_the_page(world: World) -> None:
    page = world.page(1)
    world.ledger.readable = False
    with pytest.raises(StoreError):
        await world.sink.take(page)
    world.ledger.readable = True
    await world.sink.take(page)
    await world.pass_time()
    assert world.target.sids == sids(1)


async def fails_to_open(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.target.workshop / UNFINISHED).mkdir()
    await world.sink.take(world.page(1))


async def fails_to_write(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(file: ArchiveFile, lines: bytes) -> int:
        raise OSError("no space left on device")

    await world.sink.take(world.page(1))
    monkeypatch.setattr(ArchiveFile, "write", write)
    await world.sink.take(world.page(2))


async def fails_to_flush(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(number: int) -> None:
        raise OSError("input/output error")

    await world.sink.take(world.page(1))
    monkeypatch.setattr(os, "fsync", fsync)
    await world.pass_time()


@pytest.mark.parametrize("fails", [fails_to_open, fails_to_write, fails_to_flush])
async def test_file_that_cannot_be_written_is_forgotten_whole(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    fails: Callable[[World, pytest.MonkeyPatch], Awaitable[None]],
) -> None:
    with pytest.raises(SinkForgot):
        await fails(world, monkeypatch)
    monkeypatch.undo()
    page = world.page(status=Status.SENT)
    assert await world.sink.take(page) == page.then


async def test_open_file_is_kept_at_close(tmp_path: Path) -> None:
    world = World(tmp_path)
    page = world.page(1)
    await world.sink.take(page)
    assert await world.sink.close() == page.then
    assert world.target.sids == sids(1)


async def test_closing_without_a_file_moves_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    page = world.page(1, status=Status.SENT)
    await world.sink.take(page)
    assert await world.sink.close() == page.then


async def test_file_that_is_not_kept_at_close_is_not_safe(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(tmp_path)
    world.target.down = True
    await world.sink.take(world.page(1))
    assert await world.sink.close() is None
    assert "archive file not kept" in caplog.messages


async def test_write_that_is_canceled_is_complete_at_close(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.sink.take(world.page(1))
    page = world.page(2)
    taking = asyncio.create_task(world.sink.take(page))
    await asyncio.sleep(0)
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    assert await world.sink.close() == page.then
    assert world.target.sids == sids(1, 2)


async def test_file_is_written_anew_under_the_same_name_after_a_crash(tmp_path: Path) -> None:
    names = list[str]()
    for _ in range(2):
        world = World(tmp_path)
        await world.sink.take(world.page(1))
        await world.sink.close()
        names += world.target.files
    assert names[0] == names[1]
