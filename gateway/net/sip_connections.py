"""All connections of one endpoint: those that came, those that we open, and which of them a message
takes (RFC 3261 §18.1.1, §18.2.2; RFC 5923 for what goes back over the way it came).

A message to a peer waits while the connection to it is being opened. What cannot be sent is told
by `on_failed`; who was connected and is not any more, by `on_lost`.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import Counter, OrderedDict
from collections.abc import Callable
from functools import partial
from itertools import count

from gateway.net.bounded_log import BoundedLog
from gateway.net.network import Network, ProtocolFactory
from gateway.net.sip_address import family_of
from gateway.net.sip_connection import SipConnection
from gateway.net.sip_stream import SipStream
from gateway.net.source_rate import SourceRate
from gateway.sip.errors import SipError
from gateway.sip.framing import Framed
from gateway.sip.grammar import PORT_MAX
from gateway.sip.message import SipRequest
from gateway.sip.next_hop import locate
from gateway.sip.parser import parse
from gateway.sip.transaction import Destination, Outgoing

log = logging.getLogger(__name__)

CONNECTIONS_MAX = 10_000
CONNECTIONS_PER_SOURCE_MAX = 1_000
# What a new connection counts for in the rate of its source.
CONNECTION_MESSAGES = 10
DIALLING_MAX = 256
WAITING_MAX = 1_024
CONNECT_S = 4.0
LOOK_AFTER_S = 5.0
SERVER_NAMES_MAX = 4_096
# Ways of messages that found their connection gone and took this one.
ALIASES_MAX = 16

Way = tuple[str, str, int]


class SipConnections:
    """`on_received` takes what one read of a connection has brought."""

    def __init__(
        self,
        network: Network,
        rate: SourceRate,
        bounded_log: BoundedLog,
        client_tls: ssl.SSLContext | None,
        on_received: Callable[[SipConnection, list[Framed]], None],
        on_failed: Callable[[list[Outgoing]], None],
        on_lost: Callable[[list[Destination]], None],
        connections_max: int = CONNECTIONS_MAX,
        per_source_max: int = CONNECTIONS_PER_SOURCE_MAX,
    ) -> None:
        self._network = network
        self._rate = rate
        self._bounded_log = bounded_log
        self._client_tls = client_tls
        self._on_received = on_received
        self._on_failed = on_failed
        self._on_lost = on_lost
        self._connections_max = connections_max
        self._per_source_max = per_source_max
        self._loop = asyncio.get_running_loop()
        self._numbers = count(1)
        self._standing: dict[int, SipConnection] = {}
        self._by_way: dict[Way, SipConnection] = {}
        self._per_source: Counter[str] = Counter()
        self._aliases: dict[int, set[Destination]] = {}
        self._waiting: dict[Way, list[Outgoing]] = {}
        self._dials: set[asyncio.Task[None]] = set()
        self._server_names: OrderedDict[tuple[str, int], str] = OrderedDict()
        self._look_after: asyncio.TimerHandle | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._standing)

    # What the endpoint asks

    def accepting(self, kind: Callable[[int], SipConnection]) -> ProtocolFactory:
        """For a listener: makes a connection of this kind, with the next number."""
        return lambda: kind(next(self._numbers))

    def stands(self, number: int) -> bool:
        return number in self._standing

    def name_server(self, host: str, port: int, name: str) -> None:
        """Whoever is at this address has to show a certificate of this name (RFC 5922 §7.1)."""
        self._server_names[host, port] = name
        self._server_names.move_to_end((host, port))
        if len(self._server_names) > SERVER_NAMES_MAX:
            self._server_names.popitem(last=False)

    def send(self, outgoing: Outgoing) -> None:
        """Over the connection that it names; or over one that leads there; or over a new one."""
        destination = outgoing.destination
        connection = self._standing.get(destination.connection)
        if connection is None:
            if destination.connection:
                elsewhere = _without_its_connection(outgoing)
                if elsewhere is None:
                    self._on_failed([outgoing])
                    return
                destination = elsewhere
            way = (destination.transport, destination.host, destination.port)
            connection = self._by_way.get(way)
            if connection is None:
                self._wait(way, outgoing)
                return
            self._alias(connection, outgoing.destination)
        if not connection.send(outgoing.octets):
            self._on_failed([outgoing])

    async def close(self) -> None:
        """Give each what is written to it, and go; nothing is opened any more."""
        self._closed = True
        if self._look_after is not None:
            self._look_after.cancel()
        for dial in self._dials:
            dial.cancel()
        await asyncio.gather(*self._dials, return_exceptions=True)
        for connection in list(self._standing.values()):
            connection.close("we stop")

    # What connections tell

    def connection_opened(self, connection: SipConnection) -> bool:
        destination = connection.destination
        source = destination.host
        if len(self._standing) >= self._connections_max:
            self._say("SIP connection refused", source, "there are too many")
            return False
        if not connection.opened:
            if self._per_source[source] >= self._per_source_max:
                self._say("SIP connection refused", source, "there are too many of this source")
                return False
            if not self._rate.take(source, self._loop.time(), CONNECTION_MESSAGES):
                return False
        self._standing[connection.number] = connection
        if not connection.opened:
            self._per_source[source] += 1
        way = (destination.transport, destination.host, destination.port)
        # Whoever has come by TLS has shown no certificate of the name that a request of ours wants.
        if connection.opened or destination.transport == "TCP":
            self._by_way.setdefault(way, connection)
        if self._look_after is None:
            self._arm()
        for outgoing in self._waiting.pop(way, ()):
            self._alias(connection, outgoing.destination)
            if not connection.send(outgoing.octets):
                self._on_failed([outgoing])
        return True

    def admits(self, host: str, messages: int) -> bool:
        return self._rate.take(host, self._loop.time(), messages)

    def connection_received(self, connection: SipConnection, items: list[Framed]) -> None:
        self._on_received(connection, items)

    def connection_closed(self, connection: SipConnection, reason: str) -> None:
        destination = connection.destination
        del self._standing[connection.number]
        if not connection.opened:
            self._per_source[destination.host] -= 1
            if not self._per_source[destination.host]:
                del self._per_source[destination.host]
        way = (destination.transport, destination.host, destination.port)
        if self._by_way.get(way) is connection:
            del self._by_way[way]
        self._on_lost([destination, *self._aliases.pop(connection.number, ())])

    # Opening

    def _wait(self, way: Way, outgoing: Outgoing) -> None:
        host = way[1]
        waiting = self._waiting.get(way)
        if waiting is None:
            refusal = self._refusal(way)
            if refusal:
                self._say("SIP connection not opened", host, refusal)
                self._on_failed([outgoing])
                return
            waiting = self._waiting[way] = [outgoing]
            dial = self._loop.create_task(self._dial(way, waiting))
            self._dials.add(dial)
            dial.add_done_callback(self._dials.discard)
        elif len(waiting) >= WAITING_MAX:
            self._on_failed([outgoing])
        else:
            waiting.append(outgoing)

    def _refusal(self, way: Way) -> str:
        transport, host, port = way
        if self._closed:
            return "we stop"
        if transport not in ("TCP", "TLS"):
            return "nobody can be reached by this transport but over his own connection"
        if family_of(host) is None or not 0 < port <= PORT_MAX:
            return "this is no address"
        if transport == "TLS" and self._client_tls is None:
            return "we speak no TLS"
        if len(self._waiting) >= DIALLING_MAX or len(self._standing) >= self._connections_max:
            return "there are too many"
        return ""

    async def _dial(self, way: Way, waiting: list[Outgoing]) -> None:
        transport, host, port = way
        tls = self._client_tls if transport == "TLS" else None
        factory = partial(SipStream, transport, next(self._numbers), self, True)
        reason = "the connection is over before it began"
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._network.connect(
                    host, port, factory, tls, self._server_names.get((host, port), "")
                )
        except TimeoutError:
            reason = f"nothing within {CONNECT_S:g} s"
        except OSError as error:  # ssl.SSLError is one.
            reason = str(error)
        except Exception:
            log.exception("SIP broke", extra={"cost": "connection", "peer": host})
        if self._waiting.get(way) is waiting:
            del self._waiting[way]
            self._say("SIP connection not opened", host, reason)
            self._on_failed(waiting)

    def _alias(self, connection: SipConnection, destination: Destination) -> None:
        """What is sent to `destination` goes over this connection, and is lost with it."""
        if destination.connection != connection.number:
            aliases = self._aliases.setdefault(connection.number, set())
            if len(aliases) < ALIASES_MAX:
                aliases.add(destination)

    def _arm(self) -> None:
        self._look_after = self._loop.call_later(LOOK_AFTER_S, self._look)

    def _look(self) -> None:
        self._look_after = None
        now = self._loop.time()
        for connection in list(self._standing.values()):
            connection.look_after(now)
        if self._standing:
            self._arm()

    def _say(self, event: str, peer: str, reason: str) -> None:
        self._bounded_log.say(self._loop.time(), event, peer=peer, reason=reason)


def _without_its_connection(outgoing: Outgoing) -> Destination | None:
    """Where a message goes whose connection is gone. A response: to the source, by the port of
    sent-by (§18.2.2). A request: where its Route or Request-URI leads, if that is an address
    (§12.2.1.1). A WebSocket is opened by its client only (RFC 7118 §4)."""
    gone = outgoing.destination
    if gone.transport not in ("TCP", "TLS"):
        return None
    known = Destination(gone.transport, gone.host, gone.port)
    try:
        message = parse(outgoing.octets)
        if not isinstance(message, SipRequest):
            via = message.via
            return Destination(gone.transport, gone.host, via.sent_by[1])
        routes = message.routes
        found = locate(str(routes[0].uri) if routes else message.uri, known)
        # Its Via names this transport, whatever the URI does.
        return Destination(gone.transport, found.host, found.port)
    except SipError:
        return None
