"""One simulated SMSC: an SMPP server and the state of one carrier.

Here is who connects and binds, and what tests and the control interface ask. What becomes of a
message stands in `submissions`, what goes back to the customer in `deliveries`.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable

from carriers_sim.behaviour import Behaviour
from carriers_sim.config import CarrierConfig
from carriers_sim.deliveries import Deliveries
from carriers_sim.mobile_originated import deliver_sms
from carriers_sim.recorder import Received, Recorder
from carriers_sim.refused_messages import RefusedMessages
from carriers_sim.rule import status_of
from carriers_sim.submissions import Submissions
from carriers_sim.violations import Invariant, Violations
from gateway.clock import Clock
from gateway.net.network import Listening, Network
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import INTERFACE_3_4, CommandStatus, Tag
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
    BIND_RESP,
    Bind,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DataSm,
    SubmitSm,
)
from gateway.smpp.session import Timers
from gateway.smpp.states import BOUND, RECEIVING, Role

log = logging.getLogger(__name__)

# A customer that keeps more requests in flight than this is read no further. The session counts
# those that a behaviour never answers for as long as it lives, hence the size.
RECEIVE_WINDOW = 1_000_000
MOBILE_ORIGINATED_MAX = 100_000


class QueueFull(Exception):
    """Too many messages wait for a bind that can receive."""


class Smsc:
    """One carrier. Build it, and everything it is given, inside a running event loop."""

    def __init__(
        self,
        config: CarrierConfig,
        *,
        seed: int,
        network: Network,
        clock: Clock,
        recorder: Recorder,
        violations: Violations,
        refused: RefusedMessages,
        first_id: int = 1,
    ) -> None:
        self.config = config
        self.port = config.port
        self._network = network
        self._clock = clock
        self._recorder = recorder
        self._violations = violations
        self._mo_reference = 0
        self._connections: dict[SmppConnection, None] = {}  # In the order in which they came.
        self._deliveries = Deliveries(config, clock, recorder, violations)
        self._submissions = Submissions(
            config.name,
            config.behaviour,
            seed=seed,
            first_id=first_id,
            clock=clock,
            recorder=recorder,
            violations=violations,
            refused=refused,
            deliveries=self._deliveries,
        )
        self._watchers: list[asyncio.Future[None]] = []
        self._listening: Listening | None = None
        self._timers = Timers(
            session_init_s=config.session_init_s,
            enquire_link_s=config.enquire_link_s,
            response_s=config.response_s,
        )

    # What tests and the control interface ask

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def behaviour(self) -> Behaviour:
        return self._submissions.behaviour

    @property
    def messages(self) -> list[Received]:
        """The whole messages that arrived here, in order."""
        return self._recorder.messages_of(self.name)

    @property
    def binds(self) -> list[str]:
        """The states of the customer's connections: `bound_trx`, …"""
        return [connection.session.state.value for connection in self._connections]

    @property
    def receivers(self) -> int:
        """How many binds can take a deliver_sm now."""
        return sum(connection.session.state in RECEIVING for connection in self._connections)

    @property
    def deliveries_waiting(self) -> int:
        """Receipts and mobile originated messages that are due and not sent yet."""
        return len(self._deliveries)

    @property
    def receipts_due(self) -> int:
        """Receipts whose time has not come."""
        return self._submissions.receipts_due

    def stats(self) -> dict[str, object]:
        """Counters of `recorder.Counts`, and what is under way."""
        return self._recorder.counts(self.name).as_json() | {
            "bound": self.binds,
            "receipts_due": self.receipts_due,
            "deliveries_waiting": len(self._deliveries),
            "deliveries_in_flight": self._deliveries.in_flight,
        }

    async def wait_for_messages(self, count: int, timeout_s: float = 5.0) -> list[Received]:
        """All whole messages, once there are `count` since the start or the last reset.

        Raises:
            TimeoutError: fewer came within `timeout_s`.
        """
        await self.wait_until(
            lambda: self._recorder.counts(self.name).messages >= count,
            timeout_s,
            lambda: f"{self._recorder.counts(self.name).messages} of {count} messages came",
        )
        return self.messages

    async def wait_for_binds(self, count: int = 1, timeout_s: float = 5.0) -> None:
        """Until `count` connections are bound. Raises TimeoutError."""

        def bound() -> int:
            return sum(connection.session.state in BOUND for connection in self._connections)

        await self.wait_until(
            lambda: bound() >= count, timeout_s, lambda: f"{bound()} of {count} binds came"
        )

    async def wait_until(
        self,
        condition: Callable[[], bool],
        timeout_s: float = 5.0,
        progress: Callable[[], str] = lambda: "the condition does not hold",
    ) -> None:
        """Until `condition` holds; looked at after each event of this carrier.

        Raises:
            TimeoutError: it did not within `timeout_s`.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    watcher = asyncio.get_running_loop().create_future()
                    self._watchers.append(watcher)
                    await watcher
        except TimeoutError:
            raise TimeoutError(f"{self.name}: {progress()} within {timeout_s:g} s") from None

    # What they ask for

    def set_behaviour(self, behaviour: Behaviour) -> None:
        """Switch at once; what was decided before is not undone."""
        self._submissions.set_behaviour(behaviour)

    def inject_mo(self, sender: str, recipient: str, body: str) -> int:
        """A mobile originated message to the customer; the number of its parts.

        Raises:
            ValueError: an address or the text cannot be carried.
            QueueFull: too many deliver_sm wait already.
        """
        reference = (self._mo_reference + 1) % 256
        pdus = deliver_sms(sender, recipient, body, reference)
        if len(self._deliveries) + len(pdus) > MOBILE_ORIGINATED_MAX:
            raise QueueFull(f"{MOBILE_ORIGINATED_MAX} messages wait for a bind that can receive")
        self._mo_reference = reference
        for pdu in pdus:
            self._deliveries.add(pdu, is_receipt=False)
        return len(pdus)

    def drop_connections(self) -> int:
        """Cut all connections without a word; how many there were."""
        connections = list(self._connections)
        for connection in connections:
            connection.abort("dropped by the simulator")
        return len(connections)

    def reset(self) -> None:
        """The configured behaviour again, messages numbered from 1, no receipt waiting.

        Connections stay, and so does the count of message ids: an id never comes twice.
        """
        self._submissions.reset(self.config.behaviour)
        self._deliveries.clear()

    async def start(self) -> None:
        """Raises ListenError."""
        self._listening = await self._network.listen(
            self.config.host, self.port, self._new_connection
        )
        self.port = self._listening.port

    async def stop(self) -> None:
        """Close the port, then cut the connections. Receipts that wait are kept for `start`."""
        if self._listening is not None:
            await self._listening.close()
            self._listening = None
        if self.drop_connections():
            # An aborted transport tells its protocol, and closes its socket, in later turns.
            for _ in range(3):
                await asyncio.sleep(0)

    # What the connections report

    def _new_connection(self) -> SmppConnection:
        return SmppConnection(
            Role.SMSC,
            self._clock,
            self._timers,
            self._on_event,
            window=self.config.deliver_window,
            receive_window=RECEIVE_WINDOW,
            on_open=self._on_open,
        )

    def _on_open(self, connection: SmppConnection) -> None:
        self._connections[connection] = None
        self._submissions.connection_opened(connection)

    def _on_event(self, connection: SmppConnection, event: Event) -> None:
        match event:
            case Request(sequence_number, (SubmitSm() | DataSm()) as pdu):
                self._submissions.receive(connection, sequence_number, pdu)
            case Request(
                sequence_number, (BindTransmitter() | BindReceiver() | BindTransceiver()) as pdu
            ):
                self._on_bind(connection, sequence_number, pdu)
            case Request(sequence_number):
                connection.respond(sequence_number, None, CommandStatus.ESME_RINVCMDID)
            case Response(sequence_number, command_status):
                self._deliveries.responded(connection, sequence_number, command_status)
            case ResponseTimedOut(sequence_number):
                self._deliveries.timed_out(connection, sequence_number)
            case Bound(state):
                self._recorder.counts(self.name).binds += 1
                log.info("bound", extra={"carrier": self.name, "state": state.value})
                if state in RECEIVING:
                    self._deliveries.receiver_bound(connection)
            case PduRefused(command_id, _, command_status, reason):
                detail = f"0x{command_id:08x} {command_status.name}: {reason}"
                in_use = command_status is CommandStatus.ESME_RSYSERR
                invariant = Invariant.SEQUENCE_NUMBER if in_use else Invariant.REFUSED_PDU
                self._violations.add(invariant, self.name, detail, self._clock.now())
            case Closed(reason):
                self._on_closed(connection, reason)
        if self._watchers:
            self._tell_watchers()

    def _on_bind(self, connection: SmppConnection, sequence_number: int, pdu: Bind) -> None:
        status = self._bind_status(pdu)
        if status:
            log.info("bind refused", extra={"carrier": self.name, "command_status": status})
        tlvs: dict[int, bytes] = {}
        if pdu.interface_version >= INTERFACE_3_4:
            tlvs[Tag.SC_INTERFACE_VERSION] = bytes([INTERFACE_3_4])
        resp = BIND_RESP[pdu.command_id](self.config.system_id, tlvs)
        connection.respond(sequence_number, resp, status)

    def _bind_status(self, pdu: Bind) -> int:
        if pdu.system_id != self.config.system_id:
            return CommandStatus.ESME_RINVSYSID
        if not hmac.compare_digest(pdu.password.encode(), self.config.password.encode()):
            return CommandStatus.ESME_RINVPASWD
        if len(self._connections) > self.config.binds_max:
            return CommandStatus.ESME_RBINDFAIL
        return status_of(self.behaviour.bind_status)

    def _on_closed(self, connection: SmppConnection, reason: str) -> None:
        log.info("connection closed", extra={"carrier": self.name, "reason": reason})
        del self._connections[connection]
        self._submissions.connection_closed(connection)
        self._deliveries.connection_closed(connection)

    def _tell_watchers(self) -> None:
        watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            if not watcher.done():
                watcher.set_result(None)
