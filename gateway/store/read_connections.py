"""Connections for reading: the catalogue's, and those of the segments that were read last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container
from pathlib import Path
from typing import Any

import apsw

from gateway.store import schema
from gateway.store.sqlite_connection import close, connect_to_read, reading

CONNECTIONS_MAX = 16
CATALOGUE = 0

Row = tuple[Any, ...]


class ReadConnections:
    """They belong to one thread at a time. A file is named by the number of its segment, or
    CATALOGUE.
    """

    def __init__(self, directory: Path, vfs: str | None = None) -> None:
        self._directory = directory
        self._vfs = vfs
        self._connections: OrderedDict[int, apsw.Connection] = OrderedDict()

    def rows(self, number: int, sql: str, bindings: Any = ()) -> list[Row]:
        """All rows of an answer.

        Raises:
            StoreError: the file cannot be read.
        """
        path = self.path(number)
        with reading(path):
            connection = self._connections.get(number)
            if connection is None:
                connection = self._connect(number, path)
            self._connections.move_to_end(number)
            try:
                return connection.execute(sql, bindings).fetchall()
            except apsw.Error:
                close(self._connections.pop(number))
                raise

    def path(self, number: int) -> Path:
        if number == CATALOGUE:
            return self._directory / schema.CATALOGUE_NAME
        return self._directory / schema.SEGMENT_NAME.format(number)

    def keep_only(self, numbers: Container[int]) -> None:
        """Let go of the segments that are no more, so that the disk has their space."""
        for number in list(self._connections):
            if number != CATALOGUE and number not in numbers:
                close(self._connections.pop(number))

    def close(self) -> None:
        self.keep_only(())
        close(self._connections.pop(CATALOGUE, None))

    def _connect(self, number: int, path: Path) -> apsw.Connection:
        connection = self._connections[number] = connect_to_read(path, self._vfs)
        if len(self._connections) > CONNECTIONS_MAX:
            close(self._connections.popitem(last=False)[1])
        return connection
