"""An end of a call that is a socket of the test: it sends RTP and keeps what comes."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from tests.media.packets import packet

LOOPBACK = "127.0.0.1"
PACKET_S = 0.02


class RtpEnd:
    """Its port is even, and the next one, for RTCP, is its own too."""

    def __init__(self, payload: bytes, payload_type: int = 0, ssrc: int = 1) -> None:
        self.rtp, self.rtcp = bound_pair()
        self.port: int = self.rtp.getsockname()[1]
        self._payload = payload
        self._payload_type = payload_type
        self._ssrc = ssrc
        self._sequence = 0

    def send(self, port: int) -> None:
        self._sequence += 1
        octets = packet(
            self._sequence,
            payload=self._payload,
            payload_type=self._payload_type,
            ssrc=self._ssrc,
        )
        self.rtp.sendto(octets, (LOOPBACK, port))

    def received(self) -> list[bytes]:
        """Since it was asked last."""
        packets = []
        with contextlib.suppress(BlockingIOError):
            while True:
                packets.append(self.rtp.recv(2_048))
        return packets

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


async def talk(first: RtpEnd, to_first: int, second: RtpEnd, to_second: int, count: int) -> None:
    """Both send so many packets, first to the port `to_first` and second to `to_second`."""
    for _ in range(count):
        first.send(to_first)
        second.send(to_second)
        await asyncio.sleep(PACKET_S)


def bound_pair() -> tuple[socket.socket, socket.socket]:
    while True:
        rtp, rtcp = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for one in (rtp, rtcp):
            one.setblocking(False)
        rtp.bind((LOOPBACK, 0))
        port = rtp.getsockname()[1]
        if port % 2 == 0:
            with contextlib.suppress(OSError):
                rtcp.bind((LOOPBACK, port + 1))
                return rtp, rtcp
        rtp.close()
        rtcp.close()
