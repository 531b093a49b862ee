"""Whole files, through the same layer as SQLite's own: is one there, and away with it."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import apsw

from gateway.errors import StoreError

_names = count(1)


class FileLayer:
    """`vfs` names the SQLite file layer; None is the operating system's."""

    def __init__(self, vfs: str | None = None) -> None:
        self._layer = apsw.VFS(f"supernet-files-{next(_names)}", vfs or "")

    def exists(self, path: Path) -> bool:
        """An empty file counts as none."""
        return self._layer.xAccess(str(path), apsw.SQLITE_ACCESS_EXISTS)

    def remove(self, path: Path) -> None:
        """Remove a SQLite file with what belongs to it; durable when it returns. No error where
        there is none.

        Raises:
            StoreError: it may come back after a power cut.
        """
        try:
            for suffix in ("-wal", "-shm", "-journal"):
                self._remove(f"{path}{suffix}", flush=False)
            self._remove(str(path), flush=True)
        except (apsw.Error, OSError) as error:
            raise StoreError(f"{path} cannot be removed: {error}") from error

    def _remove(self, name: str, *, flush: bool) -> None:
        try:
            self._layer.xDelete(name, flush)
        except apsw.IOError as error:
            if getattr(error, "extendedresult", 0) != apsw.SQLITE_IOERR_DELETE_NOENT:
                raise

    def close(self) -> None:
        self._layer.unregister()
