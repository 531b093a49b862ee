"""Transports of legs in memory."""

from __future__ import annotations

from media.latch import Source

Sent = list[tuple[str, bytes, Source]]


class SentBy:
    """What a leg sends, by the way that it went; `full` refuses it as a system does."""

    def __init__(self) -> None:
        self.sent: Sent = []
        self.full = False

    def send_rtp(self, packet: bytes, target: Source) -> None:
        self._send("rtp", packet, target)

    def send_rtcp(self, packet: bytes, target: Source) -> None:
        self._send("rtcp", packet, target)

    def send_muxed_rtcp(self, packet: bytes, target: Source) -> None:
        self._send("muxed", packet, target)

    def _send(self, way: str, packet: bytes, target: Source) -> None:
        if self.full:
            raise BlockingIOError
        self.sent.append((way, packet, target))


class Ignoring:
    """Costs nothing, for what is measured."""

    def send_rtp(self, packet: bytes, target: Source) -> None: ...

    send_rtcp = send_muxed_rtcp = send_rtp
