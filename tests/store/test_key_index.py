"""The index of idempotency keys: found within the window, whatever happened to its files."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import StoreError
from gateway.store.interface import SeenKey
from gateway.store.key_generation import KeyEntry
from gateway.store.key_index import FILE_NAME, KeyIndex
from tests.store.builders import NOON
from tests.store.failing_disk import FailingDisk

WINDOW_S = 4_000.0
QUARTER_S = 1_000.0


def key(number: int) -> bytes:
    return number.to_bytes(16)


def an_entry(message_id: int, at: float = NOON, number: int | None = None) -> KeyEntry:
    return KeyEntry(key(message_id if number is None else number), b"f" * 16, message_id, at)


def seen(message_id: int) -> SeenKey:
    return SeenKey(message_id, b"f" * 16)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[KeyIndex]:
    index = KeyIndex(tmp_path, WINDOW_S)
    assert index.open(NOON) == 0
    yield index
    index.close()


def four_quarters(index: KeyIndex) -> None:
    """Messages 1 to 4, each in a file of its own."""
    for quarter in range(4):
        at = NOON + quarter * QUARTER_S
        index.add([an_entry(quarter + 1, at)], at)


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.glob("keys-*.db"))


def test_a_key_is_found_once_it_was_added(index: KeyIndex) -> None:
    assert index.find(key(7), NOON) is None
    index.add([an_entry(7), an_entry(8)], NOON)
    assert index.find(key(7), NOON) == seen(7)


def test_a_key_is_found_for_the_window_and_no_longer(index: KeyIndex) -> None:
    index.add([an_entry(1)], NOON)
    assert index.find(key(1), NOON + WINDOW_S - 1) == seen(1)
    assert index.find(key(1), NOON + WINDOW_S) is None


def test_a_key_whose_time_was_over_is_anothers(index: KeyIndex) -> None:
    index.add([an_entry(1)], NOON)
    later = NOON + WINDOW_S + 1
    index.add([an_entry(2, later, number=1)], later)
    assert index.find(key(1), later) == seen(2)


def test_the_same_entry_may_come_again(index: KeyIndex) -> None:
    index.add([an_entry(1)], NOON)
    index.add([an_entry(1)], NOON)
    assert index.find(key(1), NOON) == seen(1)


def test_to_add_nothing_is_nothing(index: KeyIndex, tmp_path: Path) -> None:
    index.add([], NOON)
    assert files(tmp_path) == []


def test_many_keys_may_be_added_at_once(index: KeyIndex) -> None:
    index.add([an_entry(number) for number in range(1, 1_001)], NOON)
    assert [index.find(key(number), NOON) for number in (1, 500, 1_000)] == [
        seen(1),
        seen(500),
        seen(1_000),
    ]


def test_what_was_refused_after_all_is_forgotten(index: KeyIndex) -> None:
    index.add([an_entry(1), an_entry(2), an_entry(3)], NOON)
    index.forget([2, 3, 4])
    assert [index.find(key(number), NOON) for number in (1, 2, 3)] == [seen(1), None, None]


def test_an_empty_index_has_nothing_to_forget(index: KeyIndex) -> None:
    index.forget([1])
    index.add([an_entry(1)], NOON)
    index.forget([])
    assert index.find(key(1), NOON) == seen(1)


# Generations


def test_each_quarter_of_the_window_has_a_file(index: KeyIndex, tmp_path: Path) -> None:
    four_quarters(index)
    assert files(tmp_path) == [FILE_NAME.format(number) for number in (1, 2, 3, 4)]
    now = NOON + 3 * QUARTER_S
    assert [index.find(key(number), now) for number in (1, 2, 3, 4)] == [
        seen(1),
        seen(2),
        seen(3),
        seen(4),
    ]


def test_a_file_is_dropped_once_its_last_key_is_too_old(index: KeyIndex, tmp_path: Path) -> None:
    four_quarters(index)
    index.find(key(1), NOON)  # The reader has it open.
    now = NOON + WINDOW_S
    index.add([an_entry(5, now)], now)
    assert files(tmp_path) == [FILE_NAME.format(number) for number in (2, 3, 4, 5)]
    assert list(tmp_path.glob("keys-00000001*")) == []
    assert (index.find(key(1), now), index.find(key(2), now)) == (None, seen(2))


def test_files_that_grew_too_old_meanwhile_are_dropped_at_the_start(tmp_path: Path) -> None:
    index = KeyIndex(tmp_path, WINDOW_S)
    index.open(NOON)
    four_quarters(index)
    index.close()
    index.open(NOON + 2 * WINDOW_S)
    assert files(tmp_path) == [FILE_NAME.format(4)]


def test_another_window_takes_the_files_over(tmp_path: Path) -> None:
    index = KeyIndex(tmp_path, WINDOW_S)
    index.open(NOON)
    four_quarters(index)
    index.close()
    now = NOON + 3 * QUARTER_S
    shorter = KeyIndex(tmp_path, 1.5 * QUARTER_S)
    assert shorter.open(now) == 4
    assert [shorter.find(key(number), now) for number in (2, 3)] == [None, seen(3)]


# Restarts


def test_a_start_tells_how_far_it_knows(index: KeyIndex) -> None:
    four_quarters(index)
    index.close()
    assert index.open(NOON) == 4
    assert index.find(key(2), NOON) == seen(2)


def test_the_last_file_is_gone_on_with(index: KeyIndex, tmp_path: Path) -> None:
    index.add([an_entry(1)], NOON)
    index.close()
    index.open(NOON)
    index.add([an_entry(2)], NOON)
    assert files(tmp_path) == [FILE_NAME.format(1)]


def test_a_file_that_was_only_begun_is_gone_on_with(index: KeyIndex, tmp_path: Path) -> None:
    index.add([an_entry(1)], NOON)
    index.close()
    (tmp_path / FILE_NAME.format(2)).touch()
    assert index.open(NOON) == 1
    index.add([an_entry(2)], NOON)
    assert index.find(key(2), NOON) == seen(2)


def test_nothing_is_asked_of_an_index_that_is_not_open(tmp_path: Path) -> None:
    index = KeyIndex(tmp_path, WINDOW_S)
    with pytest.raises(StoreError, match="not open"):
        index.find(key(1), NOON)
    with pytest.raises(StoreError, match="opened anew"):
        index.add([an_entry(1)], NOON)


def test_without_its_directory_it_does_not_open(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        KeyIndex(tmp_path / "none", WINDOW_S).open(NOON)


# Damage


def test_a_damaged_file_is_rebuilt_with_all_after_it(
    index: KeyIndex, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    four_quarters(index)
    index.close()
    (tmp_path / FILE_NAME.format(3)).write_bytes(b"no database " * 1_000)
    with caplog.at_level(logging.ERROR):
        assert index.open(NOON) == 2
    assert "damaged" in caplog.text
    assert files(tmp_path) == [FILE_NAME.format(1), FILE_NAME.format(2)]
    index.add([an_entry(3), an_entry(4)], NOON)
    assert index.find(key(3), NOON) == seen(3)


def test_a_damaged_first_file_means_to_begin_anew(index: KeyIndex, tmp_path: Path) -> None:
    four_quarters(index)
    index.close()
    (tmp_path / FILE_NAME.format(1)).write_bytes(b"no database " * 1_000)
    assert index.open(NOON) == 0
    assert files(tmp_path) == []


def test_damage_that_a_lookup_finds_is_repaired_by_the_next_opening(
    index: KeyIndex, tmp_path: Path
) -> None:
    index.add([an_entry(number) for number in range(1, 1_001)], NOON)
    index.close()
    damage_pages(tmp_path / FILE_NAME.format(1))
    index.open(NOON)
    with pytest.raises(StoreError):
        index.find(key(500), NOON)
    with pytest.raises(StoreError, match="opened anew"):
        index.add([an_entry(1_001)], NOON)
    index.close()
    assert index.open(NOON) == 0
    assert index.find(key(500), NOON) is None


def damage_pages(path: Path) -> None:
    """Spoil the pages of the keys, which an opening does not read: B-tree pages of indexes
    (types 2 and 10) with more than one cell."""
    octets = bytearray(path.read_bytes())
    for start in range(4_096, len(octets), 4_096):
        if octets[start] in (2, 10) and int.from_bytes(octets[start + 3 : start + 5]) > 1:
            octets[start : start + 4_096] = b"\xee" * 4_096
    path.write_bytes(octets)


# A disk that fails


@pytest.fixture
def failing(tmp_path: Path, disk: FailingDisk) -> Iterator[KeyIndex]:
    index = KeyIndex(tmp_path, WINDOW_S, vfs=disk.name)
    index.open(NOON)
    index.add([an_entry(1)], NOON)
    yield index
    disk.heal()
    index.close()


def test_an_index_on_a_failed_disk_says_so_until_it_is_opened_anew(
    failing: KeyIndex, disk: FailingDisk
) -> None:
    disk.fail()
    with pytest.raises(StoreError):
        failing.add([an_entry(2)], NOON)
    disk.heal()
    with pytest.raises(StoreError):
        failing.add([an_entry(3)], NOON)
    failing.close()
    assert failing.open(NOON) == 1


def test_an_index_that_cannot_be_opened_lets_go_of_its_files(
    index: KeyIndex, tmp_path: Path
) -> None:
    index.add([an_entry(1)], NOON)
    index.close()
    (tmp_path / FILE_NAME.format(2)).mkdir()
    with pytest.raises(StoreError):
        index.open(NOON)
    (tmp_path / FILE_NAME.format(2)).rmdir()
    assert index.open(NOON) == 1


def test_the_file_before_is_on_the_disk_when_a_new_one_is_begun(
    failing: KeyIndex, disk: FailingDisk
) -> None:
    disk.fail("xSync")
    with pytest.raises(StoreError):
        failing.add([an_entry(2, NOON + QUARTER_S)], NOON)
    failing.close()
    disk.heal()
    assert failing.open(NOON) == 1
