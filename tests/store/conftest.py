from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.sqlite_file import FILE_NAME, SqliteFile
from tests.store.failing_disk import FailingDisk


@pytest.fixture
def disk() -> Iterator[FailingDisk]:
    disk = FailingDisk()
    yield disk
    disk.unregister()


@pytest.fixture
def file(tmp_path: Path, disk: FailingDisk) -> Iterator[SqliteFile]:
    """An open file on a disk that can be made to fail."""
    file = SqliteFile(tmp_path / FILE_NAME, vfs=disk.name)
    file.open()
    yield file
    disk.heal()
    file.close()
