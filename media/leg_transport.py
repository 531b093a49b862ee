"""What a leg sends by. What comes, whoever reads it hands up to the leg as plain RTP and RTCP."""

from __future__ import annotations

from typing import Protocol

from media.latch import Source


class LegTransport(Protocol):
    """Each takes plain RTP or RTCP and the target that the leg's latch names, and raises OSError
    where it is not taken now. A transport that knows its end by itself (see `SureLatch`) needs no
    target."""

    def send_rtp(self, packet: bytes, target: Source, /) -> object: ...

    def send_rtcp(self, packet: bytes, target: Source, /) -> object:
        """To the end's port of RTCP."""
        ...

    def send_muxed_rtcp(self, packet: bytes, target: Source, /) -> object:
        """To the end's port of RTP (RFC 5761)."""
        ...
