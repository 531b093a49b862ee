"""What legs ask of who makes one codec of another, beside the loop or at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from media.codecs import Codec, Codecs

Deliver = Callable[[bytes, float], None]
Take = Callable[[bytes, float], None]


class Transcoding(Protocol):
    def path(self, codec: Codec, taken: Codecs, deliver: Deliver) -> Take | None:
        """Who takes the packets of a codec that the other end has not, and delivers, now or later,
        one of its own for each: with the same number and SSRC, and the time in its own clock."""
        ...
