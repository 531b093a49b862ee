"""Symmetric RTP that nobody can steal: which source is the end, and where its media is sent.

An end says in its description where it wants its media; behind a NAT it sends from elsewhere, and
hears only what comes back there. So the source of its packets is believed, but once:

    open    the signalled address sends: locked to it at once
            another source sends LOCK_PACKETS in a row, of one SSRC, and nobody else any: locked
    locked  all other sources are strays, until a new description opens the latch again, or the
            signalled address sends: once where the locked source has been silent for SILENCE_S,
            LOCK_PACKETS in a row where it has not. So who sends before the end does has its media
            until it is heard at the latest, and who forges that address leads media there alone
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from media.rtp import RtpHeader
from media.sdp import Address

LOCK_PACKETS = 3
SILENCE_S = 2.0

# As a socket gives it: for IPv6 with flow and scope behind host and port.
Source = tuple[str, int] | tuple[str, int, int, int]


class _Candidate(NamedTuple):
    source: Source
    ssrc: int
    sequence: int
    packets: int


class Latch:
    """`locked` is the source that is believed. Who has many packets compares it himself, and asks
    `admits` for those of others, and for the first after each description."""

    def __init__(self) -> None:
        self.locked: Source | None = None
        self._signalled: Address | None = None
        self._payload_types: Collection[int] = ()
        self._open = False
        self._candidate: _Candidate | None = None

    @property
    def target(self) -> Source | None:
        """Where the end is sent to: what is locked, or what was signalled, and nowhere else."""
        return self.locked or self._signalled

    def describe(self, signalled: Address | None, payload_types: Collection[int]) -> None:
        """A description was agreed: open again, and what was locked is believed until another
        source has earned it, unless the end has moved."""
        if self._signalled != signalled:
            self.locked = None
        self._signalled = signalled
        self._payload_types = payload_types
        self._open = True
        self._candidate = None

    def admits(self, source: Source, header: RtpHeader, silent_s: float) -> bool:
        """Whether a packet from that source is the end's: it is locked then, and the latch no
        longer open. `silent_s` is how long the locked source has been silent."""
        if source == self.locked:
            return self._lock(source)
        if header.payload_type not in self._payload_types:
            return False
        if source[:2] == self._signalled:
            if self._open or silent_s >= SILENCE_S:
                return self._lock(source)
        elif not self._open:
            return False
        last = self._candidate
        packets = 1
        if last is not None and last[:3] == (source, header.ssrc, (header.sequence - 1) & 0xFFFF):
            packets = last.packets + 1
        self._candidate = _Candidate(source, header.ssrc, header.sequence, packets)
        return packets >= LOCK_PACKETS and self._lock(source)

    def _lock(self, source: Source) -> bool:
        self.locked = source
        self._open = False
        self._candidate = None
        return True


# The one source of a transport that knows its end by itself.
KNOWN: Source = ("", 0)


class SureLatch(Latch):
    """Of a transport that hands up nothing but what its end has signed, and sends by itself to
    where that is (ICE and DTLS): the end is KNOWN, and nobody else."""

    @property
    def target(self) -> Source | None:
        return KNOWN

    def admits(self, source: Source, header: RtpHeader, silent_s: float) -> bool:
        self.locked = KNOWN
        return source == KNOWN
