"""Webhooks that wait in the store: known by key alone, 21 octets each, until their turn is near.

As an object, a webhook with its message takes more than a kilobyte. A host that is dead for hours
has its backlog here. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import NamedTuple

from gateway.store.interface import OwedKey

PACKED = Struct("<QIIIB")
ATTEMPTS_MAX = 255


class Position(NamedTuple):
    """What is owed, since when (Unix seconds), and how often it was attempted."""

    message_id: int
    number: int
    round: int
    since: int
    attempts: int

    @property
    def key(self) -> OwedKey:
        return OwedKey(self.message_id, self.number, self.round)


class OwedPositions:
    """FIFO, whose bound is its owner's. Taking from the front moves nothing; putting something
    back there moves all the rest, which is 10 ms for the 100 MB of five million.
    """

    __slots__ = ("_octets",)

    def __init__(self) -> None:
        self._octets = bytearray()

    def __len__(self) -> int:
        return len(self._octets) // PACKED.size

    def append(self, position: Position) -> None:
        self._octets += _pack(position)

    def put_back(self, positions: Iterable[Position]) -> None:
        """In front of all others, in this order."""
        self._octets[:0] = b"".join(map(_pack, positions))

    def take(self, count: int) -> list[Position]:
        """The first ones, as many as there are up to `count`."""
        end = count * PACKED.size
        taken = [Position(*fields) for fields in PACKED.iter_unpack(bytes(self._octets[:end]))]
        del self._octets[:end]
        return taken

    def take_older(self, since: float, count: int) -> list[Position]:
        """Those at the front that are owed since then or longer, up to `count`."""
        old = 0
        while old < min(count, len(self)) and self._since(old) <= since:
            old += 1
        return self.take(old)

    def _since(self, index: int) -> int:
        since: int = PACKED.unpack_from(self._octets, index * PACKED.size)[3]
        return since


def _pack(position: Position) -> bytes:
    message_id, number, round_, since, attempts = position
    return PACKED.pack(message_id, number, round_, since, min(attempts, ATTEMPTS_MAX))
