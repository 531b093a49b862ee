import json
from collections.abc import Callable
from itertools import count
from pathlib import Path

import apsw
import pytest

from gateway.errors import StoreError
from gateway.store.backup import Backup
from gateway.store.call_facts import (
    CallEnded,
    CallStarted,
)
from gateway.store.call_file import (
    CALLS_NAME,
    CallFile,
    CallPages,
)
from gateway.store.data_directory import DataDirectory
from gateway.store.manifest import MANIFEST_NAME, Manifest, read_manifest
from gateway.store.restore import restore
from gateway.store.verify import Verification
from tests.store.builders import NOON, accepted
from tests.store.call_builders import a_call, a_record
from tests.store.handmade_store import CATALOGUE, HandmadeStore, whole_store

SUMMARISED, SEALED, LIVE = 2, 3, 4
LATER = NOON + 86_400


@pytest.fixture
def files(tmp_path: Path) -> HandmadeStore:
    return whole_store(tmp_path / "store")


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Where the backups go."""
    return tmp_path / "backup"


def backed_up(
    files: HandmadeStore, kept: Path, on_progress: Callable[[int], None] = lambda _: None
) -> Manifest:
    return Backup(files.directory, kept, on_progress).run(NOON)


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def everything(directory: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all messages, by file and table."""
    found = {}
    for path in sorted(directory.glob("s*.db")):
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        for table in ("job", "transition", "attempt", "notified", "replay", "released"):
            found[f"{path.name} {table}"] = connection.execute(f"SELECT * FROM {table}").fetchall()
        connection.close()
    return found


def assert_whole(directory: Path) -> None:
    Verification(directory, pytest.fail).run()


def test_what_is_backed_up_can_be_restored(
    files: HandmadeStore, kept: Path, tmp_path: Path
) -> None:
    backed_up(files, kept)
    restore(kept, tmp_path / "again")
    assert everything(tmp_path / "again") == everything(files.directory)
    assert_whole(tmp_path / "again")


def test_the_manifest_says_what_there_is(files: HandmadeStore, kept: Path) -> None:
    manifest = backed_up(files, kept)
    assert read_manifest(kept) == manifest
    assert (manifest.messages, manifest.made_at) == (11, NOON)
    assert [file.name for file in manifest.files] == [
        "store.db",
        "segment-00000002.db",
        "segment-00000003.db",
        "segment-00000004.db",
    ]
    assert manifest.octets == sum((kept / file.kept_as).stat().st_size for file in manifest.files)


def test_a_backup_is_files_that_can_be_read_where_nothing_may_be_written(
    files: HandmadeStore, kept: Path
) -> None:
    manifest = backed_up(files, kept)
    assert names(kept) == {MANIFEST_NAME, "lock", *(file.kept_as for file in manifest.files)}


def test_what_is_not_checkpointed_yet_is_backed_up(
    files: HandmadeStore, kept: Path, tmp_path: Path
) -> None:
    with files.opened(LIVE) as daemon:
        daemon.pragma("wal_autocheckpoint", 0)
        files.put(LIVE, accepted(32))
        assert backed_up(files, kept).messages == 12


def test_a_copy_is_of_one_moment_and_what_is_written_meanwhile_does_not_hold_it_up(
    files: HandmadeStore, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.backup.PAGES_AT_ONCE", 1)
    ids = count(40)
    steps: list[int] = []

    def write(octets: int) -> None:
        steps.append(octets)
        files.put(LIVE, accepted(next(ids)))

    manifest = backed_up(files, kept, write)
    assert len(steps) == sum(file.octets for file in manifest.files) // 4_096
    assert manifest.files[3].messages == 2 + sum(
        file.octets // 4_096 for file in manifest.files[:3]
    )


def test_a_sealed_segment_that_is_there_already_is_kept(files: HandmadeStore, kept: Path) -> None:
    first = backed_up(files, kept)
    times = {file.kept_as: (kept / file.kept_as).stat().st_mtime_ns for file in first.files}
    files.put(LIVE, accepted(32))
    backup = Backup(files.directory, kept)
    second = backup.run(LATER)
    assert backup.kept == 1
    assert second.files[1] == first.files[1]
    assert (kept / second.files[1].kept_as).stat().st_mtime_ns == times[second.files[1].kept_as]
    assert second.messages == 12


def test_what_no_backup_needs_any_more_is_removed(files: HandmadeStore, kept: Path) -> None:
    first = backed_up(files, kept)
    files.put(LIVE, accepted(32))
    second = backed_up(files, kept)
    assert not (kept / first.files[3].kept_as).exists()
    assert names(kept) == {MANIFEST_NAME, "lock", *(file.kept_as for file in second.files)}


def test_a_sealed_segment_in_which_something_was_erased_is_copied_again(
    files: HandmadeStore, kept: Path
) -> None:
    first = backed_up(files, kept)
    files.sql(SUMMARISED, "DELETE FROM attempt")
    second = backed_up(files, kept)
    assert second.files[1].sha256 != first.files[1].sha256


def test_a_copy_that_was_damaged_since_is_made_again(files: HandmadeStore, kept: Path) -> None:
    first = backed_up(files, kept)
    (kept / first.files[1].kept_as).write_bytes(b"")
    backup = Backup(files.directory, kept)
    backup.run(LATER)
    assert backup.kept == 0


def test_a_segment_that_is_dropped_meanwhile_begins_the_backup_anew(
    files: HandmadeStore, kept: Path, tmp_path: Path
) -> None:
    def drop(_octets: int) -> None:
        if files.path(SUMMARISED).exists():
            files.sql(CATALOGUE, "UPDATE segment SET state = 'dropped' WHERE number = 2")
            files.put(CATALOGUE, accepted(11))
            files.path(SUMMARISED).unlink()

    manifest = backed_up(files, kept, drop)
    assert [file.messages for file in manifest.files] == [3, 3, 2]


def test_a_missing_segment_fails_the_backup_and_leaves_the_one_before(
    files: HandmadeStore, kept: Path
) -> None:
    first = backed_up(files, kept)
    files.path(SEALED).unlink()
    with pytest.raises(StoreError, match=r"segment-00000003\.db is missing"):
        backed_up(files, kept)
    assert read_manifest(kept) == first
    assert names(kept) == {MANIFEST_NAME, "lock", *(file.kept_as for file in first.files)}


def test_a_damaged_page_fails_the_backup(files: HandmadeStore, kept: Path) -> None:
    spoil_an_index(files)
    with pytest.raises(StoreError, match=r"segment-00000002\.db is damaged: .* job_of_account"):
        backed_up(files, kept)


def spoil_an_index(files: HandmadeStore) -> None:
    files.sql(SUMMARISED, "VACUUM")
    page = files.ask(SUMMARISED, "SELECT rootpage FROM sqlite_schema WHERE name = 'job_of_account'")
    octets = bytearray(files.path(SUMMARISED).read_bytes())
    octets[(page - 1) * 4_096] = 0
    files.path(SUMMARISED).write_bytes(octets)


def test_a_damaged_segment_fails_the_backup(files: HandmadeStore, kept: Path) -> None:
    files.sql(LIVE, "PRAGMA writable_schema = on; UPDATE sqlite_schema SET rootpage = 2")
    with pytest.raises(StoreError):
        backed_up(files, kept)
    assert read_manifest(kept) is None


def test_a_segment_that_is_not_summarised_loses_what_was_noted_when_it_was_sealed(
    files: HandmadeStore, kept: Path, tmp_path: Path
) -> None:
    """Its state is the catalogue's, which is older: it will be noted again."""
    files.sql(LIVE, "INSERT INTO open_at_seal VALUES (30)")
    backed_up(files, kept)
    restore(kept, tmp_path / "again")
    again = HandmadeStore.__new__(HandmadeStore)
    again.directory = tmp_path / "again"
    assert again.ask(LIVE, "SELECT count(*) FROM open_at_seal") == 0
    assert again.ask(SUMMARISED, "SELECT count(*) FROM open_at_seal") == 1


def test_a_store_is_no_place_for_a_backup(files: HandmadeStore) -> None:
    with pytest.raises(StoreError, match="is a store"):
        Backup(files.directory, files.directory)


def test_a_place_that_cannot_be_written_is_said(files: HandmadeStore, kept: Path) -> None:
    (kept / "store.db.partial").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"the backup in .* has failed"):
        backed_up(files, kept)


def test_two_backups_do_not_go_to_the_same_place_at_once(files: HandmadeStore, kept: Path) -> None:
    other = DataDirectory.claim(kept)
    with pytest.raises(StoreError, match="in use by another process"):
        backed_up(files, kept)
    other.release()


def test_files_of_others_are_left_alone(files: HandmadeStore, kept: Path) -> None:
    kept.mkdir()
    (kept / "notes.partial").write_text("mine")
    backed_up(files, kept)
    assert (kept / "notes.partial").exists()


def test_a_manifest_of_another_format_is_not_replaced(files: HandmadeStore, kept: Path) -> None:
    first = backed_up(files, kept)
    (kept / MANIFEST_NAME).write_text(
        json.dumps({**json.loads((kept / MANIFEST_NAME).read_text()), "format": 2})
    )
    with pytest.raises(StoreError, match="has format 2"):
        backed_up(files, kept)
    assert all((kept / file.kept_as).exists() for file in first.files)


def test_progress_is_what_there_is_to_copy(files: HandmadeStore, kept: Path) -> None:
    done: list[int] = []
    backup = Backup(files.directory, kept, done.append)
    backup.run(NOON)
    assert sum(done) == backup.octets > 0


# Calls


def a_call_is_recorded(files: HandmadeStore) -> None:
    calls = CallFile(files.directory / CALLS_NAME, durable=False)
    calls.open()
    calls.write([CallStarted(a_call()), CallEnded(a_record(), 2)])
    calls.close()


def test_records_of_calls_are_backed_up_and_restored(
    files: HandmadeStore, kept: Path, tmp_path: Path
) -> None:
    a_call_is_recorded(files)
    backed_up(files, kept)
    restore(kept, tmp_path / "restored")
    assert_whole(tmp_path / "restored")
    pages = CallPages(tmp_path / "restored" / CALLS_NAME)
    assert pages.fetch(a_call().account_sid, a_call().id) == a_record()
    pages.close()


def test_a_later_backup_has_the_calls_of_then(files: HandmadeStore, kept: Path) -> None:
    backed_up(files, kept)
    assert not any(name.startswith("calls") for name in names(kept))
    a_call_is_recorded(files)
    backed_up(files, kept)
    backed_up(files, kept)
    assert len([name for name in names(kept) if name.startswith("calls")]) == 1


def test_damage_of_the_calls_is_found(files: HandmadeStore) -> None:
    a_call_is_recorded(files)
    (files.directory / CALLS_NAME).write_bytes(b"no database" * 1_000)
    found: list[str] = []
    Verification(files.directory, found.append).run()
    assert any(CALLS_NAME in line for line in found)
