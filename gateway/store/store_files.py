"""All files of a store, for the thread that writes: the live segment, the others, the keys.

No threads and no policy: it says when a new segment is due, and does what it is told.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.message import Message
from gateway.store import key_replay
from gateway.store.data_directory import DataDirectory
from gateway.store.interface import (
    Accepted,
    Cursor,
    Deleted,
    OptOut,
    Record,
    Redacted,
    Replaced,
    Replay,
    SeenKey,
    StreamPosition,
)
from gateway.store.key_generation import KeyEntry
from gateway.store.key_index import KeyIndex
from gateway.store.limits import StoreLimits
from gateway.store.read_connections import ReadConnections
from gateway.store.revision import Revision, message_id_of
from gateway.store.segment import Segment, Segments
from gateway.store.segment_file import ByKind
from gateway.store.segment_set import SegmentSet
from gateway.store.sqlite_connection import RecordError

log = logging.getLogger(__name__)

# A segment that could not be begun is tried again after so long; the old one goes on meanwhile.
ROLL_RETRY_S = 60.0
REVISIONS = (Replaced, Redacted, Deleted)


class StoreFiles:
    """`segments`, `stream_end` and `last_id` may be read by any thread."""

    def __init__(
        self,
        directory: DataDirectory,
        limits: StoreLimits,
        clock: Clock,
        *,
        durable: bool = True,
        vfs: str | None = None,
    ) -> None:
        self.directory = directory.path
        self.segment_set = SegmentSet(directory, durable=durable, vfs=vfs)
        # Nothing of the stream from here on may be told yet.
        self.stream_end = StreamPosition()
        self.last_id = 0
        # Messages of which a replay was written since this was set.
        self.replayed: set[int] | None = None
        self._limits = limits
        self._clock = clock
        self._durable = durable
        self._vfs = vfs
        self._catalogue = self.segment_set.catalogue
        self._keys = KeyIndex(directory.path, limits.key_window_s, durable=durable, vfs=vfs)
        self._live = self.segment_set.file(0)
        self._live_is_empty = True
        self._roll_not_before = 0.0

    @property
    def segments(self) -> Segments:
        return self.segment_set.segments

    def open(self, doubtful: Sequence[Message] = ()) -> None:
        """Recover what the last run left, and be ready to write; take back `doubtful` messages,
        whose commit failed, where it reached the disk nonetheless.

        Raises:
            StoreError: a file is missing, damaged or not one of ours.
        """
        try:
            self.segment_set.open(self._clock.now())
            self._open_live(doubtful)
            self._open_keys(doubtful)
        except StoreError:
            self.close()
            raise

    def _open_live(self, doubtful: Sequence[Message]) -> None:
        segment = self.segments.live
        self._live = self.segment_set.file(segment.number)
        self._live.open()
        self._live.forget(doubtful)
        self._live_is_empty = self._live.is_empty()
        self.last_id = max(self.last_id, segment.first_id - 1, self._live.last_id())
        self.stream_end = StreamPosition(segment.number, self._live.stream_end())

    def _open_keys(self, doubtful: Sequence[Message]) -> None:
        now = self._clock.now()
        last_id = self._keys.open(now)
        self._keys.forget([message.id for message in doubtful])
        connections = ReadConnections(self.directory, self._vfs)
        after = now - self._limits.key_window_s
        key_replay.replay(self._keys, last_id, after, now, connections, self.segments)

    def close(self) -> None:
        """Let go of the files. Not an error after an error."""
        self._keys.close()
        self._live.close()
        self.segment_set.close()

    def release(self) -> None:
        """They are not opened again."""
        self.segment_set.release()

    def write(self, records: Sequence[Record]) -> None:
        """Commit the records; those of messages as one transaction.

        Raises:
            RecordError: one of them can never be written, and no message was.
            StoreError: the outcome is unknown; close the files.
        """
        kinds = _by_kind(records)
        accepted: list[Accepted] = kinds.get(Accepted, [])
        live = self.segments.live
        if accepted and min(each.message.id for each in accepted) < live.first_id:
            raise RecordError(f"a message is older than its segment, from {live.first_id} on")
        revisions: list[Revision] = []
        if not kinds.keys().isdisjoint(REVISIONS):  # Rarely: they stay in their order.
            revisions = [each for each in records if isinstance(each, REVISIONS)]
            kinds = {kind: group for kind, group in kinds.items() if kind not in REVISIONS}
        if OptOut in kinds or Cursor in kinds:
            self._catalogue.write(kinds)
            kinds.pop(OptOut, None)
            kinds.pop(Cursor, None)
        if older := [each for each in revisions if message_id_of(each) < live.first_id]:
            self.segment_set.revise(older)
            revisions = [each for each in revisions if message_id_of(each) >= live.first_id]
        if not kinds and not revisions:
            return  # Nothing for the live segment.
        batch = self._live.write(kinds, revisions, stream=self._limits.stream)
        self._live_is_empty = False
        if accepted:
            self.last_id = max(self.last_id, max(each.message.id for each in accepted))
            self._note_keys(accepted)
        if batch:
            self.stream_end = StreamPosition(live.number, batch + 1)
        if self.replayed is not None:
            self.replayed.update(each.message_id for each in kinds.get(Replay, ()))

    @property
    def checkpoint_due(self) -> bool:
        return self._live.checkpoint_due or self._catalogue.checkpoint_due

    def checkpoint(self) -> None:
        """Bring the WALs into the databases, as far as no reader still needs them.

        Raises:
            StoreError: close the files.
        """
        for file in (self._live, self._catalogue):
            if file.checkpoint_due:
                file.checkpoint()

    def find_key(self, key: bytes) -> SeenKey | None:
        """On the reader's thread."""
        return self._keys.find(key, self._clock.now())

    def _note_keys(self, accepted: Sequence[Accepted]) -> None:
        entries = [
            KeyEntry(each.key, each.fingerprint, each.message.id, each.message.accepted_at)
            for each in accepted
            if each.key
        ]
        if entries:
            self._keys.add(entries, self._clock.now())

    # Segments come and go

    @property
    def live_octets(self) -> int:
        """The size of the live segment, some commits ago."""
        return self._live.octets

    @property
    def roll_at(self) -> float | None:
        """When the live segment has had its time; None while nothing is in it."""
        if self._live_is_empty:
            return None
        return max(self.segments.live.created_at + self._limits.segment_s, self._roll_not_before)

    @property
    def roll_due(self) -> bool:
        if self._live_is_empty:
            return False
        now = self._clock.now()
        return now >= self._roll_not_before and (
            self._live.reaches(self._limits.segment_bytes)
            or now - self.segments.live.created_at >= self._limits.segment_s
        )

    def roll_if_due(self) -> None:
        """Begin a new segment, where it is time and one can be made.

        Raises:
            StoreError: whether it is live is unknown; close the files.
        """
        if not self.roll_due:
            return
        number = self.segments.live.number + 1
        now = self._clock.now()
        try:
            live = self.segment_set.make(number)
        except StoreError as error:
            log.warning("segment not begun", extra={"segment": number, "reason": str(error)})
            self._roll_not_before = now + ROLL_RETRY_S
            return
        self.segment_set.retire(self._live)
        self._live, self._live_is_empty = live, True
        self.segment_set.begin(number, self.last_id + 1, now)
        self.stream_end = StreamPosition(number, 1)
        log.info("segment begun", extra={"segment": number})

    def drop(self, segment: Segment, end_id: int) -> None:
        """The segment, which takes ids below `end_id`, is no more. What is unfinished in it has
        been carried, except the messages of which a replay has been asked for meanwhile.

        Raises:
            StoreError: close the files.
        """
        if self._durable:
            key_replay.flush(self.directory, self._vfs)
        late = [each for each in self.replayed or () if segment.first_id <= each < end_id]
        self.segment_set.carry(segment, late, drop=True)

    def remove_carried(self, message_ids: Sequence[int]) -> None:
        """Delete carried messages, except those of which a replay has been asked for meanwhile.

        Raises:
            StoreError: close the files.
        """
        replayed = self.replayed or ()
        self._catalogue.remove([each for each in message_ids if each not in replayed])


def _by_kind(records: Iterable[Record]) -> ByKind:
    kinds: ByKind = defaultdict(list)
    for record in records:
        kinds[type(record)].append(record)
    return kinds
