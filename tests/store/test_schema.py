from pathlib import Path

import apsw
import pytest

from gateway.errors import StoreError
from gateway.store import schema
from gateway.store.sqlite_file import FILE_NAME, SqliteFile


def test_the_installed_sqlite_has_the_wal_reset_fix() -> None:
    schema.check_library(apsw.sqlite_lib_version())


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2"])
def test_a_sqlite_with_the_wal_reset_bug_is_refused(version: str) -> None:
    with pytest.raises(StoreError, match="WAL-reset bug"):
        schema.check_library(version)


def test_a_file_of_a_newer_gateway_is_refused_in_one_line(tmp_path: Path) -> None:
    with apsw.Connection(str(tmp_path / FILE_NAME)) as newer:
        newer.pragma("user_version", schema.SCHEMA_VERSION + 1)
    newer.close()
    with pytest.raises(StoreError, match=r"schema 2 and this program knows 1: a newer") as refused:
        SqliteFile(tmp_path / FILE_NAME).open()
    assert "\n" not in str(refused.value)


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    foreign = apsw.Connection(str(tmp_path / FILE_NAME))
    foreign.execute("CREATE TABLE places (url TEXT)")
    foreign.close()
    with pytest.raises(StoreError, match="another program"):
        SqliteFile(tmp_path / FILE_NAME).open()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("Dear diary, " * 1_000)
    with pytest.raises(StoreError, match="not a database"):
        SqliteFile(tmp_path / FILE_NAME).open()


def test_an_operator_reads_statuses_in_plain_words(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / FILE_NAME)
    file.open()
    columns = apsw.Connection(str(tmp_path / FILE_NAME)).execute(
        "SELECT type FROM pragma_table_info('transition') WHERE name = 'status'"
    )
    assert columns.fetchone() == ("TEXT",)
    file.close()
