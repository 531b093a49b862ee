"""One simulated SMSC: an SMPP server and the state of one carrier.

It decides nothing about a message itself: `behaviour.decide` does, and this acts. It keeps what a
carrier keeps: who is bound, which answers and receipts are due, what waits for a receiver.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from carriers_sim import user_data
from carriers_sim.address import parse, shown
from carriers_sim.behaviour import (
    Behaviour,
    Decision,
    Submission,
    carrier_seed,
    decide,
    message_chance,
)
from carriers_sim.config import CarrierConfig
from carriers_sim.deliveries import Deliveries
from carriers_sim.receipt_pdu import Receipt, deliver_sm
from carriers_sim.recorder import Received, Recorder, Submitted
from carriers_sim.refused_messages import RefusedMessages, same_message
from carriers_sim.rule import status_of
from carriers_sim.throttle import TokenBucket
from carriers_sim.timer_heap import TimerHeap
from carriers_sim.user_data import UserData
from carriers_sim.violations import Invariant, Violations, check
from gateway.clock import Clock
from gateway.net.network import Listening, Network
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp import codec
from gateway.smpp.constants import (
    INTERFACE_3_4,
    SEQUENCE_NUMBER_MAX,
    CommandStatus,
    DataCoding,
    EsmClass,
    Tag,
)
from gateway.smpp.errors import FieldError
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
    DataSmResp,
    DeliverSm,
    SubmitSm,
    SubmitSmResp,
)
from gateway.smpp.session import Timers
from gateway.smpp.states import RECEIVING, Role
from gateway.text.segmentation import TextEncoding, concatenation_udh, segment

log = logging.getLogger(__name__)

# A customer that keeps more requests in flight than this is read no further.
RECEIVE_WINDOW = 10_000
# Receipts that are due later or wait for a receiver; with more, submit_sm gets ESME_RMSGQFUL.
RECEIPTS_MAX = 1_000_000
MOBILE_ORIGINATED_MAX = 100_000


class QueueFull(Exception):
    """Too many messages wait for a bind that can receive."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A response on its way. `submitted` is set when it accepts a message."""

    connection: SmppConnection
    sequence_number: int
    command_status: int
    pdu: SubmitSmResp | DataSmResp | None
    submitted: Submitted | None = None


@dataclass(slots=True, eq=False)
class CarrierBind:
    """One connection of the customer's; `answers` are the responses that are not sent yet."""

    connection: SmppConnection
    answers: dict[int, Answer] = field(default_factory=dict)


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
        self.behaviour = config.behaviour
        self._seed = carrier_seed(seed, config.name)
        self._network = network
        self._clock = clock
        self._recorder = recorder
        self._violations = violations
        self._refused = refused
        self._next_id = first_id
        self._submits = 0
        self._mo_reference = 0
        self._receipts_due = 0
        self._bucket: TokenBucket | None = None
        self._binds: dict[SmppConnection, CarrierBind] = {}
        self._due: TimerHeap[Answer | Receipt] = TimerHeap(clock, self._on_due)
        self._deliveries = Deliveries(config, clock, recorder, violations)
        self._watchers: list[asyncio.Future[None]] = []
        self._listening: Listening | None = None
        self._timers = Timers(
            session_init_s=config.session_init_s,
            enquire_link_s=config.enquire_link_s,
            response_s=config.response_s,
        )
        self.set_behaviour(config.behaviour)

    # What tests and the control interface ask

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def messages(self) -> list[Received]:
        """The whole messages that arrived here, in order."""
        return self._recorder.messages_of(self.name)

    @property
    def binds(self) -> list[str]:
        """The states of the customer's connections: `bound_trx`, …"""
        return [connection.session.state.value for connection in self._binds]

    @property
    def receivers(self) -> int:
        """How many binds can take a deliver_sm now."""
        return sum(connection.session.state in RECEIVING for connection in self._binds)

    @property
    def deliveries_waiting(self) -> int:
        """Receipts and mobile originated messages that are due and not sent yet."""
        return len(self._deliveries)

    @property
    def receipts_due(self) -> int:
        """Receipts whose time has not come."""
        return self._receipts_due

    def stats(self) -> dict[str, object]:
        """Counters of `recorder.Counts`, and what is under way."""
        return self._recorder.counts(self.name).as_json() | {
            "bound": self.binds,
            "receipts_due": self._receipts_due,
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
            return sum(state.startswith("bound") for state in self.binds)

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
        if self._bucket is None or behaviour.throttle != self.behaviour.throttle:
            throttle = behaviour.throttle
            self._bucket = TokenBucket(throttle, self._clock.now()) if throttle else None
        self.behaviour = behaviour

    def inject_mo(self, sender: str, recipient: str, body: str) -> int:
        """A mobile originated message to the customer; the number of its parts.

        Raises:
            ValueError: an address or the text cannot be carried.
            QueueFull: too many deliver_sm wait already.
        """
        segmented = segment(body)
        total = len(segmented.parts)
        if len(self._deliveries) + total > MOBILE_ORIGINATED_MAX:
            raise QueueFull(f"{MOBILE_ORIGINATED_MAX} messages wait for a bind that can receive")
        self._mo_reference = (self._mo_reference + 1) % 256
        source, destination = parse(sender), parse(recipient)
        ucs2 = segmented.encoding is TextEncoding.UCS2
        pdus = []
        for number, part in enumerate(segmented.parts, start=1):
            header = concatenation_udh(self._mo_reference, total, number) if total > 1 else b""
            pdu = DeliverSm(
                source_addr_ton=source.ton,
                source_addr_npi=source.npi,
                source_addr=source.digits,
                dest_addr_ton=destination.ton,
                dest_addr_npi=destination.npi,
                destination_addr=destination.digits,
                esm_class=EsmClass.UDHI if header else EsmClass.DEFAULT,
                data_coding=DataCoding.UCS2 if ucs2 else DataCoding.DEFAULT_ALPHABET,
                short_message=header + part,
            )
            try:
                codec.encode(pdu, 1)
            except (FieldError, UnicodeEncodeError) as error:
                raise ValueError(str(error)) from None
            pdus.append(pdu)
        for pdu in pdus:
            self._deliveries.add(pdu, is_receipt=False)
        return total

    def drop_connections(self) -> int:
        """Cut all connections without a word; how many there were."""
        connections = list(self._binds)
        for connection in connections:
            connection.abort("dropped by the simulator")
        return len(connections)

    def reset(self) -> None:
        """The configured behaviour again, messages numbered from 1, no receipt waiting.

        Connections stay, and so does the count of message ids: an id never comes twice.
        """
        self._bucket = None
        self.set_behaviour(self.config.behaviour)
        self._submits = 0
        self._receipts_due = 0
        self._due.keep(lambda item: isinstance(item, Answer))
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
        self._binds[connection] = CarrierBind(connection)

    def _on_event(self, connection: SmppConnection, event: Event) -> None:
        match event:
            case Request(sequence_number, SubmitSm() as pdu):
                self._on_submit(self._binds[connection], sequence_number, pdu, SubmitSmResp)
            case Request(sequence_number, DataSm() as pdu):
                self._on_submit(
                    self._binds[connection], sequence_number, _as_submit_sm(pdu), DataSmResp
                )
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
                self._violations.add(Invariant.REFUSED_PDU, self.name, detail, self._clock.now())
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
        if len(self._binds) > self.config.binds_max:
            return CommandStatus.ESME_RBINDFAIL
        return status_of(self.behaviour.bind_status)

    def _on_closed(self, connection: SmppConnection, reason: str) -> None:
        log.info("connection closed", extra={"carrier": self.name, "reason": reason})
        bind = self._binds.pop(connection)
        for answer in bind.answers.values():
            if answer.submitted is not None:
                self._recorder.response_lost(answer.submitted)
        self._deliveries.connection_closed(connection)

    # submit_sm

    def _on_submit(
        self,
        bind: CarrierBind,
        sequence_number: int,
        pdu: SubmitSm,
        resp: type[SubmitSmResp | DataSmResp],
    ) -> None:
        now = self._clock.now()
        connection = bind.connection
        data = user_data.read(pdu)
        self._submits += 1
        self._recorder.submitted(self.name, connection.session.unanswered, now)
        self._check(bind, sequence_number, pdu, data, now)

        message = same_message(pdu) if self.behaviour.remembers_refusals else 0
        decision = self._decide(pdu, data, message, now)
        if decision.is_remembered:
            self._refused.remember(message, self.name)
        if decision.is_dropped:
            self._recorder.counts(self.name).dropped += 1
            connection.abort("dropped by behaviour")
            return
        if not decision.is_accepted:
            self._recorder.refused(self.name, decision.status)
            answer = Answer(connection, sequence_number, decision.status, None)
            self._answer(bind, answer, decision.response_delay_s, now)
            return
        if message:
            self._refused.forget(message)
        submitted = Submitted(
            self.name,
            shown(pdu.source_addr_ton, pdu.source_addr),
            shown(pdu.dest_addr_ton, pdu.destination_addr),
            data,
            decision.message_id,
            now,
        )
        self._recorder.accepted(submitted)
        self._schedule(pdu, data, decision, now, early=True)
        if decision.is_answered:
            answer = Answer(connection, sequence_number, 0, resp(decision.message_id), submitted)
            self._answer(bind, answer, decision.response_delay_s, now)
        else:
            self._recorder.counts(self.name).unanswered += 1
            self._recorder.response_lost(submitted)
        self._schedule(pdu, data, decision, now, early=False)

    def _check(
        self, bind: CarrierBind, sequence_number: int, pdu: SubmitSm, data: UserData, now: float
    ) -> None:
        for invariant, detail in check(pdu, data):
            self._violations.add(invariant, self.name, detail, now)
        if not 0 < sequence_number <= SEQUENCE_NUMBER_MAX or sequence_number in bind.answers:
            detail = f"submit_sm with {sequence_number}"
            self._violations.add(Invariant.SEQUENCE_NUMBER, self.name, detail, now)

    def _decide(self, pdu: SubmitSm, data: UserData, message: int, now: float) -> Decision:
        behaviour = self.behaviour
        waiting = self._receipts_due + len(self._deliveries)
        submission = Submission(
            number=self._submits,
            carrier=self.name,
            sender=pdu.source_addr,
            recipient=pdu.destination_addr,
            text=user_data.decode(data.octets, data.data_coding) if behaviour.reads_text else "",
            registered_delivery=pdu.registered_delivery,
            refused_by=self._refused.refused_by(message) if message else "",
            is_throttled=self._bucket is not None and not self._bucket.admit(data.segments, now),
            is_queue_full=waiting >= (behaviour.queue_max or RECEIPTS_MAX),
        )
        chance = message_chance(self._seed, self._submits)
        decision = decide(behaviour, submission, self._next_id, chance)
        if decision.is_accepted:
            self._next_id += 1
        return decision

    def _answer(self, bind: CarrierBind, answer: Answer, delay_s: float, now: float) -> None:
        if delay_s:
            bind.answers[answer.sequence_number] = answer
            self._due.add(now + delay_s, answer)
        else:
            answer.connection.respond(answer.sequence_number, answer.pdu, answer.command_status)

    def _schedule(
        self, pdu: SubmitSm, data: UserData, decision: Decision, now: float, early: bool
    ) -> None:
        """Its receipts: those that precede the response, or those that follow it."""
        for planned in decision.receipts:
            if planned.before_response is not early:
                continue
            text = data.octets if data.data_coding == DataCoding.DEFAULT_ALPHABET else b""
            receipt = Receipt(pdu, decision.receipt_id, planned, now, text)
            self._receipts_due += 1
            due_in_s = decision.response_delay_s + planned.after_s
            if due_in_s:
                self._due.add(now + due_in_s, receipt)
            else:
                self._on_due(receipt)

    def _on_due(self, item: Answer | Receipt) -> None:
        if isinstance(item, Receipt):
            self._receipts_due -= 1
            self._deliveries.add(deliver_sm(item, self._clock.now()), is_receipt=True)
            return
        bind = self._binds.get(item.connection)
        if bind is not None:
            bind.answers.pop(item.sequence_number, None)
            item.connection.respond(item.sequence_number, item.pdu, item.command_status)

    def _tell_watchers(self) -> None:
        watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            if not watcher.done():
                watcher.set_result(None)


def _as_submit_sm(pdu: DataSm) -> SubmitSm:
    """data_sm says the same as submit_sm with a message_payload (§4.7)."""
    return SubmitSm(
        service_type=pdu.service_type,
        source_addr_ton=pdu.source_addr_ton,
        source_addr_npi=pdu.source_addr_npi,
        source_addr=pdu.source_addr,
        dest_addr_ton=pdu.dest_addr_ton,
        dest_addr_npi=pdu.dest_addr_npi,
        destination_addr=pdu.destination_addr,
        esm_class=pdu.esm_class,
        registered_delivery=pdu.registered_delivery,
        data_coding=pdu.data_coding,
        tlvs=pdu.tlvs,
    )
