"""A disk below SQLite that knows what a power cut would leave of it.

Everything goes through to real files of a scratch directory, so that WAL and shared memory work.
Beside it stands a shadow: what is certainly on the platters, and what was written, truncated,
created or unlinked since without being flushed. `power_cut` draws what survives of the latter:

* writes, each sector of 512 octets by itself: as written, not at all, or as garbage;
* truncations, or not;
* names of files, which only a flush of their directory makes sure: a creation may be undone, and
  so may an unlink. (A flush of the file itself does not help its name, as POSIX has it.)

SQLite flushes directories on its own, below this layer, and the shadow does as it does: after an
unlink with syncDir, and with the first flush of a journal or WAL that may be new (os_unix.c). What
the store does to its files without SQLite, `below` sees: unlinks and flushes by `os`.

A flush that fails leaves what a kernel leaves (Rebello et al., USENIX ATC 2020): some of it is on
the platters, and no later flush will write the rest, which is "clean" now. Half of the time the
kernel then reads from the platters what they have, else it goes on with what it has in memory.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from unittest.mock import patch

import apsw

if TYPE_CHECKING:
    from _typeshed import SupportsLenAndGetItem

P = ParamSpec("P")
T = TypeVar("T")

# The real files below are flushed by nobody, and gone with the test.
RAM_DISK = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
SECTOR = 512
EPSILON = 2.0**-53
# A sector of an unflushed write that does not survive whole is lost, seldom it is garbage.
GARBAGE_SHARE = 0.1
MAY_BE_NEW = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL | apsw.SQLITE_OPEN_WAL

_numbers = count(1)


class Luck(Random):
    """No chance at all: of what is not flushed there survives `all` or nothing, and of names what
    is sure. A kernel keeps in memory what it could not flush."""

    all = False

    def choice(self, seq: SupportsLenAndGetItem[T]) -> T:
        return seq[1] if self.all and isinstance(seq[0], float) else seq[0]

    def random(self) -> float:
        return 1.0 - EPSILON

    def randint(self, a: int, b: int) -> int:
        return b if self.all else a


class Inode:
    """The content of a file: `sure`, and in order what was done to it since its last flush: a
    write with its offset, or a truncation to a size."""

    def __init__(self) -> None:
        self.sure = bytearray()
        self.unflushed: list[tuple[int, bytes | None]] = []

    def flush(self) -> None:
        for offset, data in self.unflushed:
            if data is None:
                truncate(self.sure, offset)
            else:
                put(self.sure, offset, data)
        self.unflushed.clear()

    def survivor(self, chance: Random) -> bytearray:
        """What a power cut leaves: all that is sure, and of the rest nothing, all, or some."""
        left = self.sure.copy()
        luck = chance.choice((0.0, 1.0, chance.random(), chance.random()))
        for offset, data in self.unflushed:
            if data is None:
                if chance.random() < luck:
                    truncate(left, offset)
            else:
                tear(left, offset, data, luck, chance)
        return left


class SimulatedDisk(apsw.VFS):
    """`calls` counts what changes or flushes something. At call number `cut_at` the power fails,
    and everything fails from then on; `fails_at` has the numbers of other calls that fail with
    EIO. A disk that `lies` answers each flush without doing it, so that nothing is ever sure.
    """

    def __init__(self, root: Path, chance: Random, *, lies: bool = False) -> None:
        self.name = f"simulated-disk-{next(_numbers)}"
        self.root = root
        self.calls = 0
        self.reads = 0
        self.cut_at: float = float("inf")
        self.fails_at: frozenset[int] = frozenset()
        self.fails_at_read: frozenset[int] = frozenset()
        self.failures = 0
        self._chance = chance
        self._lies = lies
        self._now: dict[str, Inode] = {}
        # Each name's inodes, None where there was none: first what is sure, then what came since.
        self._names: dict[str, list[Inode | None]] = {}
        super().__init__(self.name, "")

    @classmethod
    def holding(
        cls, root: Path, files: dict[str, bytes], chance: Random, *, lies: bool = False
    ) -> SimulatedDisk:
        """A disk in whose directory these files have been for long."""
        root.mkdir(exist_ok=True)
        disk = cls(root, chance, lies=lies)
        for name, content in files.items():
            (root / name).write_bytes(content)
            inode = Inode()
            inode.sure[:] = content
            disk._now[name] = inode
            disk._names[name] = [inode]
        return disk

    @property
    def is_cut(self) -> bool:
        return self.calls >= self.cut_at

    def power_cut(self) -> dict[str, bytes]:
        """The files that are there when the power is back."""
        self.cut_at = min(self.cut_at, self.calls)
        left: dict[str, bytes] = {}
        for name, inodes in self._names.items():
            inode = self._chance.choice(inodes)
            if inode is not None:
                left[name] = bytes(inode.survivor(self._chance))
        return left

    # What happens to files

    def happens(self) -> None:
        """Something is about to change or be flushed. Raises apsw.IOError where it cannot."""
        if self.is_cut:
            raise DiskError("the power is off")
        self.calls += 1
        if self.is_cut:
            raise DiskError("the power fails")
        if self.calls in self.fails_at:
            self.failures += 1
            raise DiskError("EIO as asked")

    def written_of(self, amount: int) -> int:
        """How many octets of a write that fails are written nonetheless."""
        return 0 if self.is_cut else self._chance.randint(0, amount)

    def forgets(self) -> bool:
        """Whether the kernel throws away what it could not flush."""
        return not self.is_cut and self._chance.random() < 0.5

    def is_read(self) -> None:
        """Something is about to be read. Raises apsw.IOError where it cannot."""
        self.reads += 1
        if self.is_cut:
            raise DiskError("the power is off")
        if self.reads in self.fails_at_read:
            self.failures += 1
            raise DiskError("EIO as asked")

    def inode(self, name: str) -> Inode:
        """That of the name, which is a new file where it is none yet."""
        if name not in self._now:
            self._now[name] = Inode()
            self._names.setdefault(name, [None]).append(self._now[name])
        return self._now[name]

    def unlinked(self, name: str) -> None:
        if self._now.pop(name, None) is not None:
            self._names[name].append(None)

    def flush(self, inode: Inode) -> None:
        """Raises apsw.IOError where that fails, and all later flushes leave this part out."""
        try:
            self.happens()
        except apsw.IOError:
            if not self.is_cut:
                inode.sure = inode.survivor(self._chance)
                inode.unflushed.clear()
            raise
        if not self._lies:
            inode.flush()

    def flush_directory(self) -> None:
        self.happens()
        if not self._lies:
            self._names = {name: [inode] for name, inode in self._now.items()}

    def name_of(self, path: str | os.PathLike[str]) -> str | None:
        """The name of a file in our directory; None for any other."""
        parent, name = os.path.split(os.fspath(path))
        return name if parent == str(self.root) else None

    # What SQLite asks

    def xOpen(  # noqa: N802 - SQLite's name
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        known = self.name_of(path) if path else None
        if known is None:
            return apsw.VFSFile("", name, flags)
        if flags[0] & apsw.SQLITE_OPEN_CREATE and known not in self._now:
            self.happens()
        return SimulatedFile(name, flags, self, known)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's name
        self.happens()
        super().xDelete(filename, False)
        if (name := self.name_of(filename)) is not None:
            self.unlinked(name)
            if syncdir:
                self.flush_directory()

    # What the store does by itself

    @contextmanager
    def below(self) -> Iterator[None]:
        """See what is done to our files through `os`. What fails where nobody can be told, as
        when a connection is given up, is not told."""
        fsync, unlink = os.fsync, os.unlink

        def flush(descriptor: int) -> None:
            path = os.readlink(f"/proc/self/fd/{descriptor}")
            if path == str(self.root):
                self._as_os(self.flush_directory)
            elif (name := self.name_of(path)) is not None and name in self._now:
                self._as_os(self.flush, self._now[name])
            else:
                fsync(descriptor)

        def forget(path: str | os.PathLike[str]) -> None:
            name = self.name_of(path)
            if name is not None:
                self._as_os(self.happens)
            unlink(path)
            if name is not None:
                self.unlinked(name)

        with (
            patch.object(os, "fsync", flush),
            patch.object(os, "fdatasync", flush),
            patch.object(os, "unlink", forget),
            patch.object(os, "remove", forget),
            patch.object(sys, "unraisablehook", lambda _: None),
        ):
            yield

    def _as_os(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return act(*args, **kwargs)
        except apsw.IOError as error:
            raise OSError(5, str(error)) from None


class SimulatedFile(apsw.VFSFile):
    """One file as SQLite has it open."""

    def __init__(
        self,
        name: str | apsw.URIFilename | None,
        flags: list[int],
        disk: SimulatedDisk,
        known_as: str,
    ) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        self._inode = disk.inode(known_as)
        creates = flags[0] & apsw.SQLITE_OPEN_CREATE
        self._flushes_directory = bool(creates and flags[0] & MAY_BE_NEW)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - SQLite's name
        self._disk.is_read()
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        try:
            self._disk.happens()
        except apsw.IOError:
            self._write(data[: self._disk.written_of(len(data))], offset)
            raise
        self._write(data, offset)

    def _write(self, data: bytes, offset: int) -> None:
        if data:
            super().xWrite(data, offset)
            self._inode.unflushed.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.happens()
        super().xTruncate(newsize)
        self._inode.unflushed.append((newsize, None))

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        try:
            self._disk.flush(self._inode)
        except apsw.IOError:
            if self._disk.forgets():
                super().xTruncate(len(self._inode.sure))
                if self._inode.sure:
                    super().xWrite(bytes(self._inode.sure), 0)
            raise
        if self._flushes_directory:
            self._disk.flush_directory()
            self._flushes_directory = False


class DiskError(apsw.IOError):
    """What SQLite's own layer would raise."""

    result = apsw.SQLITE_IOERR
    extendedresult = apsw.SQLITE_IOERR


def put(content: bytearray, offset: int, data: bytes) -> None:
    """Write, with zeros before it where the file was shorter."""
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def truncate(content: bytearray, size: int) -> None:
    if size < len(content):
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))


def tear(content: bytearray, offset: int, data: bytes, luck: float, chance: Random) -> None:
    """Write what survives of a write: each of its sectors, as they lie on the disk, by itself."""
    if luck == 1.0:
        put(content, offset, data)
        return
    if luck == 0.0:
        return
    start = 0
    while start < len(data):
        end = min(len(data), start + SECTOR - (offset + start) % SECTOR)
        if chance.random() < luck:
            put(content, offset + start, data[start:end])
        elif chance.random() < GARBAGE_SHARE:
            put(content, offset + start, chance.randbytes(end - start))
        start = end
