"""A copy of the store, made while the daemon accepts: all that was accepted before it began.

The catalogue is copied first, then the segments that the copy lists. So no cursor and no list of
segments is ahead of what is copied after it, and what is newer in a segment does no harm. Each file
is SQLite's own online copy, of one moment. Sealed segments that an earlier backup in the same
directory has already are not copied again.

The calls are copied last, a file of their own, where there is one.

Files are kept under names that tell their content, and the manifest that names them is replaced in
one step: a backup that is cut short leaves the earlier one whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path

import apsw

from gateway.errors import StoreError
from gateway.store.data_directory import DataDirectory
from gateway.store.manifest import (
    FORMAT,
    BackedUpFile,
    Manifest,
    read_manifest,
    sha256_of,
    write_manifest,
)
from gateway.store.onlooker import CALLS, CATALOGUE, Onlooker, StoreFile, kept_files, read_segments
from gateway.store.schema import SCHEMA_VERSION
from gateway.store.segment import SegmentState
from gateway.store.sqlite_connection import connect_to_read

# Begun anew so often, where segments are dropped before they are copied.
ATTEMPTS_MAX = 5
# 16 MB between two signs of progress.
PAGES_AT_ONCE = 4_096

# What a backup leaves behind, and may remove.
OURS = re.compile(
    r"(store|calls|segment-\d{8})(-[0-9a-f]{16}\.db|\.db\.partial(-journal)?)\Z"
    r"|manifest\.json\.partial\Z"
)

OnProgress = Callable[[int], None]


class SegmentDropped(StoreError):
    """The store dropped a segment before it was copied."""


class Backup:
    """`octets` is how much there is to copy, of which `on_progress` tells parts. `kept` counts
    the files that an earlier backup had already."""

    def __init__(
        self, directory: Path, target: Path, on_progress: OnProgress = lambda _octets: None
    ) -> None:
        """
        Raises:
            StoreError: there is no store, or the target is one.
        """
        if (target / CATALOGUE.name).exists():
            raise StoreError(f"{target} is a store: a backup must go somewhere else")
        with Onlooker(directory) as onlooker:
            files = (*onlooker.files, CALLS) if onlooker.has_calls else onlooker.files
            self.octets = sum(_octets(onlooker.path(file)) for file in files)
        self.kept = 0
        self._directory = directory
        self._target = target
        self._on_progress = on_progress

    def run(self, now: float) -> Manifest:
        """Make the backup, in the place of an earlier one.

        Raises:
            StoreError: there is none, or still the earlier one.
        """
        claimed = DataDirectory.claim(self._target)
        try:
            known = read_manifest(self._target)
            try:
                manifest = Manifest(FORMAT, now, SCHEMA_VERSION, self._copy_all(known))
                claimed.sync()
                write_manifest(self._target, manifest)
            except BaseException:
                self._remove_all_but(known)
                raise
            self._remove_all_but(manifest)
            claimed.sync()
        except (apsw.Error, OSError) as error:
            raise StoreError(f"the backup in {self._target} has failed: {error}") from error
        finally:
            claimed.release()
        return manifest

    def _copy_all(self, known: Manifest | None) -> tuple[BackedUpFile, ...]:
        """
        Raises:
            SegmentDropped: again and again.
        """
        for _ in range(ATTEMPTS_MAX - 1):
            with suppress(SegmentDropped):
                return self._try_to_copy_all(known)
        return self._try_to_copy_all(known)

    def _try_to_copy_all(self, known: Manifest | None) -> tuple[BackedUpFile, ...]:
        self.kept = 0
        before = {file.name: file for file in known.files} if known else {}
        catalogue = self._copy(CATALOGUE)
        with closing(connect_to_read(self._target / catalogue.kept_as, None)) as connection:
            segments = list(kept_files(read_segments(connection)))
        copied = (catalogue, *(self._copy_or_keep(file, before) for file in segments))
        if not (self._directory / CALLS.name).exists():
            return copied
        return (*copied, self._copy(CALLS))

    def _copy_or_keep(self, file: StoreFile, before: Mapping[str, BackedUpFile]) -> BackedUpFile:
        source = self._directory / file.name
        if not source.exists():
            with Onlooker(self._directory) as onlooker:
                if onlooker.state_now(file.number) in (SegmentState.DROPPED, None):
                    raise SegmentDropped(f"{file.name} is no more")
            raise StoreError(f"{source} is missing: see `supernet store verify`")
        source_sha256 = ""
        if file.state is SegmentState.SUMMARISED and not _octets(Path(f"{source}-wal")):
            source_sha256 = sha256_of(source)
            earlier = before.get(file.name)
            if earlier and earlier.source_sha256 == source_sha256 and self._has(earlier):
                self.kept += 1
                self._on_progress(_octets(source))
                return earlier
        return self._copy(file, source_sha256)

    def _has(self, file: BackedUpFile) -> bool:
        path = self._target / file.kept_as
        return path.exists() and sha256_of(path) == file.sha256

    def _copy(self, file: StoreFile, source_sha256: str = "") -> BackedUpFile:
        partial = self._target / f"{file.name}.partial"
        partial.unlink(missing_ok=True)
        self._copy_pages(self._directory / file.name, partial)
        with closing(apsw.Connection(str(partial))) as copy:
            # So that it is all in one file, and may be read where nothing may be written.
            copy.pragma("journal_mode", "delete")
            copy.pragma("synchronous", "off")
            if file.number and file.state is not SegmentState.SUMMARISED:
                # By the catalogue as it was copied the segment is still to be summarised.
                copy.execute("DELETE FROM open_at_seal; DELETE FROM owed_at_seal")
            if (text := copy.pragma("quick_check")) != "ok":
                raise StoreError(f"{file.name} is damaged: {text}; see `supernet store verify`")
            messages = transitions = 0
            if file is not CALLS:
                messages = copy.execute("SELECT count(*) FROM job").get
                transitions = copy.execute("SELECT count(*) FROM transition").get
        with partial.open("rb") as flushed:
            os.fsync(flushed.fileno())
        sha256 = sha256_of(partial)
        kept_as = f"{Path(file.name).stem}-{sha256[:16]}.db"
        partial.rename(self._target / kept_as)
        return BackedUpFile(
            file.name,
            kept_as,
            _octets(self._target / kept_as),
            sha256,
            messages,
            transitions,
            file.state,
            source_sha256,
        )

    def _copy_pages(self, source: Path, target: Path) -> None:
        """As SQLite sees the file at one moment: what is written meanwhile would else make it
        begin the copy anew, and anew."""
        with (
            closing(connect_to_read(source, None)) as running,
            closing(apsw.Connection(str(target))) as copy,
        ):
            copy.pragma("journal_mode", "off")
            copy.pragma("synchronous", "off")
            running.execute("BEGIN")
            # The moment is that of the first read.
            running.execute("SELECT * FROM sqlite_schema").fetchall()
            page_octets = running.pragma("page_size")
            done = 0
            with copy.backup("main", running, "main") as backup:
                while not backup.done:
                    backup.step(PAGES_AT_ONCE)
                    before, done = done, backup.page_count - backup.remaining
                    self._on_progress((done - before) * page_octets)

    def _remove_all_but(self, manifest: Manifest | None) -> None:
        """Remove what belongs to no backup, or to one that has been replaced."""
        wanted = {file.kept_as for file in manifest.files} if manifest else set()
        for path in self._target.iterdir():
            if OURS.match(path.name) and path.name not in wanted:
                path.unlink()


def _octets(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
