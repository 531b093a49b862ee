"""Two sockets of calls: bound once, and read by the loop until the relay is closed.

A readable socket is read once for each time that the loop says so. That costs what a
DatagramProtocol does under uvloop, far less under asyncio's own loop (which makes room for 256 KiB
a packet), and a call opens and closes without a wait.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from media.latch import Source
from media.packet_run import GAIN, HEAD, READ_OCTETS, ROOM, Run
from media.sdp import address_kind

Received = Callable[[bytes, Source, float], object]
# Whether a ciphered packet of so many octets is made plain where it stands.
Opened = Callable[[int], bool]


def dropped(packet: bytes, source: Source, now: float) -> None:
    """Of a call that is over."""


class SocketPair:
    """An even port for RTP and the next for RTCP (RFC 3550 §11). `rtp_received` and
    `rtcp_received` are who reads them now; nobody at first.

    Raises:
        OSError: somebody has one of the ports, or no socket is left.
    """

    def __init__(self, host: str, port: int, now: Callable[[], float]) -> None:
        self.port = port
        self.rtp_received: Received = dropped
        self.rtcp_received: Received = dropped
        self._loop = asyncio.get_running_loop()
        self._rtp = _bound(host, port)
        try:
            self._rtcp = _bound(host, port + 1)
        except OSError:
            self._rtp.close()
            raise
        self.send_rtp = self.send_muxed_rtcp = self._rtp.sendto
        self.send_rtcp = self._rtcp.sendto
        self._now = now
        self._connected: socket.socket | None = None
        self._run = Run()
        self._read(now)

    def connect(
        self, source: Source, run: Run, opened: Opened | None = None
    ) -> Callable[[bytes | memoryview], object] | None:
        """A socket beside that of RTP, at the same port, for this source alone: the kernel gives it
        what comes from there, and the other all else. That saves reading and writing an address
        with each packet, a quarter of what one costs. Packets of the `run` go straight through;
        where they are ciphered, `opened` makes them plain in their place. What sends by it is
        returned, None where the system has no more sockets."""
        self.disconnect()
        try:
            beside = socket.socket(self._rtp.family, socket.SOCK_DGRAM)
        except OSError:
            return None
        try:
            beside.setblocking(False)
            # Both must allow it, and neither does for longer than that: nobody else may come.
            for one in (self._rtp, beside):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            try:
                beside.bind(self._rtp.getsockname())
                beside.connect(source)
            finally:
                self._rtp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)
                beside.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)
        except OSError:
            beside.close()
            return None
        self._connected, self._run = beside, run
        self._read_connected(beside, source, run, opened)
        return beside.send

    def disconnect(self) -> None:
        """Harmless where it is not connected."""
        if self._connected is not None:
            self._loop.remove_reader(self._connected.fileno())
            self._connected.close()
            self._connected = None
            self._run.is_read = False
            self._run = Run()  # The pair is kept for the next call, and nothing of this one.

    def rest(self) -> None:
        """What still comes is dropped."""
        self.disconnect()
        self.rtp_received = self.rtcp_received = dropped

    def close(self) -> None:
        self.rest()
        for one in (self._rtp, self._rtcp):
            self._loop.remove_reader(one.fileno())
            one.close()

    def _read_connected(
        self, beside: socket.socket, source: Source, run: Run, opened: Opened | None
    ) -> None:
        receive, unpack, now = beside.recv_into, HEAD.unpack_from, self._now

        # In as few steps as can be, and none of them in a function of its own: the processor has
        # forgotten each of them since the packet before.

        def on_rtp() -> None:
            try:
                octets = receive(ROOM)
            except OSError:  # As below; here also when the end's port is closed.
                return
            first, ssrc = unpack(ROOM)
            at = now()
            if first != run.expected or octets != run.read_octets or ssrc != run.ssrc:
                self.rtp_received(ROOM[:octets].tobytes(), source, at)
                return
            if opened is not None and not opened(octets):
                return
            run.expected = first + run.step
            late_s = at - run.last_at - run.spacing_s
            run.last_at = at
            run.jitter_s += ((late_s if late_s > 0 else -late_s) - run.jitter_s) * GAIN
            try:
                run.send(run.packet)
            except OSError:
                run.on_unsent()

        # Before it was connected it was anybody's.
        try:
            while True:
                packet, early = beside.recvfrom(READ_OCTETS)
                self.rtp_received(packet, early, now())
        except OSError:
            pass
        if self._connected is beside:  # Whom they came to may have made another, or closed it.
            run.is_read = True
            self._loop.add_reader(beside.fileno(), on_rtp)

    def _read(self, now: Callable[[], float]) -> None:
        receive_rtp, receive_rtcp = self._rtp.recvfrom, self._rtcp.recvfrom

        def on_rtp() -> None:
            try:
                packet, source = receive_rtp(READ_OCTETS)
            except OSError:  # Nothing is there after all, or an ICMP error came back.
                return
            self.rtp_received(packet, source, now())

        def on_rtcp() -> None:
            try:
                packet, source = receive_rtcp(READ_OCTETS)
            except OSError:
                return
            self.rtcp_received(packet, source, now())

        self._loop.add_reader(self._rtp.fileno(), on_rtp)
        self._loop.add_reader(self._rtcp.fileno(), on_rtcp)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if address_kind(host) == "IP6" else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        opened.bind((host, port))
    except OSError:
        opened.close()
        raise
    return opened
