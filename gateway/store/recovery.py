"""What a start reads: the messages that are under way, and whom nobody has told.

Both come in the order of their keys, so that a segment that is dropped meanwhile is no trouble: it
goes on behind the last that was read, with what has been carried over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from gateway.errors import StoreError
from gateway.message import Status
from gateway.store.interface import (
    WHOLE,
    OptOut,
    Owed,
    OwedKey,
    SentMessage,
    SentPart,
    StoredMessage,
    StreamPosition,
    WaitingMessage,
)
from gateway.store.read_connections import CATALOGUE, ReadConnections, Row
from gateway.store.segment import Segments, SegmentState
from gateway.store.store_reader import StoreReader
from gateway.store.unfinished import UNTOUCHED, WAITING_DUE, Source, Unfinished

_OPT_OUTS = """
SELECT account_sid, sender, recipient, at, opted_out FROM opt_out
WHERE id IN (SELECT max(id) FROM opt_out GROUP BY account_sid, sender, recipient)
ORDER BY id
"""
_SENT = f"""
SELECT message_id, bind, carrier_id, at FROM transition
WHERE message_id IN (SELECT value FROM json_each(?)) AND part = 0 AND status = '{Status.SENT}'
"""
_SENT_PARTS = """
SELECT message_id, part, status, bind, carrier_id, at FROM transition
WHERE message_id IN (SELECT value FROM json_each(?)) AND part > 0
"""
_CURSORS = "SELECT sink, segment, batch FROM cursor"
_BEFORE_ALL = OwedKey(-1, 0)


class Recovery:
    """Of messages with ids up to `last_id`, those that were there when the store was opened.

    Every method raises StoreError when a file cannot be read.
    """

    def __init__(
        self,
        directory: Path,
        segments: Callable[[], Segments],
        last_id: int,
        vfs: str | None = None,
    ) -> None:
        self._directory = directory
        self._segments = segments
        self._end_id = last_id + 1
        self._vfs = vfs

    def load_open(self) -> Iterator[WaitingMessage | SentMessage | StoredMessage]:
        after = -1
        with closing(self._connections()) as connections:
            reader = StoreReader(connections, self._segments)
            while True:
                segments = self._segments()
                try:
                    with closing(self._unfinished(connections, segments, after + 1)) as unfinished:
                        unfinished.gather_open()
                        for page in unfinished.open_messages():
                            found = _under_way(reader, page)
                            after = page[-1][0]
                            yield from found
                    return
                except StoreError:
                    self._still(segments)

    def load_owed(self) -> Iterator[Owed]:
        after = _BEFORE_ALL
        with closing(self._connections()) as connections:
            reader = StoreReader(connections, self._segments)
            while True:
                segments = self._segments()
                try:
                    with closing(self._unfinished(connections, segments, 0)) as unfinished:
                        unfinished.gather_owed()
                        for keys in unfinished.owed_keys(after):
                            found = reader.ask(StoreReader.owed, keys)
                            after = keys[-1]
                            yield from found
                    return
                except StoreError:
                    self._still(segments)

    def load_opt_outs(self) -> Iterator[OptOut]:
        with closing(self._connections()) as connections:
            rows = connections.rows(CATALOGUE, _OPT_OUTS)
        for account_sid, sender, recipient, at, opted_out in rows:
            yield OptOut(account_sid, sender, recipient, at, bool(opted_out))

    def load_cursors(self) -> dict[str, StreamPosition]:
        with closing(self._connections()) as connections:
            rows = connections.rows(CATALOGUE, _CURSORS)
        return {sink: StreamPosition(segment, batch) for sink, segment, batch in rows}

    def _connections(self) -> ReadConnections:
        return ReadConnections(self._directory, self._vfs)

    def _unfinished(
        self, connections: ReadConnections, segments: Segments, first_id: int
    ) -> Unfinished:
        sources = [Source(connections.path(CATALOGUE), 0, segments.first_id, summarised=False)]
        sources += sources_of(connections, segments)
        return Unfinished(sources, first_id, self._end_id, self._vfs)

    def _still(self, segments: Segments) -> None:
        """Raise the error at hand, unless a segment was dropped since."""
        now = {segment.number for segment in self._segments().kept}
        if now.issuperset(segment.number for segment in segments.kept):
            raise


def sources_of(connections: ReadConnections, segments: Segments) -> list[Source]:
    """The segments, oldest first, as they are asked for what is unfinished."""
    return [
        Source(
            connections.path(segment.number),
            *segments.ids(place),
            segment.state is SegmentState.SUMMARISED,
        )
        for place, segment in enumerate(segments.kept)
    ]


def _under_way(
    reader: StoreReader, page: Sequence[Row]
) -> list[WaitingMessage | SentMessage | StoredMessage]:
    """A page of rows as what they mean; those that have been deleted meanwhile are left out."""
    touched = [row for row in page if row[1] != (WAITING_DUE if row[6] else UNTOUCHED)]
    found: dict[int, WaitingMessage | SentMessage | StoredMessage] = {}
    found.update(reader.ask(_sent_messages, touched))
    others = [row[0] for row in touched if row[0] not in found]
    found.update((each.message.id, each) for each in reader.ask(StoreReader.stored, others))
    for message_id, state, account_sid, sender, segments, expires_at, send_at in page:
        if state == (WAITING_DUE if send_at else UNTOUCHED):
            found[message_id] = WaitingMessage(
                message_id, account_sid, sender, segments, expires_at, send_at > 0
            )
    return [found[row[0]] for row in page if row[0] in found]


def _sent_messages(reader: StoreReader, page: Sequence[Row]) -> dict[int, SentMessage]:
    """Those that only wait for their receipts."""
    sent = {row[0]: row for row in reader.rows_about(_SENT, [row[0] for row in page])}
    parts = _parts(reader, [row[0] for row in page if row[4] > 1 and row[0] in sent])
    found: dict[int, SentMessage] = {}
    for message_id, _, account_sid, _, segments, _, _ in page:
        if message_id not in sent:
            continue
        if segments == 1:
            _, bind, carrier_id, at = sent[message_id]
            only = SentPart(1, bind, carrier_id, at)
            found[message_id] = SentMessage(message_id, account_sid, (only,))
        elif message_id not in parts:  # It was sent whole.
            _, bind, carrier_id, at = sent[message_id]
            whole = SentPart(WHOLE, bind, carrier_id, at)
            found[message_id] = SentMessage(message_id, account_sid, (whole,))
        elif len(of_it := parts[message_id]) == segments:
            found[message_id] = SentMessage(message_id, account_sid, tuple(of_it.values()))
    return found


def _parts(
    reader: StoreReader, message_ids: Sequence[int]
) -> defaultdict[int, dict[int, SentPart]]:
    """The parts of messages that were sent in parts; none where one has its receipt already."""
    parts: defaultdict[int, dict[int, SentPart]] = defaultdict(dict)
    settled: set[int] = set()
    rows = reader.rows_about(_SENT_PARTS, message_ids)
    for message_id, part, status, bind, carrier_id, at in rows:
        if status == Status.SENT:
            parts[message_id][part] = SentPart(part, bind, carrier_id, at)
        else:
            settled.add(message_id)
    for message_id in settled:
        parts[message_id].clear()  # And stays known to have some.
    return parts
