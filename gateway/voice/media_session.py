"""The media of one call, as the signalling sees it: descriptions in, descriptions out.

Each call is anchored: both sides send to us. The engine behind it may be our own relay or another.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from gateway.call import Quality


class Side(StrEnum):
    """Of a call: who called, and who is called."""

    CALLER = "caller"
    CALLED = "called"


class MediaRefused(Exception):
    """A description cannot be served; `status` is what its sender is answered (488, 500, 503)."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class MediaSession(Protocol):
    """Offers and answers pass through in the order of RFC 3264, either way, more than once."""

    def offer(self, side: Side, sdp: bytes) -> bytes:
        """`side` offers this; what the other side is to be offered.

        Raises:
            MediaRefused: not SDP, no audio, no room.
        """
        ...

    def answer(self, side: Side, sdp: bytes) -> bytes:
        """`side` answers the other's offer; what the other side is to be answered. More than one
        may come to an offer (forked early media): the last counts.

        Raises:
            MediaRefused: not an answer to it.
        """
        ...

    def flowing(self, side: Side) -> bool:
        """Whether media has come from that side."""
        ...

    def quality(self, side: Side) -> Quality:
        """How what came from that side was, so far."""
        ...

    def close(self) -> None:
        """Give its ports back; harmless when it is closed."""
        ...


# Told when neither side, or one that should, has sent anything for long: the call is dead. Told
# again after as long, from the first answer on, so in early media too, where an end may be silent.
OnSilence = Callable[[], None]


class MediaEngine(Protocol):
    def open(self, on_silence: OnSilence) -> MediaSession:
        """
        Raises:
            MediaRefused: 503, there is no room.
        """
        ...
