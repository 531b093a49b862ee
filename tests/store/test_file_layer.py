from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from gateway.errors import StoreError
from gateway.store.file_layer import FileLayer


class StubbornDisk(apsw.VFS):
    """Nothing can be removed from it."""

    def __init__(self) -> None:
        super().__init__("stubborn-disk", "")

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's name
        raise apsw.IOError("read-only, says the kernel")


@pytest.fixture
def layer() -> Iterator[FileLayer]:
    layer = FileLayer()
    yield layer
    layer.close()


def test_a_file_is_removed_with_what_belongs_to_it(layer: FileLayer, tmp_path: Path) -> None:
    for name in ("a.db", "a.db-wal", "a.db-shm", "a.db-journal", "b.db"):
        (tmp_path / name).write_text("octets")
    layer.remove(tmp_path / "a.db")
    assert [path.name for path in tmp_path.iterdir()] == ["b.db"]


def test_what_is_not_there_can_be_removed(layer: FileLayer, tmp_path: Path) -> None:
    layer.remove(tmp_path / "a.db")


def test_a_file_is_there_or_not(layer: FileLayer, tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("octets")
    (tmp_path / "empty.db").touch()
    assert layer.exists(tmp_path / "a.db")
    assert not layer.exists(tmp_path / "empty.db")
    assert not layer.exists(tmp_path / "b.db")


def test_a_file_that_cannot_be_removed_is_an_error(tmp_path: Path) -> None:
    disk = StubbornDisk()
    layer = FileLayer("stubborn-disk")
    with pytest.raises(StoreError, match=r"a\.db cannot be removed: read-only"):
        layer.remove(tmp_path / "a.db")
    layer.close()
    disk.unregister()
