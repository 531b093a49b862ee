"""Whole segments, before the store drops them."""

import os
from pathlib import Path

import apsw
import pytest

from gateway.clock import message_sid
from gateway.errors import StoreError
from gateway.streams.segment_archive import SegmentArchive
from tests.store.builders import NOON
from tests.streams.archives import MemoryTarget, a_segment, lines_of


def test_segment_is_written_down_record_by_record(tmp_path: Path) -> None:
    target = MemoryTarget(tmp_path)
    SegmentArchive(target).archive_segment(a_segment(tmp_path, 1))
    [octets] = target.files.values()
    message, transition = lines_of(octets)
    assert (message["record"], message["sid"], message["body"]) == (
        "message",
        message_sid(1),
        "Your code is 123456.",
    )
    assert (transition["record"], transition["sid"], transition["status"]) == (
        "transition",
        message_sid(1),
        "sent",
    )


def test_ids_and_keys_are_not_in_it(tmp_path: Path) -> None:
    target = MemoryTarget(tmp_path)
    SegmentArchive(target).archive_segment(a_segment(tmp_path, 1))
    [octets] = target.files.values()
    for line in lines_of(octets):
        assert not {"id", "message_id", "key", "message"} & line.keys()


def test_large_segment_is_written_down_whole(tmp_path: Path) -> None:
    target = MemoryTarget(tmp_path)
    SegmentArchive(target).archive_segment(a_segment(tmp_path, *range(1, 2_001)))
    [octets] = target.files.values()
    assert len(lines_of(octets)) == 4_000


def test_name_has_the_time_of_its_first_message_and_its_number(tmp_path: Path) -> None:
    target = MemoryTarget(tmp_path)
    SegmentArchive(target).archive_segment(a_segment(tmp_path, 2, 1))
    assert list(target.files) == ["2023/11/14/segment-20231114T221321.000Z-00000003.ndjson.zst"]


def test_segment_without_messages_has_the_time_of_its_file(tmp_path: Path) -> None:
    target = MemoryTarget(tmp_path)
    path = a_segment(tmp_path)
    os.utime(path, (NOON, NOON))
    SegmentArchive(target).archive_segment(path)
    assert list(target.files) == ["2023/11/14/segment-20231114T221320.000Z-00000003.ndjson.zst"]


def test_segment_must_not_be_dropped_while_the_target_is_away(tmp_path: Path) -> None:
    target = MemoryTarget(tmp_path)
    target.down = True
    with pytest.raises(StoreError, match="the bucket is away"):
        SegmentArchive(target).archive_segment(a_segment(tmp_path, 1))


def test_segment_that_cannot_be_read_must_not_be_dropped(tmp_path: Path) -> None:
    path = tmp_path / "segment-00000003.db"
    path.write_bytes(b"no database" * 1_000)
    with pytest.raises(StoreError, match="cannot be archived"):
        SegmentArchive(MemoryTarget(tmp_path)).archive_segment(path)


def test_segment_that_cannot_be_written_down_must_not_be_dropped(tmp_path: Path) -> None:
    target = MemoryTarget(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="cannot be archived"):
        SegmentArchive(target).archive_segment(a_segment(tmp_path, 1))


def test_segment_with_a_damaged_message_must_not_be_dropped(tmp_path: Path) -> None:
    path = a_segment(tmp_path, 1)
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE job SET message = x'00'")
    connection.close()
    with pytest.raises(StoreError, match="cannot be archived"):
        SegmentArchive(MemoryTarget(tmp_path)).archive_segment(path)


def test_receipt_without_a_message_is_written_down(tmp_path: Path) -> None:
    path = a_segment(tmp_path)
    connection = apsw.Connection(str(path))
    connection.execute(
        "INSERT INTO unmatched_receipt VALUES ('alpha', 'ff', 1.5, 'DELIVRD', '', '')"
    )
    connection.close()
    target = MemoryTarget(tmp_path)
    SegmentArchive(target).archive_segment(path)
    [octets] = target.files.values()
    [line] = lines_of(octets)
    assert (line["record"], line["carrier"], line["carrier_id"]) == (
        "unmatched_receipt",
        "alpha",
        "ff",
    )
