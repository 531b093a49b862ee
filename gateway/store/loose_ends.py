"""What a start must know of messages that may have ended: what carriers may still say of them.

A receipt under an id that nobody knows must not be taken for another message's. So a start learns
which copies carriers may have without having said so, and which ids they have used lately.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from gateway.message import FINAL, Status
from gateway.store.interface import AttemptOutcome, CarrierId, StoredMessage, Transition
from gateway.store.read_connections import CATALOGUE, ReadConnections, Row
from gateway.store.segment import Segments, SegmentState
from gateway.store.store_reader import StoreReader

# Of what ended so long before the last that was written, or earlier, no more is expected. A
# receipt that was stored and not answered comes again with the carrier's next try: once a bind is
# up, or after a time-out of seconds to a minute. One that says the same twice, or takes back what
# it said, follows the first within minutes too, and so do the receipts of one message's parts.
PAST_S = 600.0
PAST_IDS_MAX = 100_000
PAGE = 1_000

# Served by the index `attempt_in_doubt`.
_UNANSWERED = f"""
SELECT DISTINCT message_id FROM attempt
WHERE outcome > {AttemptOutcome.REFUSED} AND message_id > ? AND at >= ?
ORDER BY message_id LIMIT {PAGE}
"""
_LAST_AT = "SELECT max(at) FROM transition"
# Whether it has several parts is not said here where its job is in another file: then it may.
_SEVERAL = "coalesce((SELECT segments FROM job WHERE id = message_id), 2) > 1"
_FAILED = f"""
SELECT message_id FROM transition
WHERE at >= ? AND part = 0 AND status = '{Status.FAILED}' AND {_SEVERAL}
"""
_ENDED = f"""
SELECT at, message_id, part, status, bind, carrier_id, {_SEVERAL} FROM transition
WHERE at >= ? AND status IN ('{Status.DELIVERED}', '{Status.UNDELIVERED}', '{Status.FAILED}')
ORDER BY at DESC LIMIT ?
"""


class LooseEnds:
    """Every method raises StoreError when a file cannot be read."""

    def __init__(
        self, directory: Path, segments: Callable[[], Segments], vfs: str | None = None
    ) -> None:
        self._directory = directory
        self._segments = segments
        self._vfs = vfs

    def load_unanswered(self, since: float) -> Iterator[StoredMessage]:
        with closing(ReadConnections(self._directory, self._vfs)) as connections:
            reader = StoreReader(connections, self._segments)
            failed = reader.ask(_failed)
            after = -1
            while ids := reader.ask(_unanswered, after, since, failed):
                yield from reader.ask(StoreReader.stored, ids)
                after = ids[-1]

    def load_past_ids(self) -> Iterator[CarrierId]:
        with closing(ReadConnections(self._directory, self._vfs)) as connections:
            reader = StoreReader(connections, self._segments)
            ended = reader.ask(_ended)
            # The others have no id but the one that their end came with.
            with_more = [
                message_id
                for _, message_id, part, status, _, carrier_id, several in ended
                if not part and (several or (not carrier_id and status != Status.FAILED))
            ]
            for start in range(0, len(with_more), PAGE):
                ids = with_more[start : start + PAGE]
                yield from _given(list(reader.ask(StoreReader.steps, ids).values()))
            for _, _, _, _, bind, carrier_id, _ in ended:
                if carrier_id:
                    yield CarrierId(bind, carrier_id, settled=True)


def _unanswered(reader: StoreReader, after: int, since: float, failed: list[int]) -> list[int]:
    """The next page of ids, of those that `failed` too."""
    ids = {message_id for message_id in failed if message_id > after}
    for number in _files(reader, since):
        ids.update(row[0] for row in reader.rows(number, _UNANSWERED, (after, since)))
    return sorted(ids)[:PAGE]


def _failed(reader: StoreReader) -> list[int]:
    """Messages that failed within PAST_S of the last that was written, and not as a whole."""
    since = _last_at(reader) - PAST_S
    return [
        row[0] for file in _files(reader, since) for row in reader.rows(file, _FAILED, (since,))
    ]


def _ended(reader: StoreReader) -> list[Row]:
    """What ended within PAST_S of the last that was written, in this order."""
    since = _last_at(reader) - PAST_S
    rows: list[Row] = []
    for number in reversed(_files(reader, since)):
        # What stands in an earlier file ended earlier.
        rows += reader.rows(number, _ENDED, (since, PAST_IDS_MAX - len(rows)))
    rows.reverse()
    return rows


def _last_at(reader: StoreReader) -> float:
    for segment in reversed(reader.segments.kept):
        ((last_at,),) = reader.rows(segment.number, _LAST_AT)
        if last_at:
            return float(last_at)
    return 0.0


def _files(reader: StoreReader, since: float) -> list[int]:
    """Those that may have been written to since then, and what was carried over."""
    return [CATALOGUE] + [
        segment.number
        for segment in reader.segments.kept
        if segment.state is SegmentState.LIVE or segment.sealed_at >= since
    ]


def _given(steps: list[Transition]) -> Iterator[CarrierId]:
    """The ids that carriers gave to the parts of messages."""
    settled = {(step.message_id, step.carrier_id) for step in steps if step.status in FINAL}
    for step in steps:
        if step.status is Status.SENT and step.carrier_id:
            known = (step.message_id, step.carrier_id) in settled
            yield CarrierId(step.bind, step.carrier_id, known)
