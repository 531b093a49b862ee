"""Drives one SMPP session over one connection: read, feed, hand up, write, re-arm.

Nagle's algorithm is off, and what the session has to send is written once per turn of the loop,
so that twenty answers of one group commit leave in one segment and none waits for an ACK.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import cast

from gateway.clock import Clock
from gateway.net.alarm import Alarm
from gateway.net.proxied_protocol import ProxiedProtocol
from gateway.net.tls import PeerCertificate, peer_certificate
from gateway.smpp.events import Closed, Event
from gateway.smpp.pdus import Pdu
from gateway.smpp.session import RECEIVE_WINDOW, Session, Timers
from gateway.smpp.states import Role

log = logging.getLogger(__name__)

WRITE_BUFFER_MAX = 1 << 20
# How long a session that is over waits for the peer to read the last of it.
LINGER_S = 5.0


class SmppConnection(ProxiedProtocol):
    """A connection and its session. `peer` is the client's address, also behind a proxy, and
    `certificate` what it has shown, if it had to.

    `on_event` is called for each event in order. `receive_window` bounds how many requests of the
    peer's may await our answer: at the bound nothing more is read until half of them are answered,
    so that the peer's own TCP holds it back.
    """

    def __init__(
        self,
        role: Role,
        clock: Clock,
        timers: Timers,
        on_event: Callable[[SmppConnection, Event], None],
        window: int = 10,
        receive_window: int = RECEIVE_WINDOW,
        on_open: Callable[[SmppConnection], None] | None = None,
        last_sequence_number: int = 0,
    ) -> None:
        self.peer = ""
        self.certificate: PeerCertificate | None = None
        self._role = role
        self._clock = clock
        self._timers = timers
        self._window = window
        self._receive_window = receive_window
        self._last_sequence_number = last_sequence_number
        self._on_event = on_event
        self._on_open = on_open
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._alarm = Alarm(clock, self._on_timer)
        self._lingers: asyncio.TimerHandle | None = None
        self._flush_wanted = False
        self._writable = True
        self._reading = True
        self._leaving = False
        self.session: Session

    # What the owner asks

    @property
    def sendable(self) -> int:
        """How many requests the window and the peer's reading allow now."""
        return self.session.window_free if self._writable else 0

    def request(self, pdu: Pdu, now: float | None = None) -> int:
        """See `Session.request`; `now` is for who has just looked."""
        sequence_number = self.session.request(pdu, self._clock.now() if now is None else now)
        if not self._flush_wanted:
            self._want_flush()
        return sequence_number

    def respond(
        self, sequence_number: int, pdu: Pdu | None = None, command_status: int = 0
    ) -> None:
        """See `Session.respond`."""
        self.session.respond(sequence_number, pdu, command_status)
        if not self._flush_wanted:
            self._want_flush()

    def unbind(self) -> None:
        """See `Session.unbind`."""
        self.session.unbind(self._clock.now())
        self._want_flush()

    def close(self, reason: str) -> None:
        """End the session and the connection; what is already to be sent is still sent."""
        self.session.close(reason)
        self._want_flush()

    def abort(self, reason: str) -> None:
        """End the session and cut the connection."""
        self.session.close(reason)
        if self._transport:
            self._transport.abort()
        self._want_flush()

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER_MAX)
        connected = transport.get_extra_info("socket")
        if connected is not None and connected.family in (socket.AF_INET, socket.AF_INET6):
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peername = transport.get_extra_info("peername")
        own = peername[0] if isinstance(peername, tuple) else str(peername or "")
        self.peer = self.proxied_for or own
        self.certificate = peer_certificate(transport.get_extra_info("peercert"))
        self.session = Session(
            self._role,
            self._clock.now(),
            self._timers,
            self._window,
            self._receive_window,
            self._last_sequence_number,
        )
        if self._on_open:
            self._on_open(self)
        self._want_flush()

    def data_received(self, octets: bytes) -> None:
        self.session.receive_data(octets, self._clock.now())
        self._hand_up()
        if self.session.holding:
            self._set_reading(False)
        self._want_flush()

    def eof_received(self) -> bool:
        self._end()
        self._want_flush()
        return False

    def connection_lost(self, cause: Exception | None) -> None:
        self._transport = None
        self._end()

    def pause_writing(self) -> None:
        self._writable = False
        self._set_reading(False)

    def resume_writing(self) -> None:
        self._writable = True
        self._want_flush()

    # The dull part

    def _end(self) -> None:
        self.session.receive_eof(self._clock.now())
        self._hand_up()
        self._alarm.cancel()
        if self._lingers:
            self._lingers.cancel()

    def _hand_up(self) -> None:
        on_event = self._on_event
        for event in self.session.events():
            try:
                on_event(self, event)
            except Exception:
                log.exception("session ended by a fault of ours", extra={"peer": self.peer})
                self.session.close("internal error")
                if not isinstance(event, Closed):
                    self._hand_up()
                return

    def _want_flush(self) -> None:
        if not self._flush_wanted:
            self._flush_wanted = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_wanted = False
        octets = self.session.data_to_send()
        self._hand_up()
        if self._transport is None:
            return
        if octets:
            self._transport.write(octets)
        if self.session.closed:
            self._leave(self._transport)
            return
        if not self._reading and self._writable and not self.session.holding:
            self._resume()
        # Traffic moves the deadline away, so an alarm that rings early is set anew.
        self._alarm.set(self.session.next_timer())

    def _resume(self) -> None:
        """Read again, what was held first."""
        self._set_reading(True)
        self.data_received(b"")

    def _leave(self, transport: asyncio.Transport) -> None:
        """Close, and cut a peer that does not read: else its socket would stay open for ever."""
        if not self._leaving:
            self._leaving = True
            transport.close()
            self._alarm.cancel()
            self._lingers = self._loop.call_later(LINGER_S, transport.abort)

    def _set_reading(self, reading: bool) -> None:
        if self._transport and reading is not self._reading and not self._transport.is_closing():
            self._reading = reading
            if reading:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def _on_timer(self) -> None:
        self.session.handle_timer(self._clock.now())
        self._hand_up()
        self._flush()
