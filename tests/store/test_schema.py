import apsw
import pytest

from gateway.errors import StoreError
from gateway.store import schema
from tests.store.open_store import OpenStore

FILES = (schema.CATALOGUE_NAME, schema.SEGMENT_NAME.format(1))


def test_the_installed_sqlite_has_the_wal_reset_fix() -> None:
    schema.check_library(apsw.sqlite_lib_version())


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2"])
def test_a_sqlite_with_the_wal_reset_bug_is_refused(version: str) -> None:
    with pytest.raises(StoreError, match="WAL-reset bug"):
        schema.check_library(version)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_a_newer_gateway_is_refused_in_one_line(store: OpenStore, name: str) -> None:
    store.files.close()
    with apsw.Connection(str(store.path / name)) as newer:
        newer.pragma("user_version", schema.SCHEMA_VERSION + 1)
    newer.close()
    with pytest.raises(StoreError, match=r"schema 3 and this program knows 2: a newer") as refused:
        store.files.open()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_program_is_refused(store: OpenStore, name: str) -> None:
    store.files.close()
    (store.path / name).unlink()
    foreign = apsw.Connection(str(store.path / name))
    foreign.execute("CREATE TABLE places (url TEXT)")
    foreign.close()
    with pytest.raises(StoreError, match="another program"):
        store.files.open()


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_database_is_refused(store: OpenStore, name: str) -> None:
    store.files.close()
    (store.path / name).write_text("Dear diary, " * 1_000)
    with pytest.raises(StoreError, match="not a database"):
        store.files.open()


def test_an_operator_reads_statuses_in_plain_words(store: OpenStore) -> None:
    columns = apsw.Connection(str(store.path / FILES[1])).execute(
        "SELECT type FROM pragma_table_info('transition') WHERE name = 'status'"
    )
    assert columns.fetchone() == ("TEXT",)
