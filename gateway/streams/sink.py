"""What takes the events: a broker, a server, an archive."""

from __future__ import annotations

from typing import Protocol

from gateway.errors import GatewayError
from gateway.store.interface import StreamPage, StreamPosition


class SinkFailed(GatewayError):
    """The sink has not taken a page; of its events, the first `taken` it has. Tell it again."""

    def __init__(self, reason: str, taken: int = 0) -> None:
        super().__init__(reason)
        self.taken = taken


class SinkForgot(GatewayError):
    """What the sink had taken and not made safe is gone: tell it again from where it is safe."""


class Sink(Protocol):
    """It is told pages in the order of the commits, and the next one only once it took the last.

    `name` is that of its cursor, and so is never changed. `failures` counts what went wrong
    between the pages, such as a connection that was not had.
    """

    name: str
    failures: int

    async def take(self, page: StreamPage) -> StreamPosition | None:
        """Take a page; up to where everything is safe now, or None where that is as before.

        It may wait as long as the sink is away. Pages without events come as well, at least each
        second, so that a sink can see to what time asks of it.

        Raises:
            SinkFailed: it is to be told the rest of the page again.
            SinkForgot: it is to be told everything again that was not safe.
            StoreError: what it had to read could not be read.
        """
        ...

    async def close(self) -> StreamPosition | None:
        """Make safe what has been taken; up to where everything is."""
        ...
