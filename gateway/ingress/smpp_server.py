"""The SMPP server that customers' ESMEs bind to: transmitter, receiver, transceiver."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address, ip_network

from gateway.account import Account, Esme
from gateway.clock import Clock, message_sid
from gateway.config.credentials import Credentials
from gateway.config.sections import Smpp
from gateway.errors import Refused
from gateway.ingress.esme_delivery import EsmeDelivery
from gateway.ingress.rate import Rate
from gateway.interworking.refusals import ANSWERS
from gateway.interworking.submit_sm import from_submit_sm
from gateway.message import Message, Origin
from gateway.messaging.admission import SendRequest
from gateway.messaging.idempotency import Idempotency, Replayed
from gateway.messaging.idempotency_key import keyed
from gateway.net.network import Listening, Network
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import INTERFACE_3_4, CommandStatus, Tag
from gateway.smpp.errors import PduError
from gateway.smpp.events import Closed, Event, PduRefused, Request, Response, ResponseTimedOut
from gateway.smpp.pdus import (
    BIND_RESP,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DataSm,
    DataSmResp,
    SubmitSm,
    SubmitSmResp,
)
from gateway.smpp.session import Timers
from gateway.smpp.states import RECEIVING, Role

log = logging.getLogger(__name__)

RECEIVE_WINDOW = 1_000
DRAIN_TIMEOUT_S = 5.0


class BoundEsme:
    """Who a connection belongs to, once it is bound."""

    __slots__ = ("account", "esme")

    def __init__(self, account: Account, esme: Esme) -> None:
        self.account = account
        self.esme = esme


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
        delivery: EsmeDelivery,
        ready: Callable[[], bool],
    ) -> None:
        self._config = config
        self._network = network
        self._clock = clock
        self._credentials = credentials
        self._intake = intake
        self._delivery = delivery
        self._ready = ready
        self._timers = Timers(
            session_init_s=config.session_init_s,
            enquire_link_s=config.enquire_link_s,
            response_s=config.response_s,
            inactivity_s=config.inactivity_s,
        )
        self._connections: dict[SmppConnection, BoundEsme | None] = {}
        self._rates: dict[str, Rate] = {}
        self._binding: set[asyncio.Task[None]] = set()
        self._someone_left = asyncio.Event()
        self._listening: Listening | None = None
        self.submitted = 0
        self.throttled = 0

    @property
    def port(self) -> int:
        assert self._listening is not None
        return self._listening.port

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
        self._listening = await self._network.listen(
            self._config.host, self._config.port, self._connect
        )

    async def stop(self) -> None:
        """Take no connections, unbind those that stand, and cut them after DRAIN_TIMEOUT_S."""
        if self._listening:
            await self._listening.close()
        for task in self._binding:
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

    # Events of the sessions

    def _connect(self) -> SmppConnection:
        return SmppConnection(
            Role.SMSC,
            self._clock,
            self._timers,
            self._on_event,
            window=self._config.window,
            receive_window=RECEIVE_WINDOW,
            on_open=self._opened,
        )

    def _opened(self, connection: SmppConnection) -> None:
        if len(self._connections) >= self._config.connections_max:
            log.warning("too many connections", extra={"peer": connection.peer})
            connection.close("connections_max")
            return
        self._connections[connection] = None

    def _on_event(self, connection: SmppConnection, event: Event) -> None:
        match event:
            case Request(sequence_number, pdu):
                if isinstance(pdu, SubmitSm | DataSm):
                    self._submit(connection, sequence_number, pdu)
                elif not isinstance(pdu, BindTransceiver | BindTransmitter | BindReceiver):
                    connection.respond(sequence_number, None, CommandStatus.ESME_RINVCMDID)
                else:
                    task = asyncio.get_running_loop().create_task(
                        self._bind(connection, sequence_number, pdu)
                    )
                    self._binding.add(task)
                    task.add_done_callback(self._binding.discard)
            case Response(sequence_number, command_status):
                bound = self._bound(connection)
                self._delivery.on_response(
                    bound.account.sid, connection, sequence_number, command_status
                )
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
        found = await self._credentials.esme(pdu.system_id, pdu.password)
        if connection not in self._connections:
            return
        status = self._bind_status(connection, pdu.system_id, found)
        if status or found is None:
            log.warning(
                "bind refused",
                extra={
                    "system_id": pdu.system_id,
                    "peer": connection.peer,
                    "command_status": status.name,
                },
            )
            connection.respond(sequence_number, None, status)
            return
        account, esme = found
        self._connections[connection] = BoundEsme(account, esme)
        reads_tlvs = pdu.interface_version >= INTERFACE_3_4
        tlvs: dict[int, bytes] = (
            {Tag.SC_INTERFACE_VERSION: bytes([INTERFACE_3_4])} if reads_tlvs else {}
        )
        connection.respond(
            sequence_number,
            BIND_RESP[pdu.command_id](system_id=self._config.system_id, tlvs=tlvs),
        )
        log.info(
            "ESME bound",
            extra={
                "system_id": esme.system_id,
                "account": account.sid,
                "peer": connection.peer,
                "state": connection.session.state.value,
            },
        )
        if connection.session.state in RECEIVING:
            self._delivery.add(account.sid, connection, reads_tlvs)

    def _bind_status(
        self, connection: SmppConnection, system_id: str, found: tuple[Account, Esme] | None
    ) -> CommandStatus:
        """ESME_ROK, or why not; the address list fails closed."""
        if found is None:
            known = self._credentials.knows_esme(system_id)
            return CommandStatus.ESME_RINVPASWD if known else CommandStatus.ESME_RINVSYSID
        account, esme = found
        if account.suspended or not _allowed(connection.peer, esme.allowed_ips):
            return CommandStatus.ESME_RBINDFAIL
        binds = sum(1 for bound in self._connections.values() if bound and bound.esme is esme)
        return CommandStatus.ESME_RBINDFAIL if binds >= esme.binds_max else CommandStatus.ESME_ROK

    def _closed(self, connection: SmppConnection, reason: str) -> None:
        bound = self._connections.pop(connection, None)
        self._someone_left.set()
        if bound:
            self._delivery.remove(bound.account.sid, connection)
            log.info("ESME gone", extra={"system_id": bound.esme.system_id, "reason": reason})

    # Submitting

    def _submit(
        self, connection: SmppConnection, sequence_number: int, pdu: SubmitSm | DataSm
    ) -> None:
        account = self._bound(connection).account
        now = self._clock.now()
        self.submitted += 1
        if not self._ready():
            connection.respond(sequence_number, None, CommandStatus.ESME_RSYSERR)
            return
        if self._rate(account).ahead_s(now):
            self.throttled += 1
            connection.respond(sequence_number, None, CommandStatus.ESME_RTHROTTLED)
            return
        try:
            submission = from_submit_sm(pdu, now)
        except PduError as error:
            log.info("submit_sm refused", extra={"account": account.sid, "reason": str(error)})
            connection.respond(sequence_number, None, error.status)
            return
        data = submission.data
        request = SendRequest(
            account=account,
            sender=submission.sender,
            recipient=submission.recipient,
            body=data.body,
            origin=Origin.SMPP,
            validity_s=submission.validity_s,
            send_at=submission.send_at,
            receipts=submission.receipts,
            udh=data.udh,
            octets=data.octets,
            encoding=data.encoding,
        )
        on_refused = partial(_refused, connection, sequence_number)
        key = pdu.tlvs.get(self._config.idempotency_tag) if pdu.tlvs else None
        if key is not None:
            try:
                # Some libraries close every string with a NUL, and it is the same key.
                request = keyed(request, key.removesuffix(b"\0"), _times(pdu))
            except Refused as refused:
                on_refused(refused)
                return
        response = SubmitSmResp if isinstance(pdu, SubmitSm) else DataSmResp
        self._intake.submit(
            request, partial(_accepted, connection, sequence_number, response), on_refused
        )

    def _rate(self, account: Account) -> Rate:
        rate = self._rates.get(account.sid)
        if rate is None:
            rate = self._rates[account.sid] = Rate(account.submits_per_second)
        return rate


def _times(pdu: SubmitSm | DataSm) -> str:
    """The times as the customer wrote them, which may count from the moment of their arrival."""
    if isinstance(pdu, DataSm) or not (pdu.schedule_delivery_time or pdu.validity_period):
        return ""
    return f"{pdu.schedule_delivery_time} {pdu.validity_period}"


def _accepted(
    connection: SmppConnection,
    sequence_number: int,
    response: type[SubmitSmResp | DataSmResp],
    message: Message | Replayed,
) -> None:
    connection.respond(sequence_number, response(message_sid(message.id)))


def _refused(connection: SmppConnection, sequence_number: int, refused: Refused) -> None:
    connection.respond(sequence_number, None, ANSWERS[refused.refusal].command_status)


def _allowed(peer: str, networks: tuple[str, ...]) -> bool:
    """Whether the list, if there is one, holds the peer."""
    if not networks:
        return True
    try:
        address = ip_address(peer)
        return any(address in ip_network(network, strict=False) for network in networks)
    except ValueError:
        return False
