"""A stopped store gives back the space that it no longer needs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import apsw

from gateway.clock import Clock
from gateway.store.data_directory import DataDirectory
from gateway.store.limits import StoreLimits
from gateway.store.onlooker import Onlooker
from gateway.store.segment import SegmentState
from gateway.store.sqlite_connection import connect, writing
from gateway.store.store_files import StoreFiles
from gateway.store.upkeep import Upkeep


class Compacted(NamedTuple):
    """Octets of all files, before and after, and how many segments were dropped."""

    before: int
    after: int
    dropped: int


def compact(
    directory: Path,
    limits: StoreLimits | None,
    clock: Clock,
    before_drop: Callable[[Path], None] | None = None,
    on_file: Callable[[Path], None] = lambda _path: None,
) -> Compacted:
    """Drop what the limits allow now, where they are known, and write the sealed segments and the
    catalogue anew without their gaps. The live segment is left as it is.

    `before_drop` is that of `Upkeep`; `on_file` is told each file before it is written anew, for
    which the disk must have its size twice.

    Raises:
        StoreError: the daemon runs, or a file cannot be read or written. Each file is then as it
            was or as it is to be.
    """
    with Onlooker(directory):
        pass  # There is a store. To claim the directory would make one.
    claimed = DataDirectory.claim(directory)
    try:
        before = octets_of(directory)
        dropped = _drop(claimed, limits, clock, before_drop) if limits else 0
        with Onlooker(directory) as onlooker:
            paths = [
                onlooker.path(file)
                for file in onlooker.files
                if file.state is not SegmentState.LIVE
            ]
        for path in paths:
            on_file(path)
            _write_anew(path)
        return Compacted(before, octets_of(directory), dropped)
    finally:
        claimed.release()


def _drop(
    directory: DataDirectory,
    limits: StoreLimits,
    clock: Clock,
    before_drop: Callable[[Path], None] | None,
) -> int:
    """What the daemon does beside its work, until nothing is left to do."""
    files = StoreFiles(directory, limits, clock)
    try:
        files.open()
        first = files.segments.kept[0].number
        for chore in Upkeep(files, limits, clock, before_drop).work():
            chore()
        return files.segments.kept[0].number - first
    finally:
        files.close()
        files.release()


def _write_anew(path: Path) -> None:
    with writing(path), closing(connect(path, None, durable=True)) as connection:
        connection.execute("VACUUM")
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


def octets_of(directory: Path) -> int:
    """How much the files of a store take, WALs and the idempotency index included."""
    return sum(path.stat().st_size for path in directory.iterdir() if path.is_file())
