"""What a power cut leaves, and what it does not: the disk that other tests believe."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import apsw
import pytest

from tests.store.simulated_disk import SECTOR, SimulatedDisk

FLAGS = [apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_READWRITE, 0]
WAL_FLAGS = [apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_READWRITE, 0]
OLD, NEW = bytes(4 * SECTOR), b"n" * 4 * SECTOR
CUTS = 200


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SimulatedDisk]:
    """There is one old file on it."""
    disk = SimulatedDisk.holding(tmp_path, {"old": OLD}, Random(1))
    yield disk
    disk.unregister()


def opened(disk: SimulatedDisk, name: str, flags: list[int] | None = None) -> apsw.VFSFile:
    return disk.xOpen(str(disk.root / name), flags or list(FLAGS))


def left(disk: SimulatedDisk) -> list[dict[str, bytes]]:
    """What many a power cut would leave."""
    return [disk.power_cut() for _ in range(CUTS)]


def test_flushed_write_survives(disk: SimulatedDisk) -> None:
    file = opened(disk, "old")

    file.xWrite(NEW, 0)
    file.xSync(apsw.SQLITE_SYNC_FULL)

    assert all(files["old"] == NEW for files in left(disk))


def test_unflushed_write_is_lost_kept_or_torn_by_the_sector(disk: SimulatedDisk) -> None:
    opened(disk, "old").xWrite(NEW, 0)

    contents = {files["old"] for files in left(disk)}

    assert {OLD, NEW} < contents
    assert OLD[:SECTOR] + NEW[SECTOR:] in contents


def test_sector_of_an_unflushed_write_may_be_garbage(disk: SimulatedDisk) -> None:
    opened(disk, "old").xWrite(NEW, 0)

    sectors = {files["old"][:SECTOR] for files in left(disk)}

    assert sectors - {OLD[:SECTOR], NEW[:SECTOR]}


def test_unflushed_truncation_may_be_undone(disk: SimulatedDisk) -> None:
    opened(disk, "old").xTruncate(0)

    assert {files["old"] for files in left(disk)} == {OLD, b""}


def test_new_file_may_be_missing_though_it_was_flushed(disk: SimulatedDisk) -> None:
    file = opened(disk, "new")

    file.xWrite(NEW, 0)
    file.xSync(apsw.SQLITE_SYNC_FULL)

    assert {files.get("new") for files in left(disk)} == {None, NEW}


def test_first_flush_of_a_new_wal_makes_its_name_sure(disk: SimulatedDisk) -> None:
    file = opened(disk, "old-wal", list(WAL_FLAGS))

    file.xWrite(NEW, 0)
    file.xSync(apsw.SQLITE_SYNC_FULL)

    assert all(files["old-wal"] == NEW for files in left(disk))


def test_unlink_may_be_undone(disk: SimulatedDisk) -> None:
    disk.xDelete(str(disk.root / "old"), False)

    assert {files.get("old") for files in left(disk)} == {None, OLD}


def unlink_and_flush(disk: SimulatedDisk) -> None:
    disk.xDelete(str(disk.root / "old"), True)


def unlink_and_flush_by_os(disk: SimulatedDisk) -> None:
    with disk.below():
        (disk.root / "old").unlink()
        directory = os.open(disk.root, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)


@pytest.mark.parametrize("act", [unlink_and_flush, unlink_and_flush_by_os])
def test_unlink_stands_once_the_directory_is_flushed(
    disk: SimulatedDisk, act: Callable[[SimulatedDisk], None]
) -> None:
    act(disk)

    assert all("old" not in files for files in left(disk))


def test_unlink_by_os_may_be_undone(disk: SimulatedDisk) -> None:
    with disk.below():
        (disk.root / "old").unlink()

    assert {files.get("old") for files in left(disk)} == {None, OLD}


def test_what_a_flush_failed_to_write_is_not_written_by_the_next(disk: SimulatedDisk) -> None:
    file = opened(disk, "old")
    file.xWrite(NEW, 0)
    disk.fails_at = frozenset({disk.calls + 1})
    with pytest.raises(apsw.IOError):
        file.xSync(apsw.SQLITE_SYNC_FULL)

    file.xSync(apsw.SQLITE_SYNC_FULL)

    assert len({files["old"] for files in left(disk)}) == 1


def test_reads_fail_as_asked(disk: SimulatedDisk) -> None:
    file = opened(disk, "old")
    disk.fails_at_read = frozenset({disk.reads + 1})

    with pytest.raises(apsw.IOError, match="EIO"):
        file.xRead(SECTOR, 0)

    assert file.xRead(SECTOR, 0) == OLD[:SECTOR]


def test_nothing_works_once_the_power_is_off(disk: SimulatedDisk) -> None:
    file = opened(disk, "old")
    disk.cut_at = disk.calls + 1

    for act in (lambda: file.xWrite(NEW, 0), lambda: file.xRead(1, 0)):
        with pytest.raises(apsw.IOError, match="power"):
            act()

    assert disk.power_cut() == {"old": OLD}


def test_disk_that_lies_flushes_nothing(tmp_path: Path) -> None:
    disk = SimulatedDisk.holding(tmp_path, {"old": OLD}, Random(1), lies=True)
    file = opened(disk, "old")

    file.xWrite(NEW, 0)
    file.xSync(apsw.SQLITE_SYNC_FULL)

    assert OLD in {files["old"] for files in left(disk)}
    disk.unregister()
