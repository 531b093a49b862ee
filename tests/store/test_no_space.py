"""A real disk that is full: what the store says then, and how it goes on."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import StoreError
from gateway.store.interface import MessageFilter
from gateway.store.limits import StoreLimits
from gateway.store.sqlite import SqliteStore
from tests.e2e.patience import until
from tests.store.builders import ACCOUNT, accepted, sent
from tests.store.outcomes import Outcomes
from tests.store.small_disk import SmallDisk, small_disk

MEGABYTES = 32
FLOOR = 8 << 20
BODY = "x" * 1_000
# As many as cannot fit into what SQLite has allocated before.
MESSAGES_MAX = 100_000
LISTED_MAX = 1_000_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "small", MEGABYTES) as disk:
        yield disk


async def accept(store: SqliteStore, message_id: int) -> None:
    """Raises StoreError."""
    outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_commit(error: StoreError | None) -> None:
        if error is None:
            outcome.set_result(None)
        else:
            outcome.set_exception(error)

    store.append(accepted(message_id, body=BODY), on_commit)
    await outcome


async def accept_until_refused(store: SqliteStore) -> int:
    """How many messages were accepted before one was not."""
    for message_id in range(1, MESSAGES_MAX):
        try:
            await accept(store, message_id)
        except StoreError:
            return message_id - 1
    raise AssertionError("none was refused")


async def accepting(store: SqliteStore, expected: bool = True) -> None:
    async def ask() -> bool:
        return store.accepting

    await until(ask, expected.__eq__)


async def ids(store: SqliteStore) -> list[int]:
    found = await store.list(ACCOUNT, MessageFilter(), LISTED_MAX)
    return sorted(stored.message.id for stored in found)


async def test_a_full_disk_keeps_what_was_accepted_and_nothing_else(disk: SmallDisk) -> None:
    store = SqliteStore(disk.path / "store", StoreLimits(free_bytes_min=0))
    disk.fill()
    count = await accept_until_refused(store)
    disk.empty()
    await accepting(store)

    assert await ids(store) == list(range(1, count + 1))
    await store.close()


async def test_what_happened_meanwhile_is_written_once_there_is_space(disk: SmallDisk) -> None:
    store = SqliteStore(disk.path / "store", StoreLimits(free_bytes_min=0))
    outcomes = Outcomes()
    await accept(store, MESSAGES_MAX)
    disk.fill()
    await accept_until_refused(store)

    store.append(sent(MESSAGES_MAX), outcomes.of("sent"))
    disk.empty()

    assert await outcomes.answered(1) == [("sent", True)]
    await store.close()


async def test_below_the_floor_nothing_is_accepted(disk: SmallDisk) -> None:
    store = SqliteStore(disk.path / "store", StoreLimits(free_bytes_min=FLOOR))
    disk.fill(leave=FLOOR - 1)
    await accepting(store, expected=False)

    with pytest.raises(StoreError, match="does not accept"):
        store.append(accepted())

    await store.close()


async def test_facts_are_written_below_the_floor(disk: SmallDisk) -> None:
    store = SqliteStore(disk.path / "store", StoreLimits(free_bytes_min=FLOOR))
    outcomes = Outcomes()
    await accept(store, 1)
    disk.fill(leave=FLOOR - (1 << 20))
    await accepting(store, expected=False)

    store.append(sent(1), outcomes.of("sent"))

    assert await outcomes.answered(1) == [("sent", True)]
    await store.close()


async def test_space_above_the_floor_is_noticed(disk: SmallDisk) -> None:
    disk.fill(leave=FLOOR - (1 << 20))
    store = SqliteStore(disk.path / "store", StoreLimits(free_bytes_min=FLOOR))
    assert not store.accepting

    disk.empty()
    await accepting(store)

    await accept(store, 1)
    await store.close()
