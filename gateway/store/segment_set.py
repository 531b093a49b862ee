"""The segments and their catalogue: which there are, what is written to those that are not live.

The order is such that a power cut may come anywhere: a file is there before the row that names it,
and a row gives its file up before that is unlinked.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from gateway.errors import StoreError
from gateway.store import schema
from gateway.store.catalogue import Catalogue
from gateway.store.data_directory import DataDirectory
from gateway.store.file_layer import FileLayer
from gateway.store.revision import Revision, message_id_of
from gateway.store.segment import Segment, Segments, SegmentState
from gateway.store.segment_file import SegmentFile

log = logging.getLogger(__name__)

_NAME = re.compile(r"segment-(\d{8})\.db\Z")


class SegmentSet:
    """`segments` and `dropped` are replaced whole, and may be read by any thread. `summarise` and
    what goes before it belong to the upkeep, everything else to the thread that writes.
    """

    def __init__(self, directory: DataDirectory, *, durable: bool, vfs: str | None) -> None:
        self.segments = Segments()
        self.dropped: tuple[Segment, ...] = ()
        self._directory = directory
        self._durable = durable
        self._vfs = vfs
        self._layer = FileLayer(vfs)
        path = directory.path / schema.CATALOGUE_NAME
        self.catalogue = Catalogue(path, durable=durable, vfs=vfs)
        # Held by who writes to a segment that is not live.
        self._sealed = Lock()
        self._retired: list[SegmentFile] = []

    def open(self, now: float) -> None:
        """Take up what the last run left, or begin.

        Raises:
            StoreError: a file is missing, or not one of ours.
        """
        self.catalogue.open()
        known = self.catalogue.segments()
        self._remove_strays(known)
        if not known:
            self.make(1).close()
            self.begin(1, self.catalogue.last_id() + 1, now)
        self._publish()
        for segment in self.segments.kept:
            path = self.path(segment.number)
            if not self._layer.exists(path):
                raise StoreError(
                    f"{path} is missing, and messages with it:"
                    " restore it, or see `supernet store verify`"
                )

    def close(self) -> None:
        """Let go of the files. Not an error after an error."""
        self.catalogue.close()
        with self._sealed:
            while self._retired:
                self._retired.pop().close()

    def release(self) -> None:
        """They are not opened again."""
        self._layer.close()

    def path(self, number: int) -> Path:
        return self._directory.path / schema.SEGMENT_NAME.format(number)

    def file(self, number: int) -> SegmentFile:
        """The file of a segment, not open yet."""
        return SegmentFile(self.path(number), durable=self._durable, vfs=self._vfs)

    # A segment is begun

    def make(self, number: int) -> SegmentFile:
        """A new segment file, complete and durable, that nobody knows of yet.

        Raises:
            StoreError: it could not be made.
        """
        self._layer.remove(self.path(number))
        file = self.file(number)
        file.open()
        try:
            self._directory.sync()
        except StoreError:
            file.close()
            raise
        return file

    def begin(self, number: int, first_id: int, now: float) -> None:
        """The segment of a file that was made is live, and the one before is sealed.

        Raises:
            StoreError: whether it is so is unknown; close the files.
        """
        self.catalogue.add_segment(Segment(number, first_id, now, 0.0, SegmentState.LIVE))
        self._publish()

    def retire(self, file: SegmentFile) -> None:
        """The file of a segment that was live. Closing it takes a while, and is left to the
        upkeep.
        """
        with self._sealed:
            self._retired.append(file)

    # What happens to those that are not live

    def revise(self, revisions: Sequence[Revision]) -> None:
        """Change what messages of these segments say, or forget that or that they were.

        Raises:
            StoreError: the outcome is unknown; close the files.
        """
        homes: dict[int, list[Revision]] = {}
        for each in revisions:
            home = self.segments.home(message_id_of(each))
            if home is not None:
                homes.setdefault(self.segments.kept[home].number, []).append(each)
        for number, group in homes.items():
            file = self.file(number)
            with self._sealed:
                file.open(alone=False)
                try:
                    file.revise(group)
                    file.checkpoint()
                finally:
                    file.close()
        # Also what a segment has: it may be about to be dropped, and partly carried over. The
        # segment goes first, for what it says counts as long as it is there.
        self.catalogue.revise(revisions)

    def find_unfinished(self, segment: Segment) -> SegmentFile:
        """Prepare the summary of a sealed segment. Takes long, and keeps nobody waiting.

        Raises:
            StoreError: it can be tried again.
        """
        file = self.file(segment.number)
        with self._sealed:
            while self._retired:
                self._retired.pop().close()
            file.open()
        try:
            file.find_unfinished()
        except StoreError:
            file.close()
            raise
        return file

    def summarise(self, file: SegmentFile) -> None:
        """Write down what `find_unfinished` has found.

        Raises:
            StoreError: it can be tried again.
        """
        with self._sealed:
            try:
                file.summarise()
            finally:
                file.close()

    def mark_summarised(self, segment: Segment) -> None:
        """The segment has its summary, and no WAL.

        Raises:
            StoreError: close the files.
        """
        self.catalogue.mark_summarised(segment.number)
        self._publish()

    def carry(self, segment: Segment, message_ids: Sequence[int], *, drop: bool = False) -> None:
        """Take over messages and what the segment says about them into the catalogue; `drop`:
        with these all is taken over that is needed, and the segment is no more.

        Raises:
            StoreError: close the files.
        """
        path = self.path(segment.number)
        self.catalogue.carry(message_ids, path, drop=segment.number if drop else 0)
        if drop:
            self._publish()

    def remove(self, segment: Segment) -> None:
        """Unlink the file of a dropped segment. Done a second time it is no error.

        Raises:
            StoreError: it may come back after a power cut.
        """
        self._layer.remove(self.path(segment.number))
        self._directory.sync()

    def forget(self, segment: Segment) -> None:
        """The file of a dropped segment is gone for good.

        Raises:
            StoreError: close the files.
        """
        self.catalogue.forget_segment(segment.number)
        self._publish()

    def _publish(self) -> None:
        """Show all threads which segments there are now."""
        found = self.catalogue.segments()
        self.dropped = tuple(each for each in found if each.state is SegmentState.DROPPED)
        self.segments = Segments(found)

    def _remove_strays(self, known: Sequence[Segment]) -> None:
        """Remove files that the catalogue does not know: what a power cut left of a segment that
        was to be begun, or brought back of one that was dropped.

        Raises:
            StoreError: one has something in it and was never dropped, so that it is the catalogue
                that is wrong.
        """
        last = known[-1].number if known else 0
        numbers = {segment.number for segment in known}
        found = {int(match[1]) for match in map(_NAME.match, self._directory.names()) if match}
        for number in sorted(found - numbers):
            path = self.path(number)
            if number > last and self._layer.exists(path) and self._has_content(number):
                raise StoreError(
                    f"{path} is not in {schema.CATALOGUE_NAME}: restore the two together,"
                    " or see `supernet store verify`"
                )
            log.warning("stray segment removed", extra={"segment": number})
            self._layer.remove(path)

    def _has_content(self, number: int) -> bool:
        file = self.file(number)
        try:
            file.open()
            return not file.is_empty()
        except StoreError:
            return False  # Not even its tables were made.
        finally:
            file.close()
