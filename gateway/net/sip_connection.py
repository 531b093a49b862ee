"""One connection that carries SIP, whatever frames its messages (RFC 3261 §18.1, RFC 7118).

It says who the peer is, bounds what waits to be written and how long nothing is said, and hands up
what comes. It decides nothing else.
"""

from __future__ import annotations

import asyncio
import socket
from abc import abstractmethod
from typing import Protocol, cast

from gateway.sip.framing import Framed
from gateway.sip.transaction import Destination

WRITE_BUFFER_MAX = 1 << 20
# For the first message, with a handshake before it; and for one that has begun.
MESSAGE_S = 15.0
# A session of the usual 1,800 s is refreshed after the half of it (RFC 4028 §10).
IDLE_S = 1_800.0
LINGER_S = 5.0
# A source that says too much is not read for so long.
PAUSE_S = 1.0
KEEP_ALIVE_IDLE_S, KEEP_ALIVE_INTERVAL_S, KEEP_ALIVE_PROBES = 60, 15, 4


class ConnectionOwner(Protocol):
    """Who is told. `admits` says whether so many messages of this host are within its rate."""

    def connection_opened(self, connection: SipConnection) -> bool: ...

    def admits(self, host: str, messages: int) -> bool: ...

    def connection_received(self, connection: SipConnection, items: list[Framed]) -> None: ...

    def connection_closed(self, connection: SipConnection, reason: str) -> None: ...


class SipConnection(asyncio.Protocol):
    """`destination` is where answers to this peer go; it names this connection by its number.
    `opened` says that we opened it."""

    def __init__(self, transport: str, number: int, owner: ConnectionOwner, opened: bool) -> None:
        self.number = number
        self.destination = Destination(transport, "", 0, number)
        self.opened = opened
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reason = "the peer closed it"
        self._registered = False
        self._closing: asyncio.TimerHandle | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._active_at = self._loop.time()
        # Since when the peer owes us the rest of a message, or its first.
        self._owed_since: float | None = None if opened else self._active_at

    # What the owner asks

    def send(self, octets: bytes) -> bool:
        """Whether it is on its way. A peer that reads too slowly is cut."""
        transport = self._transport
        if transport is None or self._closing is not None or transport.is_closing():
            return False
        if transport.get_write_buffer_size() + len(octets) > WRITE_BUFFER_MAX:
            self.abort("the peer does not read")
            return False
        self._active_at = self._loop.time()
        return self._write_message(transport, octets)

    def close(self, reason: str) -> None:
        """What is to be written still is, within LINGER_S."""
        if self._transport is None or self._closing is not None:
            return
        self._reason = reason
        self._say_goodbye(self._transport)
        self._transport.close()
        self._closing = self._loop.call_later(LINGER_S, self._transport.abort)

    def abort(self, reason: str) -> None:
        if self._transport is not None:
            self._reason = reason
            self._transport.abort()

    def look_after(self, now: float) -> None:
        """Close what has been silent for too long; to be called every few seconds."""
        if self._pause is not None:
            return
        if self._owed_since is not None and now - self._owed_since > MESSAGE_S:
            self.abort("no whole message came")
        elif now - self._active_at > IDLE_S:
            self.close("idle")

    # What frames messages

    @abstractmethod
    def _read(self, octets: bytes) -> list[Framed]: ...

    @property
    @abstractmethod
    def _within_message(self) -> bool: ...

    @property
    @abstractmethod
    def _broken(self) -> str | None:
        """Why nothing more can be read of this connection."""

    @abstractmethod
    def _write_message(self, transport: asyncio.Transport, octets: bytes) -> bool:
        """Whether the peer can still be told something."""

    def _say_goodbye(self, transport: asyncio.Transport) -> None:
        """What is written before we close."""

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER_MAX)
        address = transport.get_extra_info("peername") or ("", 0)
        host, port = str(address[0]), int(address[1])
        self.destination = Destination(self.destination.transport, host, port, self.number)
        connected = transport.get_extra_info("socket")
        if connected is not None:
            _keep_alive(connected)
        self._registered = self._owner.connection_opened(self)
        if not self._registered:
            self._transport.abort()

    def data_received(self, octets: bytes) -> None:
        if self._closing is not None or not self._registered:
            return
        self._active_at = self._loop.time()
        items = self._read(octets)
        if not self._within_message:
            self._owed_since = None
        elif items or self._owed_since is None:
            self._owed_since = self._active_at
        if items:
            self._owner.connection_received(self, items)
        if self._broken is not None:
            self.close(self._broken)
        elif not self._owner.admits(self.destination.host, max(1, len(items))):
            self._pause_reading()

    def connection_lost(self, cause: Exception | None) -> None:
        self._transport = None
        for timer in (self._closing, self._pause):
            if timer is not None:
                timer.cancel()
        if self._registered:
            self._owner.connection_closed(self, str(cause) if cause else self._reason)

    def _pause_reading(self) -> None:
        """The peer's own TCP holds it back."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
            self._pause = self._loop.call_later(PAUSE_S, self._resume_reading)

    def _resume_reading(self) -> None:
        self._pause = None
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()


def _keep_alive(connected: socket.socket) -> None:
    """A peer that is gone without a word is found out by the system; and Nagle's algorithm is
    off."""
    if connected.family not in (socket.AF_INET, socket.AF_INET6):
        return
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_ALIVE_IDLE_S)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEP_ALIVE_INTERVAL_S)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEP_ALIVE_PROBES)
