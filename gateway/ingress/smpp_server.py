"""The SMPP server that customers' ESMEs bind to: transmitter, receiver, transceiver.

It has the connections and hands on what comes over them: binds to `esme_binding`, requests to
`esme_requests`, and what answers a deliver_sm of ours to `esme_delivery`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random

from gateway.account import Esme
from gateway.clock import Clock
from gateway.config.credentials import Credentials
from gateway.config.sections import Smpp
from gateway.ingress.bound_esme import BoundEsme
from gateway.ingress.esme_binding import BindRefused, EsmeBinding, Peer
from gateway.ingress.esme_delivery import EsmeDelivery
from gateway.ingress.esme_requests import EsmeRequests, QueueFill
from gateway.interworking.esme_message_id import SHORT_ID_MAX, ShortIds
from gateway.messaging.idempotency import Idempotency
from gateway.messaging.pending_messages import PendingMessages
from gateway.net.network import Listening, Network
from gateway.net.peer_address import origin
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import INTERFACE_3_4, INTERFACE_5_0, CommandStatus, Tag
from gateway.smpp.events import Closed, Event, PduRefused, Request, Response, ResponseTimedOut
from gateway.smpp.pdus import (
    BIND_RESP,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    CancelSm,
    DataSm,
    QuerySm,
    ReplaceSm,
    SubmitMulti,
    SubmitSm,
)
from gateway.smpp.session import Timers
from gateway.smpp.states import RECEIVING, Role

log = logging.getLogger(__name__)

RECEIVE_WINDOW = 1_000
DRAIN_TIMEOUT_S = 5.0
NAMELESS: frozenset[str] = frozenset()
# The most frequent first.
REQUESTS_OF_BOUND = (SubmitSm, DataSm, SubmitMulti, QuerySm, CancelSm, ReplaceSm)


class SmppServer:
    """Until `ready`, while the messages of an earlier run are taken up, ESMEs may bind, and what
    they submit is answered with ESME_RSYSERR."""

    def __init__(
        self,
        config: Smpp,
        network: Network,
        clock: Clock,
        credentials: Credentials,
        intake: Idempotency,
        pending: PendingMessages,
        delivery: EsmeDelivery,
        ready: Callable[[], bool],
        queue_fill: QueueFill,
        random: Random,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._config = config
        self._network = network
        self._clock = clock
        self._delivery = delivery
        self._tls = tls
        self._binding = EsmeBinding(config, clock, credentials)
        self._requests = EsmeRequests(
            intake,
            pending,
            clock,
            ready,
            queue_fill,
            config.idempotency_tag,
            ShortIds(random.randrange(SHORT_ID_MAX)),
        )
        self._timers = Timers(
            session_init_s=config.session_init_s,
            enquire_link_s=config.enquire_link_s,
            response_s=config.response_s,
            inactivity_s=config.inactivity_s,
        )
        self._connections: dict[SmppConnection, BoundEsme | None] = {}
        self._origins: Counter[str] = Counter()
        self._binds_under_way: set[asyncio.Task[None]] = set()
        self._someone_left = asyncio.Event()
        self._listening: list[Listening] = []
        self._over_tls: set[SmppConnection] = set()

    @property
    def port(self) -> int:
        """The first of the ports that it listens on."""
        return self._listening[0].port

    @property
    def tls_port(self) -> int:
        """The one with TLS, where there is one."""
        return self._listening[-1].port

    @property
    def submitted(self) -> int:
        return self._requests.submitted

    @property
    def throttled(self) -> int:
        return self._requests.throttled

    @property
    def auth_failures(self) -> int:
        return self._binding.failures

    @property
    def locked_out(self) -> int:
        return self._binding.locked_out

    def binds(self) -> list[tuple[str, str, str]]:
        """system_id, account and bind state of each bound connection."""
        return [
            (bound.esme.system_id, bound.account.sid, connection.session.state.value)
            for connection, bound in self._connections.items()
            if bound
        ]

    async def start(self) -> None:
        """Listen.

        Raises:
            ListenError: the address cannot be had.
        """
        if not (self._tls and self._config.tls.only):
            await self._listen(self._config.port, None)
        if self._tls:
            await self._listen(self._config.tls.port, self._tls)

    async def _listen(self, port: int, tls: ssl.SSLContext | None) -> None:
        config = self._config
        connect = partial(self._connect, tls=tls is not None)
        listening = await self._network.listen(
            config.host, port, connect, tls, config.proxy_protocol
        )
        self._listening.append(listening)

    async def stop(self) -> None:
        """Take no connections, unbind those that stand, and cut them after DRAIN_TIMEOUT_S."""
        for listening in self._listening:
            await listening.close()
        for task in self._binds_under_way:
            task.cancel()
        for connection in list(self._connections):
            connection.unbind()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                while self._connections:
                    self._someone_left.clear()
                    await self._someone_left.wait()
        for connection in list(self._connections):
            connection.abort("not unbound in time")
        self._requests.close()

    # Events of the sessions

    def _connect(self, *, tls: bool) -> SmppConnection:
        return SmppConnection(
            Role.SMSC,
            self._clock,
            self._timers,
            self._on_event,
            window=self._config.window,
            receive_window=RECEIVE_WINDOW,
            on_open=partial(self._opened, tls),
        )

    def _opened(self, tls: bool, connection: SmppConnection) -> None:
        came_from = origin(connection.peer)
        if len(self._connections) >= self._config.connections_max:
            bound = "connections_max"
        elif self._origins[came_from] >= self._config.connections_per_address_max:
            bound = "connections_per_address_max"
        else:
            self._origins[came_from] += 1
            self._connections[connection] = None
            if tls:
                self._over_tls.add(connection)
            return
        log.warning("too many connections", extra={"peer": connection.peer, "bound": bound})
        connection.close(bound)

    def _on_event(self, connection: SmppConnection, event: Event) -> None:
        # The two that come with each message, before a match, which takes longer.
        if isinstance(event, Request):
            self._on_request(connection, event)
            return
        if isinstance(event, Response):
            bound = self._bound(connection)
            self._delivery.on_response(
                bound.account.sid, connection, event.sequence_number, event.command_status
            )
            return
        match event:
            case ResponseTimedOut(sequence_number):
                bound = self._bound(connection)
                self._delivery.on_timed_out(bound.account.sid, connection, sequence_number)
            case PduRefused():
                log.warning(
                    "ESME's PDU refused",
                    extra={
                        "peer": connection.peer,
                        "command_id": f"0x{event.command_id:08x}",
                        "command_status": event.command_status.name,
                        "reason": event.reason,
                    },
                )
            case Closed(reason):
                self._closed(connection, reason)
            case _:
                pass  # Bound: `_bind` has seen to it.

    def _on_request(self, connection: SmppConnection, request: Request) -> None:
        sequence_number, pdu = request.sequence_number, request.pdu
        if isinstance(pdu, REQUESTS_OF_BOUND):
            self._requests.take(connection, self._bound(connection), sequence_number, pdu)
        elif isinstance(pdu, BindTransceiver | BindTransmitter | BindReceiver):
            task = asyncio.get_running_loop().create_task(
                self._bind(connection, sequence_number, pdu)
            )
            self._binds_under_way.add(task)
            task.add_done_callback(self._binds_under_way.discard)
        else:
            connection.respond(sequence_number, None, CommandStatus.ESME_RINVCMDID)

    def _bound(self, connection: SmppConnection) -> BoundEsme:
        bound = self._connections[connection]
        assert bound is not None, "table 2-1 allows this only when bound"
        return bound

    # Binding

    async def _bind(
        self,
        connection: SmppConnection,
        sequence_number: int,
        pdu: BindTransceiver | BindTransmitter | BindReceiver,
    ) -> None:
        try:
            bound = await self._binding.check(self._peer(connection), pdu)
        except BindRefused as refused:
            log.warning(
                "bind refused",
                extra={
                    "system_id": pdu.system_id,
                    "peer": connection.peer,
                    "command_status": refused.status.name,
                    "reason": str(refused),
                },
            )
            connection.respond(sequence_number, None, refused.status)
        except Exception:
            log.exception("bind broke", extra={"peer": connection.peer})
            connection.respond(sequence_number, None, CommandStatus.ESME_RSYSERR)
        else:
            self._accept_bind(connection, sequence_number, pdu, bound)

    def _accept_bind(
        self,
        connection: SmppConnection,
        sequence_number: int,
        pdu: BindTransceiver | BindTransmitter | BindReceiver,
        bound: BoundEsme,
    ) -> None:
        self._connections[connection] = bound
        # The lower of the two versions is the one that is spoken (§5.2.4, §5.3.2.25).
        version = INTERFACE_5_0 if bound.is_5_0 else INTERFACE_3_4
        tlvs: dict[int, bytes] = (
            {Tag.SC_INTERFACE_VERSION: bytes([version])} if bound.reads_tlvs else {}
        )
        connection.respond(
            sequence_number,
            BIND_RESP[pdu.command_id](system_id=self._config.system_id, tlvs=tlvs),
        )
        log.info(
            "ESME bound",
            extra={
                "system_id": bound.esme.system_id,
                "account": bound.account.sid,
                "peer": connection.peer,
                "state": connection.session.state.value,
            },
        )
        if connection.session.state in RECEIVING:
            self._delivery.add(bound.account.sid, connection, bound.reads_tlvs, bound.address_range)

    def _peer(self, connection: SmppConnection) -> Peer:
        certificate = connection.certificate
        names = frozenset(name.lower() for name in certificate.names) if certificate else NAMELESS
        return Peer(
            connection.peer,
            connection in self._over_tls,
            names,
            self._binds,
            lambda: connection in self._connections,
        )

    def _binds(self, esme: Esme) -> int:
        return sum(1 for bound in self._connections.values() if bound and bound.esme is esme)

    def _closed(self, connection: SmppConnection, reason: str) -> None:
        if connection not in self._connections:
            return  # It was one too many.
        bound = self._connections.pop(connection)
        self._over_tls.discard(connection)
        came_from = origin(connection.peer)
        self._origins[came_from] -= 1
        if not self._origins[came_from]:
            del self._origins[came_from]
        self._someone_left.set()
        if bound:
            self._delivery.remove(bound.account.sid, connection)
            log.info("ESME gone", extra={"system_id": bound.esme.system_id, "reason": reason})
