"""One simulated SMSC: an SMPP server and the state of one carrier.

Here is who connects and binds, and what tests and the control interface ask. What becomes of a
message stands in `submissions`, what goes back to the customer in `deliveries`, what happens to
octets in `wire`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from random import Random

import msgspec

from carriers_sim.behaviour import Behaviour, carrier_seed, message_chance
from carriers_sim.binds import Binds
from carriers_sim.config import CarrierConfig
from carriers_sim.day import Day
from carriers_sim.deliveries import Deliveries, Delivery
from carriers_sim.fault import Fault
from carriers_sim.given_ids import GivenIds
from carriers_sim.handset_traffic import HandsetMessage
from carriers_sim.mobile_originated import MobileOriginated, alert_notification, deliver_sms
from carriers_sim.operations import operate
from carriers_sim.recorder import Received, Recorder
from carriers_sim.refused_messages import RefusedMessages
from carriers_sim.submissions import Submissions
from carriers_sim.throttled_messages import ThrottledMessages
from carriers_sim.violations import Invariant, Violations
from carriers_sim.watchers import Watchers
from carriers_sim.wire import Wire
from carriers_sim.witness import Witness
from gateway.clock import Clock
from gateway.net.network import Listening, Network
from gateway.net.smpp_connection import SmppConnection
from gateway.net.tls import server_context
from gateway.smpp.constants import CommandStatus
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
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    CancelSm,
    DataSm,
    Outbind,
    QuerySm,
    ReplaceSm,
    SubmitMulti,
    SubmitSm,
)
from gateway.smpp.session import Timers
from gateway.smpp.states import BOUND, RECEIVING, Role, SessionState

log = logging.getLogger(__name__)

# A customer that keeps more requests in flight than this is read no further. The session counts
# those that a behaviour never answers for as long as it lives, hence the size.
RECEIVE_WINDOW = 1_000_000
MOBILE_ORIGINATED_MAX = 100_000
NO_BIND = "no bind within session_init_s"
# What the session says of a PDU that it could not use, in the checker's words.
REFUSED: dict[int, Invariant] = {
    CommandStatus.ESME_RINVCMDID: Invariant.UNKNOWN_COMMAND,
    CommandStatus.ESME_RINVBNDSTS: Invariant.WRONG_STATE,
    CommandStatus.ESME_RALYBND: Invariant.WRONG_STATE,
    CommandStatus.ESME_RINVOPTPARSTREAM: Invariant.TLV_STREAM,
}


class NoReceiver(Exception):
    """No bind can take an alert_notification now."""


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
        throttled: ThrottledMessages,
        given_ids: GivenIds,
        first_id: int = 1,
    ) -> None:
        self.config = config
        self.port = config.port
        self._network = network
        self._clock = clock
        self._recorder = recorder
        self._violations = violations
        self._seed = carrier_seed(seed, config.name)
        self._mo_reference = 0
        self._wires: set[Wire] = set()
        self._connections: dict[SmppConnection, Wire] = {}  # In the order in which they came.
        self._deliveries = Deliveries(config, clock, recorder, violations)
        self._submissions = Submissions(
            config.name,
            config.behaviour,
            config.alphabet,
            seed=seed,
            first_id=first_id,
            clock=clock,
            recorder=recorder,
            violations=violations,
            refused=refused,
            throttled=throttled,
            given_ids=given_ids,
            deliveries=self._deliveries,
        )
        self._binds = Binds(config, clock, recorder, violations, lambda: self.behaviour)
        self._day = Day(
            config, self._seed, clock, self.set_behaviour, self.befall, self._handset_sends
        )
        self._watchers = Watchers(config.name)
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
        await self._watchers.wait_until(condition, timeout_s, progress)

    # What they ask for

    def set_behaviour(self, behaviour: Behaviour) -> None:
        """Switch at once; what was decided before is not undone."""
        self._submissions.set_behaviour(behaviour)
        for wire in self._wires:
            wire.set_link(behaviour.link)

    def inject_mo(self, sender: str, recipient: str, body: str, **keys: object) -> int:
        """A mobile originated message to the customer; the number of its deliver_sm. `keys` are
        those of `MobileOriginated`.

        Raises:
            ValueError: an address or the text cannot be carried.
            msgspec.ValidationError: there is no such key.
            QueueFull: too many deliver_sm wait already.
        """
        form = {"from": sender, "to": recipient, "body": body} | keys
        return self.inject(msgspec.convert(form, MobileOriginated))

    def inject(self, message: MobileOriginated) -> int:
        """See `inject_mo`."""
        reference = (self._mo_reference + 1) % 256
        pdus = deliver_sms(message, reference, message_chance(self._seed, reference))
        if len(self._deliveries) + len(pdus) > MOBILE_ORIGINATED_MAX:
            raise QueueFull(f"{MOBILE_ORIGINATED_MAX} messages wait for a bind that can receive")
        self._mo_reference = reference
        for pdu in pdus:
            self._deliveries.add(Delivery(pdu, is_receipt=False))
        return len(pdus)

    def alert(self, handset: str, esme: str) -> None:
        """An alert_notification (§4.12): the handset is there again.

        Raises:
            NoReceiver: nobody is bound who could hear it.
            FieldError: an address does not fit.
        """
        pdu = alert_notification(handset, esme)
        for connection in self._connections:
            if connection.session.state in RECEIVING:
                connection.request(pdu)
                self._recorder.counts(self.name).alerts += 1
                return
        raise NoReceiver("no bind can take an alert_notification")

    async def outbind(self, host: str, port: int, system_id: str = "", password: str = "") -> None:
        """Connect to the customer and ask it to bind (§4.1.7). The session is then like any other.

        Raises:
            OSError: nobody listens there.
        """
        wire = self._new_wire()
        await self._network.connect(host, port, lambda: wire)
        wire.connection.request(
            Outbind(system_id or self.config.system_id, password or self.config.password)
        )

    def befall(self, fault: Fault, for_s: float = 0.0) -> int:
        """Do this to all connections; how many there were."""
        wires = [wire for wire in self._wires if not wire.is_closing()]
        for wire in wires:
            wire.inject(fault, for_s)
        return len(wires)

    def drop_connections(self) -> int:
        """Cut all connections without a word; how many there were."""
        connections = list(self._connections)
        for connection in connections:
            connection.abort("dropped by the simulator")
        for wire in list(self._wires):
            wire.cut()
        return len(connections)

    def reset(self) -> None:
        """The configured behaviour again, messages numbered from 1, no receipt waiting, and the
        timeline from its beginning.

        Connections stay, and so does the count of message ids: an id never comes twice.
        """
        self._submissions.reset(self.config.behaviour)
        self._deliveries.clear()
        self._binds.clear()
        for wire in self._wires:
            wire.set_link(self.behaviour.link)
        if self._listening is not None:
            self._day.begin()

    async def start(self) -> None:
        """Raises ListenError, and TlsError for a certificate that cannot be used."""
        keys = self.config.tls
        tls = server_context(keys.certificate, keys.key, keys.client_ca) if keys else None
        self._listening = await self._network.listen(
            self.config.host, self.port, self._new_wire, tls
        )
        self.port = self._listening.port
        self._day.begin()

    async def stop(self) -> None:
        """Close the port, then cut the connections. Receipts that wait are kept for `start`."""
        self._day.end()
        if self._listening is not None:
            await self._listening.close()
            self._listening = None
        if self._wires:
            self.drop_connections()
            # An aborted transport tells its protocol, and closes its socket, in later turns.
            for _ in range(3):
                await asyncio.sleep(0)

    def _handset_sends(self, sent: HandsetMessage) -> None:
        """One message of its own accord; a full queue makes handsets wait."""
        if len(self._deliveries) < MOBILE_ORIGINATED_MAX:
            self.inject_mo(sent.sender, sent.recipient, sent.body)

    # What the connections report

    def _new_wire(self) -> Wire:
        connection = SmppConnection(
            Role.SMSC,
            self._clock,
            self._timers,
            self._on_event,
            window=self.config.deliver_window,
            receive_window=RECEIVE_WINDOW,
            on_open=lambda connection: self._on_open(connection, wire),
        )
        patience_s = self._recorder.expectations.response_s
        witness = Witness(self.name, self._violations, self.config.response_s, patience_s)
        wire = Wire(
            connection,
            witness,
            self._clock,
            self.config.response_s,
            Random(self._seed),
            self._wires.discard,
        )
        return wire

    def _on_open(self, connection: SmppConnection, wire: Wire) -> None:
        self._wires.add(wire)
        self._connections[connection] = wire
        self._submissions.connection_opened(connection, wire)
        wire.set_link(self.behaviour.link)

    def _on_event(self, connection: SmppConnection, event: Event) -> None:
        match event:
            case Request(sequence_number, (SubmitSm() | DataSm() | SubmitMulti()) as pdu):
                self._submissions.receive(connection, sequence_number, pdu)
                self._binds.submitted(self._connections[connection])
            case Request(
                sequence_number, (BindTransmitter() | BindReceiver() | BindTransceiver()) as pdu
            ):
                wire = self._connections[connection]
                self._binds.asked(wire, sequence_number, pdu, len(self._connections))
            case Request(sequence_number, (QuerySm() | CancelSm() | ReplaceSm()) as pdu):
                counts = self._recorder.counts(self.name)
                done = operate(pdu, self._submissions.table, counts, self._clock.now())
                connection.respond(sequence_number, done.pdu, done.command_status)
            case Request(sequence_number):
                connection.respond(sequence_number, None, CommandStatus.ESME_RINVCMDID)
            case Response(sequence_number, command_status):
                self._deliveries.responded(connection, sequence_number, command_status)
            case ResponseTimedOut(sequence_number):
                is_blamed = not self._connections[connection].witness.has_missed
                self._deliveries.timed_out(connection, sequence_number, is_blamed)
            case Bound(state):
                self._on_bound(connection, state)
            case PduRefused():
                self._on_refused(event)
            case Closed(reason):
                self._on_closed(connection, reason)
        self._watchers.tell()

    def _on_bound(self, connection: SmppConnection, state: SessionState) -> None:
        log.info("bound", extra={"carrier": self.name, "state": state.value})
        wire = self._connections[connection]
        self._binds.bound(wire)
        if state in RECEIVING:
            self._deliveries.receiver_bound(connection, wire.witness.interface_version)

    def _on_refused(self, refused: PduRefused) -> None:
        status = refused.command_status
        if status == CommandStatus.ESME_RSYSERR:
            return  # A sequence_number that is in use: the witness has seen it.
        invariant = REFUSED.get(status, Invariant.MALFORMED_PDU)
        if status == CommandStatus.ESME_RINVCMDLEN and "command_length" in refused.reason:
            invariant = Invariant.FRAMING
        detail = f"0x{refused.command_id:08x} {status.name}: {refused.reason}"
        self._violations.add(invariant, self.name, detail, self._clock.now())

    def _on_closed(self, connection: SmppConnection, reason: str) -> None:
        log.info("connection closed", extra={"carrier": self.name, "reason": reason})
        wire = self._connections.pop(connection)
        self._binds.closed(wire)
        is_served = wire.is_heard and wire.link.reads and self.behaviour.bind.answered
        if reason == NO_BIND and is_served:
            now = self._clock.now()
            self._violations.add(Invariant.NEVER_BOUND, self.name, reason, now)
        self._submissions.connection_closed(connection)
        self._deliveries.connection_closed(connection)
