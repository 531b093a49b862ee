"""The directory of a store: one process holds it at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from gateway.errors import StoreError

LOCK_NAME = "lock"


class DataDirectory:
    """A directory that is ours until `release`, or until the process ends however it ends."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def claim(cls, path: Path) -> DataDirectory:
        """Make the directory where it is missing, and lock it (flock, exclusive).

        Raises:
            StoreError: it cannot be made or written, or another process holds it.
        """
        try:
            if not path.is_dir():
                path.mkdir(mode=0o750, parents=True)
                sync_directory(path.parent)
            lock = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise StoreError(
                f"the data directory {path} cannot be used: {error.strerror}"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(lock, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(lock)
            raise StoreError(
                f"the data directory {path} is in use by another process (pid {holder})"
            ) from error
        try:
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(lock)
            raise StoreError(
                f"the data directory {path} cannot be written: {error.strerror}"
            ) from error
        return cls(path, lock)

    def free_bytes(self) -> int:
        """What the disk has left for us; 0 where it does not answer."""
        try:
            disk = os.statvfs(self.path)
        except OSError:
            return 0
        return disk.f_bavail * disk.f_frsize

    def sync(self) -> None:
        """Put new and removed entries of the directory on stable storage.

        Raises:
            StoreError: they may not be.
        """
        try:
            sync_directory(self.path)
        except OSError as error:
            raise StoreError(f"{self.path} cannot be flushed: {error.strerror}") from error

    def names(self) -> list[str]:
        """The files in the directory.

        Raises:
            StoreError: it cannot be read.
        """
        try:
            return sorted(os.listdir(self.path))
        except OSError as error:
            raise StoreError(f"{self.path} cannot be read: {error.strerror}") from error

    def release(self) -> None:
        os.close(self._lock)


def sync_directory(path: Path) -> None:
    """Put a new entry of the directory on stable storage."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
