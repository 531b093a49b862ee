"""One session with a carrier: connects, binds, submits, hands up what comes, returns when lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from random import Random
from typing import Any

from gateway.carriers.bind_events import (
    Alerted,
    BindCameUp,
    BindEvent,
    BindWentDown,
    Delivered,
    SubmitAnswered,
    SubmitLost,
    SubmitTimedOut,
)
from gateway.carriers.dialer import Address, Dialer
from gateway.carriers.outbind_door import OutbindDoor
from gateway.carriers.reconnect import CREDENTIALS, Reconnect
from gateway.clock import Clock
from gateway.config.carrier import BindType, CarrierBind
from gateway.net.errors import ListenError
from gateway.net.network import Network
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import CommandStatus, status_name
from gateway.smpp.events import (
    Bound,
    Closed,
    Event,
    PduRefused,
    Request,
    Response,
    ResponseTimedOut,
)
from gateway.smpp.pdus import (
    AlertNotification,
    Bind,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    SubmitSm,
    SubmitSmResp,
)
from gateway.smpp.session import Timers
from gateway.smpp.states import Role

log = logging.getLogger(__name__)

DRAIN_TIMEOUT_S = 10.0
LATE_MAX = 10_000
# What a session says of its end when the peer's unbind was it.
PEER_UNBOUND = "unbound by the peer"

_DELIVER_SM_RESP = DeliverSmResp()
_DATA_SM_RESP = DataSmResp()
_DELIVERED = (DeliverSm, DataSm)
_BINDS: dict[BindType, type[Bind]] = {
    BindType.TRANSCEIVER: BindTransceiver,
    BindType.TRANSMITTER: BindTransmitter,
    BindType.RECEIVER: BindReceiver,
}


class SmppBind:
    """A bind by its configuration, from `run` until `drain`, or until that is canceled. `session`
    is its number among those of a pool.

    `submit` takes any `reference`, and gives it back with the one event that ends the wait for
    the answer: SubmitAnswered, SubmitTimedOut (a late SubmitAnswered may follow) or SubmitLost.
    """

    def __init__(
        self,
        bind_id: str,
        config: CarrierBind,
        network: Network,
        clock: Clock,
        random: Random,
        on_event: Callable[[BindEvent], None],
        session: int = 0,
    ) -> None:
        self.id = bind_id
        self.config = config
        self._name = f"{bind_id}#{session + 1}" if config.sessions > 1 else bind_id
        self._number = session
        self._network = network
        self._dialer = Dialer(config, network)
        self._address = self._dialer.addresses[0]
        self._clock = clock
        self._on_event = on_event
        self._reconnect = Reconnect(random)
        self._timers = Timers(
            session_init_s=0,
            enquire_link_s=config.enquire_link_s,
            response_s=config.response_timeout_s,
        )
        self._connection: SmppConnection | None = None
        self._connections = 0
        # An answer to a session that is over must not settle a request of the next (5.0 §2.6.3).
        self._last_sequence_number = 0
        self._bound_at: float | None = None
        self._bind_status = 0
        self._was_up = False
        self._draining = asyncio.Event()
        self._closed = asyncio.Event()
        self._submitted: dict[int, tuple[Any, float]] = {}
        self._late: OrderedDict[int, tuple[Any, float]] = OrderedDict()

    @property
    def up(self) -> bool:
        return self._bound_at is not None

    @property
    def on_backup(self) -> bool:
        return self.up and self._address != self._dialer.addresses[0]

    @property
    def free(self) -> int:
        """How many submit_sm it takes now."""
        return self._connection.sendable if self._connection and self.up else 0

    @property
    def in_flight(self) -> int:
        """How many submit_sm await their answer."""
        return len(self._submitted)

    async def run(self) -> None:
        """Keep the bind up until it is drained."""
        if self.config.outbind:
            await self._listen()
            return
        while not self._draining.is_set():
            for address in self._dialer.addresses:
                if await self._try(address) or self._draining.is_set():
                    break
            if not self._draining.is_set():
                await self._wait(self._reconnect.delay_s(self._bind_status))

    async def _try(self, address: Address) -> bool:
        """Bind at an address, and stay for as long as that stands. False: another address may
        help, now."""
        self._bind_status = 0
        self._was_up = False
        self._address = address
        self._closed.clear()
        try:
            await self._dialer.connect(address, self._connect)
        except OSError as error:  # TimeoutError is one.
            log.warning(
                "carrier not reached",
                extra={"bind": self._name, "address": str(address), "cause": _cause(error)},
            )
            return False
        await self._closed.wait()
        return self._was_up or self._bind_status in CREDENTIALS

    async def _listen(self) -> None:
        """Let the carrier connect, until the bind is drained."""
        assert self.config.outbind
        door = OutbindDoor(
            self._name,
            self.config.outbind,
            self._network,
            self._connection_for,
            self._on_session_event,
            self._opened,
        )
        while not self._draining.is_set():
            try:
                await door.open()
            except ListenError as error:
                log.error("outbind not awaited", extra={"bind": self._name, "cause": str(error)})
                await self._wait(self._reconnect.delay_s())
            else:
                await self._draining.wait()
                await door.close()

    async def _wait(self, delay_s: float) -> None:
        log.info("bind waits", extra={"bind": self._name, "delay_s": round(delay_s, 1)})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._draining.wait()

    def submit(self, pdu: SubmitSm, reference: Any) -> None:
        """Write a submit_sm.

        Raises:
            NotBound, WindowFull: the router had an older view of this bind.
        """
        connection = self._connection
        assert connection is not None, "submit() on a bind that is down"
        now = self._clock.now()
        self._submitted[connection.request(pdu, now)] = (reference, now)

    def answer(self, delivered: Delivered, command_status: int = CommandStatus.ESME_ROK) -> None:
        """Answer a deliver_sm or data_sm; nobody, if its session is over."""
        if self._connection is None or delivered.connection != self._connections:
            return
        if command_status:
            self._connection.respond(delivered.sequence_number, None, command_status)
        elif type(delivered.pdu) is DeliverSm:
            self._connection.respond(delivered.sequence_number, _DELIVER_SM_RESP)
        else:
            self._connection.respond(delivered.sequence_number, _DATA_SM_RESP)

    async def drain(self) -> None:
        """Unbind once the answers under way have come, or after DRAIN_TIMEOUT_S."""
        self._draining.set()
        connection = self._connection
        if connection is None:
            return
        connection.unbind()
        try:
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                await self._closed.wait()
        except TimeoutError:
            connection.abort("not unbound in time")

    # Events of the session

    def _connect(self) -> SmppConnection:
        return self._connection_for(self._on_session_event, self._opened)

    def _connection_for(
        self,
        on_event: Callable[[SmppConnection, Event], None],
        on_open: Callable[[SmppConnection], None],
    ) -> SmppConnection:
        return SmppConnection(
            Role.ESME,
            self._clock,
            self._timers,
            on_event,
            self.config.window,
            on_open=on_open,
            last_sequence_number=self._last_sequence_number,
        )

    def _opened(self, connection: SmppConnection) -> None:
        self._connection = connection
        self._connections += 1
        if self._draining.is_set():
            connection.close("drained")
            return
        config = self.config
        connection.request(
            _BINDS[config.bind_type](
                system_id=config.system_id,
                password=config.password or "",
                system_type=config.system_type,
            )
        )

    def _on_session_event(self, connection: SmppConnection, event: Event) -> None:
        # The two that come with each message, before a match, which takes longer.
        if isinstance(event, Response):
            self._answered(event)
            return
        if isinstance(event, Request):
            pdu = event.pdu
            if isinstance(pdu, _DELIVERED):
                self._on_event(
                    Delivered(self.id, event.sequence_number, pdu, self._connections, self._number)
                )
            elif isinstance(pdu, AlertNotification):
                self._on_event(Alerted(self.id, pdu))
            return  # An outbind: the door has heeded the one that counts.
        match event:
            case ResponseTimedOut(sequence_number):
                self._timed_out(sequence_number)
            case Bound():
                self._bound_at = self._clock.now()
                self._was_up = True
                log.info(
                    "bind up",
                    extra={
                        "bind": self._name,
                        "peer": connection.peer,
                        "address": str(self._address),
                    },
                )
                self._on_event(BindCameUp(self.id))
            case PduRefused():
                log.warning(
                    "carrier's PDU refused",
                    extra={
                        "bind": self._name,
                        "command_id": f"0x{event.command_id:08x}",
                        "reason": event.reason,
                    },
                )
            case Closed(reason):
                self._lost(reason)

    def _answered(self, response: Response) -> None:
        table = self._late if response.late else self._submitted
        submitted = table.pop(response.sequence_number, None)
        if submitted is None:
            self._bind_answered(response.command_status)
            return
        reference, submitted_at = submitted
        pdu = response.pdu
        self._on_event(
            SubmitAnswered(
                self.id,
                reference,
                response.command_status,
                pdu.message_id if isinstance(pdu, SubmitSmResp) else "",
                self._clock.now() - submitted_at,
                response.late,
            )
        )

    def _bind_answered(self, command_status: int) -> None:
        if not command_status or self.up:
            return
        self._bind_status = command_status
        level = logging.ERROR if command_status in CREDENTIALS else logging.WARNING
        log.log(
            level,
            "carrier refuses the bind",
            extra={"bind": self._name, "command_status": status_name(command_status)},
        )
        assert self._connection is not None
        self._connection.close("bind refused")

    def _timed_out(self, sequence_number: int) -> None:
        submitted = self._submitted.pop(sequence_number)
        if len(self._late) >= LATE_MAX:
            self._late.popitem(last=False)
        self._late[sequence_number] = submitted
        reference, submitted_at = submitted
        self._on_event(SubmitTimedOut(self.id, reference, self._clock.now() - submitted_at))

    def _lost(self, reason: str) -> None:
        bound_at, self._bound_at = self._bound_at, None
        if self._connection:
            self._last_sequence_number = self._connection.session.last_sequence_number
        self._connection = None
        submitted, self._submitted = self._submitted, {}
        self._late.clear()
        self._closed.set()
        if bound_at is not None:
            self._reconnect.bound_for(self._clock.now() - bound_at, reason == PEER_UNBOUND)
            log.log(
                logging.INFO if self._draining.is_set() else logging.WARNING,
                "bind down",
                extra={"bind": self._name, "reason": reason, "in_doubt": len(submitted)},
            )
            for reference, _ in submitted.values():
                self._on_event(SubmitLost(self.id, reference))
            self._on_event(BindWentDown(self.id, reason))


def _cause(error: OSError) -> str:
    """Why nobody was reached, in the words of the operating system; a time-out has none."""
    return (error.strerror or str(error) or "timed out").lower()
