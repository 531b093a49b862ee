import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.errors import StoreError
from gateway.store.data_directory import DataDirectory

HOLD = """
import sys
from pathlib import Path
from gateway.store.data_directory import DataDirectory
directory = DataDirectory.claim(Path(sys.argv[1]))
sys.stdout.write("held")
sys.stdout.flush()
sys.stdin.read()
"""


def test_a_missing_directory_is_made(tmp_path: Path) -> None:
    DataDirectory.claim(tmp_path / "var" / "gateway").release()
    assert (tmp_path / "var" / "gateway").is_dir()


def test_a_directory_has_one_holder(tmp_path: Path) -> None:
    directory = DataDirectory.claim(tmp_path)
    with pytest.raises(StoreError, match="in use by another process"):
        DataDirectory.claim(tmp_path)
    directory.release()


def test_a_released_directory_can_be_claimed(tmp_path: Path) -> None:
    DataDirectory.claim(tmp_path).release()
    DataDirectory.claim(tmp_path).release()


def test_another_process_keeps_its_directory_until_it_dies(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.read(4) == b"held"
        with pytest.raises(StoreError, match=f"in use by another process \\(pid {holder.pid}\\)"):
            DataDirectory.claim(tmp_path)
        holder.kill()
    DataDirectory.claim(tmp_path).release()


def test_a_directory_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be used: Not a directory"):
        DataDirectory.claim(tmp_path / "file" / "gateway")


def test_a_directory_that_cannot_be_written_is_refused_in_one_line(tmp_path: Path) -> None:
    # A lock that cannot be opened for writing; permissions would not stop a test run by root.
    (tmp_path / "lock").mkdir()
    with pytest.raises(StoreError, match="cannot be used: Is a directory"):
        DataDirectory.claim(tmp_path)


def test_a_directory_that_is_gone_has_no_space(tmp_path: Path) -> None:
    directory = DataDirectory.claim(tmp_path / "store")
    shutil.rmtree(tmp_path / "store")
    assert directory.free_bytes() == 0
    directory.release()


def test_a_directory_that_is_gone_cannot_be_flushed_or_read(tmp_path: Path) -> None:
    directory = DataDirectory.claim(tmp_path / "store")
    shutil.rmtree(tmp_path / "store")
    with pytest.raises(StoreError, match="cannot be flushed"):
        directory.sync()
    with pytest.raises(StoreError, match="cannot be read"):
        directory.names()
    directory.release()


def test_its_files_are_named_in_order(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).touch()
    directory = DataDirectory.claim(tmp_path)
    directory.sync()
    assert directory.names() == ["a", "b", "lock"]
    directory.release()


def test_free_bytes_are_those_of_the_disk(tmp_path: Path) -> None:
    directory = DataDirectory.claim(tmp_path)
    assert directory.free_bytes() > 0
    directory.release()
