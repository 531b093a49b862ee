"""A file of NDJSON under zstd."""

import io
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import zstandard

from gateway.streams.archive_file import ArchiveFile, file_name
from tests.store.builders import NOON
from tests.streams.archives import lines_of


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = ArchiveFile(tmp_path / "file")
    file.write(b'{"a":1}\n')
    file.write(b'{"a":2}\n')
    file.finish()
    assert lines_of(file.path.read_bytes()) == [{"a": 1}, {"a": 2}]


@pytest.mark.skipif(shutil.which("zstd") is None, reason="zstd is not installed")
def test_zstd_itself_reads_it(tmp_path: Path) -> None:
    file = ArchiveFile(tmp_path / "file.zst")
    file.write(b'{"a":1}\n')
    file.finish()
    read = subprocess.run(["zstd", "-dc", file.path], check=True, capture_output=True)
    assert read.stdout == b'{"a":1}\n'


def test_size_is_told_as_it_grows(tmp_path: Path) -> None:
    file = ArchiveFile(tmp_path / "file")
    first = file.write(b'{"a":1}\n')
    second = file.write(b'{"b":2}\n')
    file.finish()
    assert 0 < first < second <= file.path.stat().st_size


def test_file_of_an_earlier_run_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"half a file")
    file = ArchiveFile(tmp_path / "file")
    file.write(b'{"a":1}\n')
    file.finish()
    assert lines_of(file.path.read_bytes()) == [{"a": 1}]


def test_finishing_again_changes_nothing(tmp_path: Path) -> None:
    file = ArchiveFile(tmp_path / "file")
    file.finish()
    file.finish()
    assert lines_of(file.path.read_bytes()) == []


class FullDisk(io.BytesIO):
    def write(self, octets: Any) -> int:
        raise OSError("no space left on device")


def test_file_that_could_not_be_written_is_of_no_use_for_good(tmp_path: Path) -> None:
    file = ArchiveFile(tmp_path / "file")
    file._file.close()
    with FullDisk() as disk:
        compressor = zstandard.ZstdCompressor()
        file._stream = compressor.stream_writer(disk, closefd=False)
        with pytest.raises(OSError, match="no space left"):
            file.write(b'{"a":1}\n')
    with pytest.raises(OSError, match="could not be written"):
        file.finish()


def test_file_that_could_not_be_flushed_is_of_no_use_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(number: int) -> None:
        raise OSError("input/output error")

    file = ArchiveFile(tmp_path / "file")
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="input/output error"):
        file.finish()
    with pytest.raises(OSError, match="could not be written"):
        file.finish()


def test_name_has_the_day_the_time_and_the_first_message() -> None:
    name = file_name("messages", NOON + 0.25, "SM1")
    assert name == "2023/11/14/messages-20231114T221320.250Z-SM1.ndjson.zst"
