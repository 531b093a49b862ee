"""SIP over UDP (RFC 3261 §18): datagrams in batches, and who could not be reached (§18.4).

The socket is read by the loop's `add_reader` and not by a datagram transport: a wake-up takes all
that has come, and the kernel's queue of ICMP errors names the peer that each is about. A transport
is told the errno alone, and by whatever call comes next.

What comes after a silence is heard at once; then the socket rests for REST_S, and what comes
meanwhile is heard together. The half of what a message costs alone is to find code and data gone
from the processor's caches, and those that come together have that in common.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import sys
from collections.abc import Callable
from ipaddress import ip_address

DATAGRAM_MAX = 65_535
BATCH_MAX = 64
# A fiftieth of the time after which a peer would ask again (T1).
REST_S = 0.01
# What comes while the loop is busy waits in the kernel.
RECEIVE_BUFFER_OCTETS = 4 << 20

Datagram = tuple[bytes, str, int]

# linux/in.h, linux/in6.h: Python has no names for them.
_IP_RECVERR, _IPV6_RECVERR = 11, 25
# §18.4: the host, the network, the port or the protocol is unreachable.
_UNREACHABLE = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENOPROTOOPT)
_EXTENDED_ERROR = struct.Struct("=IBBBB")


def bound_socket(family: int, address: tuple[str, int]) -> socket.socket:
    """Raises OSError."""
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_OCTETS)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if sys.platform == "linux":
            is_ipv6 = family == socket.AF_INET6
            level = socket.IPPROTO_IPV6 if is_ipv6 else socket.IPPROTO_IP
            made.setsockopt(level, _IPV6_RECVERR if is_ipv6 else _IP_RECVERR, 1)
        made.bind(address)
    except BaseException:
        made.close()
        raise
    return made


class SipUdp:
    """`on_datagrams` takes what one wake-up has brought; `on_unreachable` the host and port of a
    peer that an ICMP message is about."""

    def __init__(
        self,
        bound: socket.socket,
        on_datagrams: Callable[[list[Datagram]], None],
        on_unreachable: Callable[[str, int], None],
    ) -> None:
        self.port: int = bound.getsockname()[1]
        self.unsent = 0
        self._socket = bound
        self._on_datagrams = on_datagrams
        self._on_unreachable = on_unreachable
        self._loop = asyncio.get_running_loop()
        self._error_waits = False
        self._rest: asyncio.TimerHandle | None = None
        self._loop.add_reader(bound.fileno(), self._on_readable)

    def send(self, octets: bytes, host: str, port: int) -> None:
        """Raises OSError: the system will not send it. Where the kernel has no room it is lost, as
        any datagram may be."""
        try:
            self._send(octets, (host, port))
        except ConnectionError:
            # Of another datagram, whose ICMP error the socket has kept for the next call.
            self._error_waits = True
            self._send(octets, (host, port))

    def close(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _send(self, octets: bytes, address: tuple[str, int]) -> None:
        try:
            self._socket.sendto(octets, address)
        except (BlockingIOError, InterruptedError):
            self.unsent += 1

    def _on_readable(self) -> None:
        """After a silence, or after a rest."""
        datagrams: list[Datagram] = []
        receive = self._socket.recvfrom
        for _ in range(BATCH_MAX):
            try:
                octets, address = receive(DATAGRAM_MAX)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                self._error_waits = True
                continue
            datagrams.append((octets, address[0], address[1]))
        if datagrams:
            if self._rest is None:
                self._loop.remove_reader(self._socket.fileno())
            rest_s = REST_S if len(datagrams) < BATCH_MAX else 0.0
            self._rest = self._loop.call_later(rest_s, self._on_readable)
            self._on_datagrams(datagrams)
        elif self._rest is not None:
            self._rest = None
            self._loop.add_reader(self._socket.fileno(), self._on_readable)
        if (self._error_waits or not datagrams) and self._socket.fileno() >= 0:
            self._error_waits = False
            self._read_errors()

    def _read_errors(self) -> None:
        """libuv hears no more of a descriptor that has had an error: it is told anew."""
        for _ in range(BATCH_MAX):
            try:
                _, ancillary, _, address = self._socket.recvmsg(1, 512, socket.MSG_ERRQUEUE)
            except OSError:
                break
            for _, _, data in ancillary:
                number = _EXTENDED_ERROR.unpack_from(data)[0]
                if number in _UNREACHABLE and _is_address(address):
                    self._on_unreachable(address[0], address[1])
        if self._rest is None and self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._loop.add_reader(self._socket.fileno(), self._on_readable)


def _is_address(address: object) -> bool:
    if not isinstance(address, tuple) or len(address) < 2:
        return False
    try:
        ip_address(address[0])
    except ValueError:
        return False
    return True
