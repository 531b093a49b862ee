"""The idempotency index catches up with the jobs from which it is derived, and outlives them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import apsw

from gateway.store.key_generation import KeyEntry
from gateway.store.key_index import FILE_PATTERN, KeyIndex
from gateway.store.read_connections import CATALOGUE, ReadConnections
from gateway.store.segment import Segments
from gateway.store.sqlite_connection import close, connect, reading, writing

PAGE = 1_000

_KEYS = f"""
SELECT substr(key, 1, 16), substr(key, 17), id, accepted_at FROM job
WHERE id > ? AND accepted_at > ? AND key IS NOT NULL ORDER BY id LIMIT {PAGE}
"""


def replay(
    index: KeyIndex,
    last_id: int,
    accepted_after: float,
    now: float,
    connections: ReadConnections,
    segments: Segments,
) -> None:
    """Add the keys of messages above `last_id`, which is the last that the index knows.

    Raises:
        StoreError: a file cannot be read, or the index not be written.
    """
    homes = [(CATALOGUE, segments.first_id)]
    homes += [(each.number, segments.ids(place)[1]) for place, each in enumerate(segments.kept)]
    with closing(connections):
        for number, end_id in homes:
            while last_id < end_id:
                rows = connections.rows(number, _KEYS, (last_id, accepted_after))
                if not rows:
                    break
                entries = [KeyEntry(*row) for row in rows]
                index.add(entries, now)
                last_id = entries[-1].message_id


def flush(directory: Path, vfs: str | None) -> None:
    """Put all that the index has onto stable storage: jobs are about to be dropped, from which it
    could not be derived again. Its older files have been flushed when they were left.

    Raises:
        StoreError: the outcome is unknown.
    """
    with reading(directory):
        files = [path for path in directory.iterdir() if FILE_PATTERN.match(path.name)]
    newest = max(files, default=None)
    if newest is None:
        return
    with writing(newest):
        connection = connect(newest, vfs, durable=True)
        try:
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_FULL)
        finally:
            close(connection)
