"""Where archive files are kept."""

import os
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from gateway.config.sections import Archive
from gateway.errors import ConfigError
from gateway.streams import archive_target as module
from gateway.streams.archive_target import (
    ArchiveError,
    BucketTarget,
    DirectoryTarget,
    archive_target,
)

NAME = "2026/01/02/messages-1.ndjson.zst"


def a_file(target: DirectoryTarget | BucketTarget) -> Path:
    path = target.workshop / ".partial"
    path.write_bytes(b"octets")
    return path


def test_directory_keeps_a_file_under_its_name_alone(tmp_path: Path) -> None:
    target = DirectoryTarget(tmp_path / "archive")
    target.put(a_file(target), NAME)
    assert [each for each in target.workshop.rglob("*") if each.is_file()] == [
        target.workshop / NAME
    ]


def test_file_of_the_same_name_is_replaced(tmp_path: Path) -> None:
    target = DirectoryTarget(tmp_path)
    (tmp_path / "2026/01/02").mkdir(parents=True)
    (tmp_path / NAME).write_bytes(b"older")
    target.put(a_file(target), NAME)
    assert (tmp_path / NAME).read_bytes() == b"octets"


def test_every_directory_down_to_the_file_is_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[Path] = []
    monkeypatch.setattr(module, "_sync", flushed.append)
    target = DirectoryTarget(tmp_path)
    target.put(a_file(target), NAME)
    assert flushed == [tmp_path / "2026/01/02", tmp_path / "2026/01", tmp_path / "2026", tmp_path]


def test_file_that_cannot_be_kept_stays_where_it_was_made(tmp_path: Path) -> None:
    target = DirectoryTarget(tmp_path)
    path = a_file(target)
    (tmp_path / "2026").write_text("in the way")
    with pytest.raises(ArchiveError):
        target.put(path, NAME)
    assert path.exists()


def test_bucket_keeps_a_file_and_the_workshop_is_empty(tmp_path: Path) -> None:
    store = MemoryStore()
    target = BucketTarget(store, tmp_path / "workshop")
    target.put(a_file(target), NAME)
    assert bytes(store.get(NAME).bytes()) == b"octets"
    assert os.listdir(target.workshop) == []


def test_bucket_that_cannot_be_reached_leaves_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRIES_MAX", 0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    config = Archive("s3://bucket/prefix", endpoint="http://127.0.0.1:9", region="eu-north-1")
    target = archive_target(config, tmp_path)
    assert isinstance(target, BucketTarget)
    path = a_file(target)
    with pytest.raises(ArchiveError):
        target.put(path, NAME)
    assert path.exists()


def test_plain_target_is_a_directory(tmp_path: Path) -> None:
    target = archive_target(Archive(str(tmp_path / "archive")), tmp_path)
    assert target.workshop == tmp_path / "archive"


@pytest.mark.parametrize("target", ["gs://bucket", "s3://", "s3:///prefix"])
def test_target_that_is_no_bucket_is_refused(target: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="s3://bucket/prefix"):
        archive_target(Archive(target), tmp_path)


def test_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match=r"\[events.archive\] target"):
        archive_target(Archive(str(tmp_path / "file" / "archive")), tmp_path)


def test_bucket_without_its_library_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        module.__dict__.get("sys", __import__("sys")).modules, "obstore.store", None
    )
    with pytest.raises(ConfigError, match=r"super-network-gateway\[s3\]"):
        archive_target(Archive("s3://bucket"), tmp_path)


@pytest.mark.parametrize("target", ["s3://bucket", "s3://bucket/prefix"])
def test_bucket_of_amazon_needs_neither_endpoint_nor_region(target: str, tmp_path: Path) -> None:
    assert isinstance(archive_target(Archive(target=target), tmp_path), BucketTarget)
