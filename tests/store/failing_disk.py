"""A SQLite file layer that fails when it is told to, below everything that is ours."""

from collections.abc import Callable
from itertools import count

import apsw

_numbers = count(1)


class FailingDisk(apsw.VFS):
    """Writes and flushes go through until `good_calls` of them have been made."""

    def __init__(self) -> None:
        self.name = f"failing-disk-{next(_numbers)}"
        self.good_calls: float = float("inf")
        self.calls = 0
        self.fails_on: frozenset[str] = frozenset({"xWrite", "xSync"})
        self.error: Callable[[str], apsw.Error] = apsw.IOError
        super().__init__(self.name, "")

    def fail(
        self,
        *calls: str,
        after: int = 0,
        error: Callable[[str], apsw.Error] = apsw.IOError,
    ) -> None:
        """Let `after` more calls pass, then fail these (all, when none is named)."""
        self.fails_on = frozenset(calls or {"xWrite", "xSync"})
        self.good_calls = self.calls + after
        self.error = error

    def heal(self) -> None:
        self.good_calls = float("inf")

    def called(self, call: str) -> None:
        if call in self.fails_on:
            if self.calls >= self.good_calls:
                raise self.error(f"{call} fails as asked")
            self.calls += 1

    def xOpen(  # noqa: N802 - SQLite's name
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        return FailingFile(name, flags, self)


class FailingFile(apsw.VFSFile):
    def __init__(
        self, name: str | apsw.URIFilename | None, flags: list[int], disk: FailingDisk
    ) -> None:
        super().__init__("", name, flags)
        self._disk = disk

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.called("xWrite")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.called("xSync")
        super().xSync(flags)
