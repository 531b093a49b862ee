"""Old segments: they get a summary, and in time are dropped; what is not finished is carried over.

The work is a generator: it does what takes long itself, beside the thread that writes, and yields
the short writes, each to be made by that thread before it goes on. It may end after any of them,
and begins anew from what the files say.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from math import inf
from pathlib import Path

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.message import Direction
from gateway.store.limits import StoreLimits
from gateway.store.loose_ends import PAST_S
from gateway.store.read_connections import CATALOGUE, ReadConnections
from gateway.store.recovery import sources_of
from gateway.store.segment import Segment, SegmentState
from gateway.store.sqlite_file import PAGE_OCTETS
from gateway.store.store_files import StoreFiles
from gateway.store.unfinished import FINAL_STATUSES, Unfinished

log = logging.getLogger(__name__)

# How many messages one write carries over or deletes, so that no commit waits long for it.
CHUNK = 500
# To make room a segment is dropped early only if so many or fewer must be carried over.
EARLY_STRAGGLERS_MAX = 10_000
# What could not be done is tried again after so long.
RETRY_S = 60.0
# Carried messages that are finished are looked for so often, and while the files exceed bytes_max.
FORGET_S = 3_600.0
FORGET_FOR_ROOM_S = 60.0

_COPIES = f"SELECT id FROM job WHERE id >= :first AND id < :end ORDER BY id LIMIT {CHUNK}"
_FINISHED = f"""
SELECT id FROM job WHERE id > :after AND id < :end AND accepted_at < :before
    AND (direction = '{Direction.INBOUND}' OR EXISTS (
        SELECT 1 FROM transition
        WHERE message_id = job.id AND part = 0 AND status IN ({FINAL_STATUSES})
    ) OR EXISTS (SELECT 1 FROM released WHERE message_id = job.id))
    AND NOT EXISTS (SELECT 1 FROM transition WHERE message_id = job.id AND at >= :before)
    AND NOT EXISTS (
        SELECT 1 FROM transition t
        WHERE t.message_id = job.id AND listener > 0 AND NOT EXISTS (
            SELECT 1 FROM notified
            WHERE message_id = t.message_id AND number = t.number AND round = 0
        )
    )
    AND NOT EXISTS (
        SELECT 1 FROM replay r
        WHERE r.message_id = job.id AND NOT EXISTS (
            SELECT 1 FROM notified
            WHERE message_id = r.message_id AND number = r.number AND round = r.round
        )
    )
ORDER BY id LIMIT {CHUNK}
"""
_SPOKEN_OF = """
SELECT message_id FROM transition WHERE message_id IN (SELECT value FROM json_each(?1))
UNION SELECT message_id FROM replay WHERE message_id IN (SELECT value FROM json_each(?1))
"""

Chore = Callable[[], None]


class Upkeep:
    """`before_drop` gets the path of a segment that is about to be dropped; when it raises, the
    drop is put off. After a crash it may get the same segment again.
    """

    def __init__(
        self,
        files: StoreFiles,
        limits: StoreLimits,
        clock: Clock,
        before_drop: Callable[[Path], None] | None = None,
        vfs: str | None = None,
    ) -> None:
        self._files = files
        self._set = files.segment_set
        self._limits = limits
        self._clock = clock
        self._before_drop = before_drop
        self._vfs = vfs
        # What is in the files that are not live, when last looked at.
        self.octets_sealed = 0
        self._forget_at = 0.0
        self._retry_at: float | None = None

    def next_at(self) -> float:
        """When there is something to do, in Unix seconds."""
        if self._retry_at is not None:
            return self._retry_at
        files = self._files
        times = [self._forget_at]
        if files.roll_at is not None:
            times.append(files.roll_at)
        oldest, *later = files.segments.kept
        if self._set.dropped or any(each.state is SegmentState.SEALED for each in (oldest, *later)):
            times.append(0.0)
        if later:
            times.append(oldest.sealed_at + self._limits.retention_s)
        return min(times)

    def put_off(self) -> None:
        """Something could not be done: again after a while."""
        self._retry_at = self._clock.now() + RETRY_S

    def work(self) -> Generator[Chore, None, None]:
        """All that is to be done now. A segment that is in trouble keeps no other waiting, and is
        tried again after a while.

        Raises:
            StoreError: a file cannot be read.
        """
        files = self._files
        self._retry_at = None
        yield files.roll_if_due
        for segment in self._set.dropped:
            with self._by_itself(segment):
                yield from self._remove(segment)
        for segment in files.segments.kept:
            if segment.state is SegmentState.SEALED:
                with self._by_itself(segment):
                    self._set.summarise(self._set.find_unfinished(segment))
                    yield partial(self._set.mark_summarised, segment)
        with closing(ReadConnections(files.directory, self._vfs)) as connections:
            self._measure(connections)
            while due := self._due():
                dropped = False
                with self._by_itself(due):
                    dropped = yield from self._drop(due, connections)
                if not dropped:
                    self.put_off()
                    break
                self._measure(connections)
            if self._clock.now() >= self._forget_at:
                yield from self._forget_finished(connections)
                self._measure(connections)
                ((carried,),) = connections.rows(CATALOGUE, "SELECT EXISTS (SELECT 1 FROM job)")
                self._forget_at = self._clock.now() + self._forget_every_s if carried else inf

    @contextmanager
    def _by_itself(self, segment: Segment) -> Iterator[None]:
        """Trouble with a segment, but for that of a write, is logged and put off."""
        try:
            yield
        except StoreError as error:
            extra = {"segment": segment.number, "reason": str(error)}
            log.warning("store upkeep put off", extra=extra)
            self.put_off()

    def _due(self) -> Segment | None:
        """The segment that is to be dropped now."""
        oldest = self._files.segments.kept[0]
        if oldest.state is not SegmentState.SUMMARISED:
            return None
        if self._is_old(oldest):
            return oldest
        return oldest if self._lacks_room else None

    @property
    def _lacks_room(self) -> bool:
        limit = self._limits.bytes_max
        return bool(limit) and self.octets_sealed + self._files.live_octets > limit

    @property
    def _forget_every_s(self) -> float:
        return FORGET_FOR_ROOM_S if self._lacks_room else FORGET_S

    def _is_old(self, segment: Segment) -> bool:
        return self._clock.now() >= segment.sealed_at + self._limits.retention_s

    def _measure(self, connections: ReadConnections) -> None:
        numbers = [CATALOGUE, *(segment.number for segment in self._files.segments.kept[:-1])]
        pages = 0
        for number in numbers:
            # One that is damaged is trouble enough where it is needed.
            with suppress(StoreError):
                pages += connections.rows(number, "PRAGMA page_count")[0][0]
                pages -= connections.rows(number, "PRAGMA freelist_count")[0][0]
        self.octets_sealed = pages * PAGE_OCTETS

    def _drop(self, segment: Segment, connections: ReadConnections) -> Generator[Chore, None, bool]:
        """Carry over what is not finished, and drop the rest; False: not now."""
        files = self._files
        end_id = files.segments.ids(0)[1]
        sources = sources_of(connections, files.segments)
        files.replayed = set()
        try:
            yield from self._remove_copies(connections, segment.first_id, end_id)
            with closing(Unfinished(sources, segment.first_id, end_id, self._vfs)) as unfinished:
                unfinished.gather_open()
                unfinished.gather_owed()
                count = unfinished.gather_stragglers(self._set.catalogue.path)
                if not self._may_drop(segment, count):
                    return False
                for message_ids in unfinished.stragglers(CHUNK):
                    yield partial(self._set.carry, segment, message_ids)
            yield partial(files.drop, segment, end_id)
        finally:
            files.replayed = None
        self._forget_at = min(self._forget_at, self._clock.now() + self._forget_every_s)
        log.info("segment dropped", extra={"segment": segment.number, "carried": count})
        yield from self._remove(segment)
        return True

    def _remove_copies(
        self, connections: ReadConnections, first_id: int, end_id: int
    ) -> Generator[Chore, None, None]:
        """What a drop that was interrupted has carried stands in the segment still, and may have
        been erased there alone, or finished since."""
        asked = {"first": first_id, "end": end_id}
        while copies := [row[0] for row in connections.rows(CATALOGUE, _COPIES, asked)]:
            yield partial(self._set.catalogue.remove, copies)

    def _may_drop(self, segment: Segment, stragglers: int) -> bool:
        facts = {"segment": segment.number, "stragglers": stragglers}
        if stragglers > EARLY_STRAGGLERS_MAX and not self._is_old(segment):
            log.warning("store larger than bytes_max", extra=facts)
            return False
        if self._before_drop is not None:
            try:
                self._before_drop(self._set.path(segment.number))
            except Exception:
                log.exception("segment not archived", extra=facts)
                return False
        return True

    def _remove(self, segment: Segment) -> Generator[Chore, None, None]:
        self._set.remove(segment)
        yield partial(self._set.forget, segment)

    def _forget_finished(self, connections: ReadConnections) -> Generator[Chore, None, None]:
        """Delete carried messages that have been finished for long, by the catalogue's own word:
        the segment in which they were finished has been dropped since, and none has news of them.
        While room is lacking, not so long: they are older than all that segments are dropped for.
        """
        files, kept_s = self._files, self._limits.retention_s
        if self._lacks_room:
            kept_s = min(kept_s, PAST_S)
        asked = {
            "after": -1,
            "end": files.segments.first_id,
            "before": self._clock.now() - kept_s,
        }
        files.replayed = set()
        try:
            while ids := [row[0] for row in connections.rows(CATALOGUE, _FINISHED, asked)]:
                news = self._spoken_of(connections, ids)
                yield partial(files.remove_carried, [each for each in ids if each not in news])
                asked["after"] = ids[-1]
        finally:
            files.replayed = None

    def _spoken_of(self, connections: ReadConnections, message_ids: list[int]) -> set[int]:
        asked = (str(message_ids),)
        return {
            message_id
            for segment in self._files.segments.kept
            for (message_id,) in connections.rows(segment.number, _SPOKEN_OF, asked)
        }
