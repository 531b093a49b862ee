from pathlib import Path

import pytest

from gateway.errors import StoreError
from gateway.store.backup import Backup
from gateway.store.data_directory import DataDirectory
from gateway.store.manifest import MANIFEST_NAME, Manifest
from gateway.store.restore import check_backup, restore
from tests.store.builders import NOON
from tests.store.handmade_store import whole_store


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A backup."""
    Backup(whole_store(tmp_path / "store").directory, tmp_path / "backup").run(NOON)
    return tmp_path / "backup"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "again"


def kept_as(kept: Path, number: int) -> Path:
    return kept / check_backup(kept).files[number].kept_as


def test_a_restored_store_has_the_names_of_a_store(kept: Path, target: Path) -> None:
    manifest = restore(kept, target)
    assert {path.name for path in target.iterdir()} == {
        "lock",
        *(file.name for file in manifest.files),
    }


def test_an_empty_directory_may_be_there(kept: Path, target: Path) -> None:
    DataDirectory.claim(target).release()
    assert restore(kept, target).messages == 11


def test_a_directory_that_has_something_is_left_as_it_is(kept: Path, target: Path) -> None:
    target.mkdir()
    (target / "store.db").write_text("precious")
    with pytest.raises(StoreError, match="is not empty"):
        restore(kept, target)
    assert (target / "store.db").read_text() == "precious"


def test_a_directory_in_use_is_refused(kept: Path, target: Path) -> None:
    daemon = DataDirectory.claim(target)
    with pytest.raises(StoreError, match="in use"):
        restore(kept, target)
    daemon.release()


def test_a_directory_without_a_backup_is_said(tmp_path: Path, target: Path) -> None:
    with pytest.raises(StoreError, match=f"it has no {MANIFEST_NAME}"):
        restore(tmp_path, target)


def test_a_manifest_that_is_none_is_said(kept: Path, target: Path) -> None:
    (kept / MANIFEST_NAME).write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        restore(kept, target)


def test_a_backup_of_a_newer_gateway_is_refused(kept: Path, target: Path) -> None:
    manifest = (kept / MANIFEST_NAME).read_text()
    (kept / MANIFEST_NAME).write_text(manifest.replace('"schema": 2', '"schema": 3'))
    with pytest.raises(StoreError, match="a newer version of the gateway made it"):
        restore(kept, target)


@pytest.mark.parametrize("octets", [None, b"short"])
def test_a_file_that_is_missing_or_cut_short_is_found_before_anything_is_written(
    kept: Path, target: Path, octets: bytes | None
) -> None:
    path = kept_as(kept, 1)
    path.unlink()
    if octets is not None:
        path.write_bytes(octets)
    with pytest.raises(StoreError, match="missing or cut short"):
        restore(kept, target)
    assert not target.exists()


def test_a_damaged_file_leaves_nothing_that_could_be_taken_for_a_store(
    kept: Path, target: Path
) -> None:
    path = kept_as(kept, 3)
    octets = bytearray(path.read_bytes())
    octets[-1] ^= 1
    path.write_bytes(octets)
    with pytest.raises(StoreError, match="is damaged"):
        restore(kept, target)
    assert {path.name for path in target.iterdir()} == {"lock"}


def test_a_place_that_cannot_be_written_is_said(
    kept: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path, _name: Path) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StoreError, match="cannot be written: no space left"):
        restore(kept, target)
    assert {path.name for path in target.iterdir()} == {"lock"}


def test_progress_is_what_there_is_to_copy(kept: Path, target: Path) -> None:
    done: list[int] = []
    manifest: Manifest = restore(kept, target, done.append)
    assert sum(done) == manifest.octets
