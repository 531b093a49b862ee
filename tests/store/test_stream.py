"""The stream of events, from batch to batch and from segment to segment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import StoreError
from gateway.message import Status
from gateway.store.interface import Deleted, StreamEvent, StreamPage, StreamPosition
from gateway.store.stream_reader import stream_page
from tests.store.builders import (
    a_message,
    accepted,
    attempted,
    became,
    delivered,
    finished,
    notified,
    sent,
)
from tests.store.failing_disk import FailingDisk
from tests.store.open_store import OpenStore

START = StreamPosition()


@pytest.fixture
def store(tmp_path: Path, disk: FailingDisk) -> Iterator[OpenStore]:
    store = OpenStore(tmp_path, disk.name, stream=True)
    yield store
    disk.heal()
    store.close()


def page(store: OpenStore, position: StreamPosition = START, limit: int = 1_000) -> StreamPage:
    return store.ask(stream_page, position, store.files.stream_end, limit)


def told(page: StreamPage) -> list[tuple[int, int]]:
    """Message id and transition number of each event."""
    return [
        (event.message.id, event.transition.number if event.transition else 0)
        for event in page.events
    ]


def test_events_come_in_the_order_of_their_commits(store: OpenStore) -> None:
    store.write(accepted(1), accepted(2))
    store.write(sent(2))
    store.write(sent(1))
    assert page(store) == StreamPage(
        (
            StreamEvent(a_message(1)),
            StreamEvent(a_message(2)),
            StreamEvent(a_message(2), sent(2)),
            StreamEvent(a_message(1), sent(1)),
        ),
        StreamPosition(1, 4),
    )


def test_what_becomes_of_parts_is_no_event(store: OpenStore) -> None:
    store.write(accepted(1), became(1, 1, Status.SENT, part=1), attempted(), notified())
    assert told(page(store)) == [(1, 0)]


def test_a_commit_without_events_is_no_batch(store: OpenStore) -> None:
    store.write(attempted())
    assert page(store) == StreamPage((), StreamPosition(1, 0))


def test_a_page_has_whole_batches(store: OpenStore) -> None:
    store.write(accepted(1), accepted(2), accepted(3))
    store.write(sent(1))
    first = page(store, limit=2)
    assert told(first) == [(1, 0), (2, 0), (3, 0)]
    assert told(page(store, first.then)) == [(1, 1)]


def test_a_reader_that_has_everything_gets_nothing_and_stays(store: OpenStore) -> None:
    store.write(accepted(1))
    then = page(store).then
    assert page(store, then) == StreamPage((), then)


def test_the_stream_goes_on_in_the_next_segment(store: OpenStore) -> None:
    store.write(accepted(1))
    store.summarise()
    store.write(sent(1))
    first = page(store, limit=1)
    assert told(first) == [(1, 0)]
    assert told(page(store, first.then)) == [(1, 1)]


def test_a_reader_leaves_a_segment_that_it_has_read(store: OpenStore) -> None:
    store.write(accepted(1))
    then = page(store).then
    store.summarise()
    assert page(store, then).then == StreamPosition(2, 0)


def test_a_reader_whose_segment_was_dropped_has_lost_events(store: OpenStore) -> None:
    store.write(*finished(1))
    store.summarise()
    store.write(accepted(2))
    store.now += 3_600.0
    store.keep_up()
    assert store.numbers == [2, 3]
    found = page(store, StreamPosition(1, 1))
    assert told(found) == [(2, 0)]
    assert found.lost


def test_a_reader_that_is_new_has_lost_nothing(store: OpenStore) -> None:
    store.write(*finished(1), accepted(2), sent(2))
    store.drop_all()
    store.write(delivered(2))
    assert told(page(store)) == [(2, 2)]
    assert not page(store).lost


def test_an_event_of_a_message_that_went_with_its_segment_is_lost(store: OpenStore) -> None:
    store.write(accepted(1), sent(1), notified(1))
    store.summarise()
    then = page(store).then
    store.write(delivered(1), notified(1, 2), accepted(2))
    store.now += 3_600.0
    store.keep_up()
    assert store.numbers == [2, 3]
    found = page(store, then)
    assert told(found) == [(2, 0)]
    assert found.lost


def test_a_deleted_message_has_no_events(store: OpenStore) -> None:
    store.write(accepted(1), sent(1), accepted(2), Deleted(1))
    found = page(store, StreamPosition(1, 1))
    assert told(found) == [(2, 0)]
    assert not found.lost


def test_a_position_of_another_store_is_lost(store: OpenStore) -> None:
    store.write(accepted(1))
    found = page(store, StreamPosition(9, 9))
    assert told(found) == [(1, 0)]
    assert found.lost


def test_what_was_not_known_to_be_durable_is_not_told(store: OpenStore, disk: FailingDisk) -> None:
    store.write(accepted(1))
    disk.fail("xSync")
    with pytest.raises(StoreError):
        store.write(accepted(2), sent(1))
    store.files.close()
    disk.heal()
    store.connections.close()
    assert told(page(store)) == [(1, 0)]
    store.connections.close()
    store.files.open([a_message(2)])
    assert told(page(store)) == [(1, 0), (1, 1)]


def test_nothing_is_kept_for_a_stream_that_nobody_reads(tmp_path: Path) -> None:
    store = OpenStore(tmp_path)
    store.write(accepted(1))
    assert page(store).events == ()
    store.close()


def test_the_stream_goes_on_after_a_restart(store: OpenStore) -> None:
    store.write(accepted(1))
    then = page(store).then
    store.files.close()
    store.files.open()
    store.write(sent(1))
    assert told(page(store, then)) == [(1, 1)]
