"""A real file system of a few megabytes, to be filled to its last octet."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BLOCK = bytes(4_096)


class SmallDisk:
    """Mounted at `path`. Only one ballast is aboard at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    @property
    def free_bytes(self) -> int:
        disk = os.statvfs(self.path)
        return disk.f_bavail * disk.f_frsize

    def fill(self, leave: int = 0) -> None:
        """Leave so many octets, or less than a block where none are to be left."""
        with self._ballast.open("ab", buffering=0) as ballast:
            try:
                while self.free_bytes > leave:
                    ballast.write(BLOCK)
            except OSError:
                return

    def empty(self) -> None:
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount one at `path` while the context is entered.

    Skips the test where we may not mount, which takes root (CAP_SYS_ADMIN).
    """
    path.mkdir(parents=True, exist_ok=True)
    if shutil.which("mount") is None:
        pytest.skip("there is no mount command")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "small-disk", path],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a file system of our own cannot be mounted: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        # Lazily, for a failed test may leave files open.
        subprocess.run(["umount", "-l", path], check=True)
