"""What any file of the store does when its disk, or somebody else, stands in the way."""

from pathlib import Path

import apsw
import pytest

from gateway.errors import StoreError
from gateway.store import sqlite_connection
from gateway.store.interface import Accepted, Redacted
from gateway.store.segment_file import SegmentFile
from gateway.store.sqlite_connection import RecordError, connect_to_read
from tests.store.builders import accepted
from tests.store.failing_disk import FailingDisk


@pytest.fixture
def file(tmp_path: Path, disk: FailingDisk) -> SegmentFile:
    file = SegmentFile(tmp_path / "segment.db", vfs=disk.name)
    file.open()
    return file


def write(file: SegmentFile, *records: Accepted) -> None:
    file.write({Accepted: list(records)}, (), stream=False)


def test_a_file_that_somebody_reads_is_opened_only_where_that_is_expected(
    file: SegmentFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_connection, "BUSY_TIMEOUT_MS", 1)
    reader = connect_to_read(file.path, None)
    reading = reader.execute("SELECT 1 FROM job UNION ALL SELECT 2")
    write(file, accepted(1))
    file.close()
    with pytest.raises(StoreError, match="cannot be opened"):
        file.open()
    file.open(alone=False)
    file.revise([Redacted(1)])
    file.close()
    reading.close()
    reader.close()


def test_a_file_that_somebody_else_writes_takes_nothing(
    file: SegmentFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_connection, "BUSY_TIMEOUT_MS", 1)
    file.close()
    file.open()
    other = apsw.Connection(str(file.path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="cannot be written"):
        write(file, accepted(1))
    other.close()
    file.close()


def test_a_file_that_is_full_takes_nothing_more(file: SegmentFile) -> None:
    assert file._connection is not None
    file._connection.pragma("max_page_count", 20)
    with pytest.raises(StoreError, match="full") as refused:
        write(file, accepted(1, body="x" * 100_000))
    assert not isinstance(refused.value, RecordError)
    file.close()


def test_its_size_is_asked_for_only_when_it_may_have_been_reached(file: SegmentFile) -> None:
    assert not file.reaches(1 << 20)
    before = file.octets
    write(file, accepted(1, body="x" * 100_000))
    assert not file.reaches(1 << 20)
    assert file.octets == before
    assert file.reaches(before + 90_000)
    assert file.octets > before + 90_000
    file.close()
    assert not file.checkpoint_due
