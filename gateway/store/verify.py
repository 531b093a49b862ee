"""Is the store whole? Each file by itself, the files with the catalogue, and every message.

It only reads, and may run beside the daemon: what is committed meanwhile is seen or not, and is
never taken for damage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from gateway.errors import StoreError
from gateway.store.call_file import (
    CALLS_VERSION,
)
from gateway.store.content_check import ContentCheck
from gateway.store.onlooker import CALLS, CATALOGUE, Onlooker, StoreFile
from gateway.store.schema import SCHEMA_VERSION
from gateway.store.segment import SegmentState

# Of one kind of damage so many findings are told, and the others counted.
TOLD_MAX = 20
# SQLite's own check of a file ends after so many.
ERRORS_MAX = 20

SEGMENT_FILES = "segment-*.db"
CURSORS = "SELECT sink, segment, batch FROM cursor ORDER BY sink"
BAD_OPT_OUTS = """
SELECT id FROM opt_out
WHERE opted_out NOT IN (0, 1) OR at <= 0 OR '' IN (account_sid, sender, recipient)
"""

OnFinding = Callable[[str], None]
OnProgress = Callable[[int], None]


class Verification:
    """`octets` is how much there is to go through, of which `on_progress` tells parts.

    `content` counts what was checked, `findings` all that is wrong, whether told or not.
    """

    def __init__(
        self,
        directory: Path,
        on_finding: OnFinding,
        on_progress: OnProgress = lambda _octets: None,
        *,
        quick: bool = False,
    ) -> None:
        """
        Raises:
            StoreError: there is no catalogue that can be read.
        """
        self.findings: Counter[str] = Counter()
        self._onlooker = Onlooker(directory)
        self.content = ContentCheck(self._onlooker, self._found)
        self._on_finding = on_finding
        self._on_progress = on_progress
        self._check = "quick_check" if quick else "integrity_check"
        # Each file is gone through twice: by SQLite, then message by message.
        self.octets = 2 * sum(_octets(self._onlooker.path(file)) for file in self._onlooker.files)

    def run(self) -> None:
        """Look at everything, oldest first.

        Raises:
            StoreError: the catalogue cannot be read any more.
        """
        with self._onlooker:
            self._check_catalogue()
            for file in self._onlooker.files:
                self._check_file(file)
            for file in self._onlooker.files:
                octets = _octets(self._onlooker.path(file))
                self.content.check(file)
                self._on_progress(octets)
            self.content.finish()
            self._check_strangers()
            if self._onlooker.has_calls:
                self._check_database(CALLS, CALLS_VERSION)
        for what, count in self.findings.items():
            if count > TOLD_MAX:
                self._on_finding(f"{what}: {count - TOLD_MAX:,} more like these")

    def _found(self, where: str, what: str, detail: str = "") -> None:
        self.findings[what] += 1
        if self.findings[what] <= TOLD_MAX:
            self._on_finding(f"{where}: {what}" + (f": {detail}" if detail else ""))

    # The catalogue and the files

    def _check_catalogue(self) -> None:
        segments = self._onlooker.segments
        for before, segment in pairwise(segments):
            if segment.first_id < before.first_id:
                self._found(
                    CATALOGUE.name,
                    "lists segments whose ids overlap",
                    f"{before.number} begins at {before.first_id}, "
                    f"{segment.number} at {segment.first_id}",
                )
        live = [segment.number for segment in segments if segment.state is SegmentState.LIVE]
        if not segments or live != [segments[-1].number]:
            self._found(
                CATALOGUE.name,
                "must list its last segment as live, and no other",
                f"live are {', '.join(map(str, live)) or 'none'}",
            )
            return
        for sink, number, batch in self._onlooker.rows(CATALOGUE, CURSORS):
            ahead = number > segments[-1].number and self._onlooker.state_now(number) is None
            if number < 0 or batch < 0 or ahead:
                self._found(
                    CATALOGUE.name,
                    "has a cursor beyond the stream",
                    f"{sink} at segment {number}, batch {batch}",
                )
        for identity, *_ in self._onlooker.rows(CATALOGUE, BAD_OPT_OUTS):
            self._found(CATALOGUE.name, "has an opt-out that means nothing", f"row {identity}")

    def _check_file(self, file: StoreFile) -> None:
        """The file by itself; one that cannot be read is left out from here on."""
        path = self._onlooker.path(file)
        octets = _octets(path)
        if not path.exists():
            if not self._onlooker.is_gone(file):
                self._found(file.name, "is missing")
            self._onlooker.forget(file)
            return
        if self._check_database(file, SCHEMA_VERSION):
            self._on_progress(octets)

    def _check_database(self, file: StoreFile, schema: int) -> bool:
        """As SQLite sees it; False where it is of another schema."""
        try:
            ((version,),) = self._onlooker.rows(file, "PRAGMA user_version")
            if version != schema:
                self._found(file.name, "has another schema", f"{version}, not {schema}")
                self._onlooker.forget(file)
                return False
            for (text,) in self._onlooker.rows(file, f"PRAGMA {self._check}({ERRORS_MAX})"):
                if text != "ok":
                    self._found(file.name, "is damaged", text)
        except StoreError as error:
            self._found(file.name, "cannot be read", str(error))
            self._onlooker.forget(file)
        return True

    def _check_strangers(self) -> None:
        """Files that the catalogue does not know, or no longer. They are looked for last, for the
        daemon may be about to list one, or to remove it."""
        kept = {file.name for file in self._onlooker.files}
        last = max((segment.number for segment in self._onlooker.segments), default=0)
        for path in sorted(self._onlooker.directory.glob(SEGMENT_FILES)):
            if path.name in kept or not path.stem.removeprefix("segment-").isdecimal():
                continue
            number = int(path.stem.removeprefix("segment-"))
            state = self._onlooker.state_now(number)
            if state is SegmentState.DROPPED or (state is None and number <= last):
                if path.exists():
                    self._found(path.name, "was dropped and is still there", "a start removes it")
            elif state is None and self._onlooker.has_messages(path):
                self._found(path.name, "is not in the catalogue")


def _octets(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
