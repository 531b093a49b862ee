"""The stream of events, read from the batches of the segments."""

from __future__ import annotations

from gateway.store.interface import StreamEvent, StreamPage, StreamPosition
from gateway.store.segment import ID_MAX
from gateway.store.segment_file import STREAM_KEY
from gateway.store.store_reader import StoreReader

# Batches that are read at once.
BATCHES_MAX = 256

BATCHES = f"""
SELECT batch, keys FROM stream WHERE batch >= ? AND batch < ? ORDER BY batch LIMIT {BATCHES_MAX}
"""
Key = tuple[int, int]


def stream_page(
    reader: StoreReader, position: StreamPosition, end: StreamPosition, limit: int
) -> StreamPage:
    """Events from a position on, up to `end`, where the commits that are known to be durable end.

    Raises:
        StoreError: a file cannot be read.
    """
    anywhere = position == StreamPosition()
    lost = False
    if reader.segments.find(position.segment) is None:
        position = StreamPosition(reader.segments.kept[0].number)
        lost = not anywhere
    keys, then = _keys(reader, position, end, limit)
    ids = list(dict.fromkeys(message_id for message_id, _ in keys))
    messages = reader.messages_by_id(ids)
    steps = reader.steps([message_id for message_id, number in keys if number])
    events: list[StreamEvent] = []
    for key in keys:
        message = messages.get(key[0])
        if message is None:
            # Deleted, or taken back after a failed commit; or it went with its segment.
            lost |= not anywhere and reader.segments.home(key[0]) is None
        elif not key[1]:
            events.append(StreamEvent(message))
        elif key in steps:
            events.append(StreamEvent(message, steps[key]))
    return StreamPage(tuple(events), then, lost)


def _keys(
    reader: StoreReader, position: StreamPosition, end: StreamPosition, limit: int
) -> tuple[list[Key], StreamPosition]:
    """The keys of the events, and the position after them."""
    keys: list[Key] = []
    then = position
    for segment in reader.segments.kept:
        if not position.segment <= segment.number <= end.segment:
            continue
        if segment.number != then.segment:
            then = StreamPosition(segment.number)
        before = end.batch if segment.number == end.segment else ID_MAX
        while rows := reader.rows(segment.number, BATCHES, (then.batch, before)):
            for batch, blob in rows:
                keys += STREAM_KEY.iter_unpack(blob)
                then = StreamPosition(segment.number, batch + 1)
                if len(keys) >= limit:
                    return keys, then
    return keys, then
