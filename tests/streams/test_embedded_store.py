"""The stream of the embedded store itself, in virtual time: crashes, segments, retention."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from gateway.clock import message_sid
from gateway.message import Status
from gateway.store.inline import InlineStore
from gateway.store.interface import Accepted, Record, StreamPosition
from gateway.store.limits import StoreLimits
from gateway.streams.archive_sink import ArchiveSink
from gateway.streams.archive_target import DirectoryTarget
from gateway.streams.segment_archive import SegmentArchive
from gateway.streams.stream_reader import OLDEST, StreamReader
from tests.store.builders import a_message, became
from tests.streams.archives import lines_of
from tests.streams.builders import NotingSink, a_clock, running
from tests.support.virtual_time import virtual_time

# A day of a small world.
DAY_S = 60.0
LIMITS = StoreLimits(
    free_bytes_min=0, segment_s=DAY_S, retention_s=2 * DAY_S, key_window_s=DAY_S, stream=True
)


def a_store(directory: Path, before_drop: Callable[[Path], None] | None = None) -> InlineStore:
    return InlineStore(directory, lambda: 0.001, LIMITS, before_drop=before_drop, clock=a_clock())


@asynccontextmanager
async def told(sink: NotingSink, store: InlineStore) -> AsyncIterator[StreamReader]:
    """A reader at the cursor of the store."""
    position = store.load_cursors().get(sink.name, OLDEST)
    reader = StreamReader(sink, store, position, a_clock(), Random(1))
    async with running(reader.run()):
        yield reader


async def append(store: InlineStore, *records: Record) -> None:
    """Until they are committed and told."""
    for record in records:
        store.append(record)
    await asyncio.sleep(2)


def life(message_id: int, end: Status = Status.DELIVERED) -> list[Record]:
    return [
        Accepted(a_message(message_id)),
        became(message_id, 1, Status.SENT),
        became(message_id, 2, end),
    ]


@virtual_time
async def test_events_come_in_the_order_of_their_commits(tmp_path: Path) -> None:
    store, sink = a_store(tmp_path), NotingSink()
    async with told(sink, store):
        for record in (*life(1), *life(2)):
            await append(store, record)
    assert sink.told == [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]
    await store.close()


@virtual_time
async def test_events_of_a_message_are_in_order_within_a_commit(tmp_path: Path) -> None:
    store, sink = a_store(tmp_path), NotingSink()
    async with told(sink, store):
        await append(store, *life(1), *life(2))
    for message_id in (1, 2):
        numbers = [number for name, number in sink.told if name == message_id]
        assert numbers == [0, 1, 2]
    await store.close()


@virtual_time
async def test_nothing_is_missing_after_a_crash(tmp_path: Path) -> None:
    store, sink = a_store(tmp_path), NotingSink()
    async with told(sink, store):
        await append(store, *life(1))
        store.append(Accepted(a_message(2)))
        await asyncio.sleep(0.01)
    store.crash()
    store = a_store(tmp_path)
    async with told(sink, store):
        await append(store, *life(3))
    assert set(sink.told) == {(1, 0), (1, 1), (1, 2), (2, 0), (3, 0), (3, 1), (3, 2)}
    await store.close()


@virtual_time
async def test_stream_goes_on_across_segments(tmp_path: Path) -> None:
    store, sink = a_store(tmp_path), NotingSink()
    async with told(sink, store) as reader:
        for message_id in range(1, 8):
            await append(store, *life(message_id))
            await asyncio.sleep(DAY_S)
    assert [name for name in sink.told if not name[1]] == [(each, 0) for each in range(1, 8)]
    assert reader.lost == 0
    await store.close()


@virtual_time
async def test_sink_that_is_told_of_an_idle_gateway_has_lost_nothing(tmp_path: Path) -> None:
    store, sink = a_store(tmp_path), NotingSink()
    async with told(sink, store) as reader:
        await append(store, *life(1))
        await asyncio.sleep(10 * DAY_S)
        await append(store, *life(2))
    assert reader.lost == 0
    await store.close()


@virtual_time
async def test_sink_that_is_away_for_longer_than_the_store_keeps_is_told_the_rest(
    tmp_path: Path,
) -> None:
    store, sink = a_store(tmp_path), NotingSink()
    async with told(sink, store):
        await append(store, *life(1))
    for message_id in range(2, 7):
        await append(store, *life(message_id))
        await asyncio.sleep(DAY_S)
    again = NotingSink()
    async with told(again, store) as reader:
        await asyncio.sleep(10)
    assert reader.lost == 1
    assert again.told[-1] == (6, 2)
    await store.close()


@virtual_time
async def test_dropped_segment_is_in_the_archive(tmp_path: Path) -> None:
    target = DirectoryTarget(tmp_path / "archive")
    store = a_store(tmp_path / "store", SegmentArchive(target).archive_segment)
    for message_id in range(1, 6):
        await append(store, *life(message_id))
        await asyncio.sleep(DAY_S)
    await store.close()
    [first, *_] = sorted(target.workshop.rglob("segment-*.zst"))
    lines = lines_of(first.read_bytes())
    assert [line["record"] for line in lines] == ["message", *["transition"] * 2]
    assert lines[0]["sid"] == message_sid(1)


async def test_message_that_failed_is_archived_with_its_history(tmp_path: Path) -> None:
    """In real time, because the archive has a thread."""
    target = DirectoryTarget(tmp_path / "archive")
    store = a_store(tmp_path / "store")
    sink = ArchiveSink(store, target, a_clock(), 3_600.0, 1 << 20)
    committed = asyncio.Event()
    for record in life(1, Status.UNDELIVERED):
        store.append(record, lambda error: committed.set())
    await committed.wait()
    await sink.take(await store.read_stream(StreamPosition(), 100))
    await sink.close()
    await store.close()
    [file] = target.workshop.rglob("messages-*.zst")
    [line] = lines_of(file.read_bytes())
    assert [step["status"] for step in line["transitions"]] == ["sent", "undelivered"]
