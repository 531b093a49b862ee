import logging
from pathlib import Path

import pytest

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.store.compact import compact
from gateway.store.data_directory import DataDirectory
from gateway.store.dump import Dump
from gateway.store.limits import DAY_S, StoreLimits
from gateway.store.verify import Verification
from tests.store.builders import NOON
from tests.store.handmade_store import CATALOGUE, HandmadeStore, whole_store

SUMMARISED, SEALED, LIVE = 2, 3, 4
LIMITS = StoreLimits(free_bytes_min=0, retention_s=DAY_S)


@pytest.fixture
def files(tmp_path: Path) -> HandmadeStore:
    return whole_store(tmp_path / "store")


def clock_at(now: float) -> Clock:
    return Clock(lambda: 0.0, now)


def ids(files: HandmadeStore) -> list[int]:
    dump = Dump(files.directory, pytest.fail)
    return sorted(each.stored.message.id for each in dump.timelines())


def assert_whole(files: HandmadeStore) -> None:
    Verification(files.directory, pytest.fail).run()


def test_gaps_are_given_back(files: HandmadeStore) -> None:
    files.sql(SUMMARISED, "CREATE TABLE gap (octets)")
    files.sql(SUMMARISED, "INSERT INTO gap VALUES (zeroblob(1000000))")
    files.sql(SUMMARISED, "DROP TABLE gap")
    compacted = compact(files.directory, None, clock_at(NOON))
    assert compacted.before - compacted.after > 1_000_000
    assert_whole(files)


def test_without_limits_nothing_is_dropped(files: HandmadeStore) -> None:
    before = ids(files)
    assert compact(files.directory, None, clock_at(NOON + 400 * DAY_S)).dropped == 0
    assert ids(files) == before


def test_what_is_not_old_enough_is_kept(files: HandmadeStore) -> None:
    before = ids(files)
    assert compact(files.directory, LIMITS, clock_at(NOON + DAY_S)).dropped == 0
    assert ids(files) == before
    assert_whole(files)


def test_what_is_old_is_dropped_and_what_is_not_finished_in_it_is_kept(
    files: HandmadeStore,
) -> None:
    compacted = compact(files.directory, LIMITS, clock_at(NOON + DAY_S + 2))
    assert compacted.dropped == 2
    assert not files.path(SUMMARISED).exists()
    assert not files.path(SEALED).exists()
    assert {1, 2, 11, 22, 30, 31} <= set(ids(files))
    assert {10, 12, 13, 20} & set(ids(files)) == set()
    assert_whole(files)


def test_a_segment_that_cannot_be_archived_is_kept(
    files: HandmadeStore, caplog: pytest.LogCaptureFixture
) -> None:
    def archive(_segment: Path) -> None:
        raise StoreError("the archive is full")

    with caplog.at_level(logging.CRITICAL):
        compacted = compact(files.directory, LIMITS, clock_at(NOON + 2 * DAY_S), archive)
    assert compacted.dropped == 0
    assert files.path(SUMMARISED).exists()


def test_the_live_segment_is_left_as_it_is(files: HandmadeStore) -> None:
    told: list[Path] = []
    compact(files.directory, None, clock_at(NOON), on_file=told.append)
    assert told == [files.path(number) for number in (CATALOGUE, SUMMARISED, SEALED)]


def test_a_store_in_use_is_left_alone(files: HandmadeStore) -> None:
    daemon = DataDirectory.claim(files.directory)
    with pytest.raises(StoreError, match="is in use by another process"):
        compact(files.directory, None, clock_at(NOON))
    daemon.release()


def test_no_store_is_made_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        compact(tmp_path / "nowhere", None, clock_at(NOON))
    assert not (tmp_path / "nowhere").exists()


def test_a_damaged_file_is_said(files: HandmadeStore) -> None:
    files.path(SEALED).write_bytes(b"nonsense" * 1_000)
    with pytest.raises(StoreError, match=r"segment-00000003\.db"):
        compact(files.directory, None, clock_at(NOON))
