"""A new segment is begun, and a crash or a failing disk finds it begun or not."""

import logging
from pathlib import Path

import pytest

from gateway.errors import StoreError
from gateway.store.data_directory import DataDirectory
from gateway.store.interface import Cursor
from gateway.store.segment import ID_MAX, Segment, Segments, SegmentState
from gateway.store.store_files import ROLL_RETRY_S
from tests.store.builders import NOON, accepted, sent
from tests.store.failing_disk import FailingDisk
from tests.store.open_store import OpenStore


def segment(number: int, first_id: int) -> Segment:
    return Segment(number, first_id, NOON, NOON, SegmentState.SEALED)


@pytest.mark.parametrize(
    ("message_id", "home"), [(1, None), (9, None), (10, 0), (19, 0), (20, 1), (99, 1)]
)
def test_a_message_is_at_home_where_its_id_falls(message_id: int, home: int | None) -> None:
    segments = Segments([segment(3, 10), segment(4, 20)])
    assert segments.home(message_id) == home
    first, end = segments.ids(home)
    assert first <= message_id < end


def test_a_segment_without_messages_is_no_home() -> None:
    segments = Segments([segment(3, 10), segment(4, 20), segment(5, 20)])
    assert segments.home(20) == 2
    assert segments.ids(1) == (20, 20)
    assert segments.ids(2) == (20, ID_MAX)


def test_a_segment_is_begun_when_the_last_has_had_its_time(store: OpenStore) -> None:
    store.write(accepted(7))
    store.roll()
    sealed, live = store.files.segments.kept
    assert sealed == Segment(1, 1, NOON, NOON + 60, SegmentState.SEALED)
    assert live == Segment(2, 8, NOON + 60, 0.0, SegmentState.LIVE)


def test_a_segment_is_begun_when_the_last_is_large(tmp_path: Path) -> None:
    store = OpenStore(tmp_path, segment_bytes=1 << 20)
    message_id = 0
    while store.numbers == [1]:
        message_id += 1
        store.write(accepted(message_id, body="x" * 20_000))
        store.files.roll_if_due()
    assert 40 < message_id < 60
    store.close()


def test_an_empty_segment_goes_on(store: OpenStore) -> None:
    store.write(Cursor("mqtt", 1, 1, NOON))
    store.roll()
    assert store.numbers == [1]


def test_time_is_counted_from_when_it_was_begun_not_opened(tmp_path: Path) -> None:
    store = OpenStore(tmp_path)
    store.write(accepted(1))
    store.files.close()
    store.files.open()
    store.roll()
    assert store.numbers == [1, 2]
    store.close()


def test_messages_and_facts_go_to_the_new_segment(store: OpenStore) -> None:
    store.write(accepted(1))
    store.roll()
    store.write(sent(1), accepted(2))
    rows = store.connections.rows(2, "SELECT id FROM job UNION SELECT message_id FROM transition")
    assert rows == [(1,), (2,)]


def test_a_deleted_message_keeps_its_id_taken_in_the_next_segment(store: OpenStore) -> None:
    store.write(accepted(7))
    store.roll()
    store.files.close()
    store.files.open()
    assert store.files.last_id == 7
    assert store.files.segments.live.first_id == 8


@pytest.mark.parametrize("call", ["xWrite", "xSync"])
@pytest.mark.parametrize("good_calls", range(24))
def test_wherever_the_disk_fails_the_roll_is_made_or_not(
    store: OpenStore, disk: FailingDisk, good_calls: int, call: str
) -> None:
    store.write(accepted(1))
    disk.fail(call, after=good_calls)
    try:
        store.roll()
    except StoreError:
        store.files.close()
    disk.heal()
    store.files.close()
    store.files.open()
    assert store.numbers in ([1], [1, 2])
    names = sorted(path.name for path in store.path.glob("segment-*.db"))
    assert len(names) == len(store.numbers)
    store.write(sent(1), accepted(2))
    assert store.listed() == [2, 1]


def test_a_segment_that_cannot_be_made_is_tried_again_later(
    store: OpenStore, disk: FailingDisk, caplog: pytest.LogCaptureFixture
) -> None:
    store.write(accepted(1))
    disk.fail()
    with caplog.at_level(logging.WARNING):
        store.roll()
    assert "segment not begun" in caplog.text
    disk.heal()
    store.write(accepted(2))
    store.files.roll_if_due()
    assert store.numbers == [1]
    store.now += ROLL_RETRY_S
    store.files.roll_if_due()
    assert store.numbers == [1, 2]


def test_a_segment_whose_name_is_not_durable_is_not_begun(
    store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: DataDirectory) -> None:
        raise StoreError("cannot be flushed")

    store.write(accepted(1))
    with monkeypatch.context() as patched:
        patched.setattr(DataDirectory, "sync", fail)
        store.roll()
    assert store.numbers == [1]
    store.now += ROLL_RETRY_S
    store.files.roll_if_due()
    assert store.numbers == [1, 2]


def test_a_file_that_a_crash_left_of_a_roll_is_removed(
    store: OpenStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.write(accepted(1))
    store.segment_set.make(2).close()
    store.files.close()
    with caplog.at_level(logging.WARNING):
        store.files.open()
    assert "stray segment removed" in caplog.text
    assert not (store.path / "segment-00000002.db").exists()


@pytest.mark.parametrize("content", [b"", b"\0" * 4_096])
def test_a_file_that_a_power_cut_left_of_a_roll_is_removed(
    store: OpenStore, content: bytes
) -> None:
    store.write(accepted(1))
    store.files.close()
    (store.path / "segment-00000002.db").write_bytes(content)
    store.files.open()
    store.roll()
    store.write(accepted(2))
    assert store.listed() == [2, 1]


def test_an_unlink_that_a_power_cut_undid_is_done_again(store: OpenStore) -> None:
    store.write(accepted(1))
    store.drop_all()
    octets = (store.path / "segment-00000002.db").read_bytes()
    store.files.close()
    (store.path / "segment-00000001.db").write_bytes(octets)
    store.files.open()
    assert not (store.path / "segment-00000001.db").exists()


def test_a_segment_whose_catalogue_is_an_older_one_is_not_removed(store: OpenStore) -> None:
    store.files.close()
    catalogue = (store.path / "store.db").read_bytes()
    store.files.open()
    store.write(accepted(1))
    store.roll()
    store.write(accepted(2))
    store.files.close()
    (store.path / "store.db").write_bytes(catalogue)
    with pytest.raises(StoreError, match=r"segment-00000002\.db is not in store\.db"):
        store.files.open()


def test_a_missing_segment_is_named(store: OpenStore) -> None:
    store.write(accepted(1))
    store.roll()
    store.files.close()
    (store.path / "segment-00000001.db").unlink()
    with pytest.raises(StoreError, match=r"segment-00000001\.db is missing.*supernet store verify"):
        store.files.open()
