"""Where SIP meets the network: the sockets, the one timer and the user agent.

What comes is held against the rate of its source, parsed, shown to `on_message`, and given to the
user agent; what that has to send goes out, and its events go up by `on_event`. Whoever has asked
something of the user agent or of a leg calls `flush`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable
from enum import Enum
from random import Random

from gateway.clock import Clock
from gateway.net.alarm import Alarm
from gateway.net.bounded_log import BoundedLog
from gateway.net.dns_client import DnsClient
from gateway.net.network import TcpNetwork
from gateway.net.sip_address import family_of
from gateway.net.sip_connection import SipConnection
from gateway.net.sip_connections import SipConnections
from gateway.net.sip_inside import SipInside
from gateway.net.sip_listeners import SipListen, SipListeners
from gateway.net.sip_own_addresses import SipOwnAddresses
from gateway.net.sip_resolver import SipResolver
from gateway.net.sip_stateless import refusal_of, stateless
from gateway.net.sip_tokens import tokens
from gateway.net.sip_udp import Datagram
from gateway.net.source_rate import SourceRate
from gateway.sip.errors import MessageError, RequestRefused
from gateway.sip.framing import Framed, KeepAlive
from gateway.sip.leg_events import LegEvent
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import parse
from gateway.sip.sanity import check_response
from gateway.sip.session_timer import SessionInterval
from gateway.sip.timers import TimerValues
from gateway.sip.transaction import INSIDE, Destination, Outgoing
from gateway.sip.transaction_layer import TRANSACTIONS_MAX
from gateway.sip.user_agent import LEGS_MAX, UserAgent

__all__ = ["SipEndpoint", "SipListen", "Verdict"]

log = logging.getLogger(__name__)

# An answer costs more than what it answers: beyond this a source that sends what cannot be read
# gets none, and what else it sends is heard.
REFUSALS_PER_S_MAX = 100
# How long legs that are over may still wait for the answer to their BYE when we stop.
DRAIN_S = 4.0
FORGET_ADDRESSES_S = 60.0
# Timers that are due within so long of the last are done together: most of them only end a
# transaction, and the shortest that goes over the network is 500 ms.
TIMER_REST_S = 0.02


class Verdict(Enum):
    """What `on_message` may say of a request instead of an answer."""

    DROP = "it is not answered"


class SipEndpoint:
    """`on_message` sees each request before the user agent does: an answer of its own ends the
    matter, and so does `Verdict.DROP`; None passes the request on. `client_tls` verifies the
    servers that we connect to; without it there is no TLS to others. `on_lost` hears of connections
    that are no more, by their numbers.
    """

    def __init__(
        self,
        listen: SipListen,
        on_event: Callable[[LegEvent, float], None],
        on_message: Callable[[SipRequest, Destination, float], SipResponse | Verdict | None],
        clock: Clock,
        random: Random,
        values: TimerValues | None = None,
        interval: SessionInterval | None = None,
        legs_max: int = LEGS_MAX,
        transactions_max: int = TRANSACTIONS_MAX,
        client_tls: ssl.SSLContext | None = None,
        dns: DnsClient | None = None,
        on_lost: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._on_connection_lost = on_lost
        self._on_event = on_event
        self._on_message = on_message
        self._clock = clock
        self._random = random
        self._dns = dns or DnsClient()
        self._transports = ("UDP", "TCP", "TLS") if client_tls is not None else ("UDP", "TCP")
        self._resolver: SipResolver | None = None
        self._loop = asyncio.get_running_loop()
        self._host = listen.host
        self._ports: dict[str, int] = {}
        self._own = SipOwnAddresses(listen.host, listen.public_host, self._ports)
        self.user_agent = UserAgent(
            self._own.sent_by,
            self._own.contact,
            tokens().__next__,
            random,
            values or TimerValues(),
            interval or SessionInterval(),
            legs_max=legs_max,
            transactions_max=transactions_max,
        )
        self._rate = SourceRate()
        self._refusals = SourceRate(REFUSALS_PER_S_MAX)
        self._bounded_log = BoundedLog(log)
        self._network = TcpNetwork()
        self._connections = SipConnections(
            self._network,
            self._rate,
            self._bounded_log,
            client_tls,
            self._receive_framed,
            self._fail,
            self._lose,
        )
        self._listeners = SipListeners(
            listen,
            self._network,
            self._ports,
            self._connections,
            self._receive_datagrams,
            self._lose_peer,
        )
        self._inside: dict[str, SipInside] = {}
        self._stopped = False
        self._alarm = Alarm(clock, self._on_timer)
        self._flushing = False
        self._flush_wanted = False
        self._settled: asyncio.Event | None = None
        self._forget_at = 0.0
        self._rest_until = 0.0

    # What the owner asks

    @property
    def addresses(self) -> dict[str, tuple[str, int]]:
        """Of the listeners, host and port by transport."""
        return {transport: (self._host, port) for transport, port in self._ports.items()}

    async def start(self) -> None:
        """Raises ListenError: an address cannot be had."""
        await self._listeners.start()

    async def drain(self) -> None:
        """Take no more connections; wait for the ends of the legs, which the owner has hung up,
        DRAIN_S at most; close everything."""
        await self._listeners.take_no_more()
        self.flush()
        if self.user_agent.legs:
            self._settled = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_S):
                    await self._settled.wait()
        self._stopped = True
        await self._connections.close()
        await self._listeners.stop()
        self._alarm.cancel()

    def flush(self) -> None:
        """Send what the user agent has to send, hand up what it has to tell, re-arm the timer.
        Called from within `on_event` it does nothing: that is done when the event is."""
        if self._flushing:
            return
        self._flushing = True
        below, legs = self.user_agent.below, self.user_agent.shared
        try:
            while below.messages or legs.events:
                if messages := below.messages:
                    below.messages = []
                    for outgoing in messages:
                        self._send(outgoing)
                if legs.events:
                    self._hand_up()
        finally:
            self._flushing = False
        # Traffic moves the deadline away, so an alarm that rings early is set anew.
        heads = below.timers.heads
        if heads and heads[0][0] < self._alarm.at and not self._stopped:
            self._alarm.set(max(heads[0][0], self._rest_until))
        if self._settled is not None and not self.user_agent.legs:
            self._settled.set()

    def contact(self, destination: Destination) -> str:
        """How a peer there reaches us, as a Contact."""
        return self._own.contact(destination)

    def connect_inside(
        self, name: str, on_received: Callable[[list[bytes], Destination], None]
    ) -> SipInside:
        """For a user agent of ours, in this process: a connection that is `name`'s, without a
        socket. One for each name, and as long as we last; `on_received` takes what it is sent."""
        inside = self._inside[name] = SipInside(name, self._receive_inside, on_received)
        return inside

    async def resolve(self, host: str, port: int = 0, transport: str = "") -> list[Destination]:
        """Where a URI leads (RFC 3263), the first to be tried first; see SipResolver."""
        if self._resolver is None:
            families = tuple(self._listeners.udp)
            self._resolver = SipResolver(self._dns, self._random, families, self._transports)
        found = await self._resolver.resolve(host, port, transport)
        for destination in found:
            if destination.transport == "TLS":
                # The certificate is to name what was asked for, not what the DNS made of it.
                self._connections.name_server(destination.host, destination.port, host.strip("[]"))
        return found

    # What comes

    def _receive_datagrams(self, datagrams: list[Datagram]) -> None:
        now, monotonic = self._clock.now(), self._loop.time()
        for octets, host, port in datagrams:
            if not self._rate.take(host, monotonic):
                continue
            if octets[:1] < b" " and not octets.strip(b"\r\n\0"):
                continue  # It keeps a NAT's binding.
            source = Destination("UDP", host, port)
            try:
                message = parse(octets)
            except MessageError as error:
                self._refuse(error, source)
            else:
                self._receive(message, source, now)
        self.flush()

    def _receive_framed(self, connection: SipConnection, items: list[Framed]) -> None:
        now = self._clock.now()
        for item in items:
            if isinstance(item, MessageError):
                self._refuse(item, connection.destination)
            elif not isinstance(item, KeepAlive):
                self._receive(item, connection.destination, now)
        # At once, since a connection that is broken closes after this.
        self.flush()

    def _receive_inside(self, octets: bytes, source: Destination) -> None:
        self._receive(parse(octets), source, self._clock.now())
        self.flush()

    def _receive(self, message: SipRequest | SipResponse, source: Destination, now: float) -> None:
        try:
            if isinstance(message, SipRequest):
                verdict = self._on_message(message, source, now)
                if isinstance(verdict, SipResponse):
                    self._answer(message, verdict, source)
                if verdict is not None:
                    return
            elif reason := check_response(message):
                self._say("SIP response dropped", source, reason)
                return
            self.user_agent.receive(message, source, now)
        except Exception:
            log.exception("SIP broke", extra={"cost": "message", "peer": source.host})

    def _refuse(self, error: MessageError, source: Destination) -> None:
        if not self._refusals.take(source.host, self._loop.time()):
            return
        self._say("SIP message refused", source, str(error))
        if isinstance(error, RequestRefused):
            self._answer(error.request, refusal_of(error), source)

    def _answer(self, request: SipRequest, response: SipResponse, source: Destination) -> None:
        if request.answerable:
            self._send(stateless(request, response, source))

    # What goes

    def _hand_up(self) -> None:
        events, now = self.user_agent.events(), self._clock.now()
        for event in events:
            try:
                self._on_event(event, now)
            except Exception:
                log.exception("SIP broke", extra={"cost": "event", "peer": ""})

    def _send(self, outgoing: Outgoing) -> None:
        destination = outgoing.destination
        if destination.transport != "UDP":
            if destination.transport != INSIDE:
                self._connections.send(outgoing)
            elif not self._inside[destination.host].receive(outgoing.octets):
                self._fail([outgoing])
            return
        udp = self._listeners.udp.get(family_of(destination.host) or 0)
        if udp is None:
            self._fail([outgoing])
            return
        try:
            udp.send(outgoing.octets, destination.host, destination.port)
        except (OSError, OverflowError) as error:
            self._say("SIP message not sent", destination, str(error))
            self._fail([outgoing])

    def _fail(self, failed: list[Outgoing]) -> None:
        now = self._clock.now()
        for outgoing in failed:
            self.user_agent.transport_error(outgoing, now)
        self._want_flush()

    def _lose(self, destinations: list[Destination]) -> None:
        now = self._clock.now()
        for destination in destinations:
            self.user_agent.connection_lost(destination, now)
            if destination.connection:
                self._on_connection_lost(destination.connection)
        self._want_flush()

    def _lose_peer(self, host: str, port: int) -> None:
        self._lose([Destination("UDP", host, port)])

    def _want_flush(self) -> None:
        if not self._flush_wanted:
            self._flush_wanted = True
            self._loop.call_soon(self._wanted_flush)

    def _wanted_flush(self) -> None:
        self._flush_wanted = False
        self.flush()

    # The timer

    def _on_timer(self) -> None:
        monotonic = self._loop.time()
        if monotonic >= self._forget_at:
            self._forget_at = monotonic + FORGET_ADDRESSES_S
            self._own.forget()
        now = self._clock.now()
        self._rest_until = now + TIMER_REST_S
        try:
            self.user_agent.handle_timer(now)
        except Exception:
            log.exception("SIP broke", extra={"cost": "timer", "peer": ""})
        self.flush()

    def _say(self, event: str, peer: Destination, reason: str) -> None:
        self._bounded_log.say(
            self._loop.time(), event, peer=peer.host, transport=peer.transport, reason=reason
        )
