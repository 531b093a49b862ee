from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.failing_disk import FailingDisk
from tests.store.open_store import OpenStore


@pytest.fixture
def disk() -> Iterator[FailingDisk]:
    disk = FailingDisk()
    yield disk
    disk.unregister()


@pytest.fixture
def store(tmp_path: Path, disk: FailingDisk) -> Iterator[OpenStore]:
    """Open files on a disk that can be made to fail."""
    store = OpenStore(tmp_path, disk.name)
    yield store
    disk.heal()
    store.close()
