"""What one carrier does with submit_sm, submit_multi and data_sm: it asks `behaviour.decide`, and
acts.

It holds what the decisions leave behind: answers and receipts that are due later, the state of
the throttle, and the numbering of messages.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from carriers_sim import receipt_pdu, user_data
from carriers_sim.address import shown
from carriers_sim.behaviour import (
    Behaviour,
    Decision,
    Submission,
    carrier_seed,
    decide,
    message_chance,
)
from carriers_sim.conformance import check
from carriers_sim.deliveries import Deliveries, Delivery
from carriers_sim.dlr_schedule import ReceiptBind, ReceiptId
from carriers_sim.fault import Fault
from carriers_sim.given_ids import GivenIds
from carriers_sim.message_id import IdFormat, wrong_id
from carriers_sim.message_table import MessageTable, TabledMessage
from carriers_sim.receipt_pdu import Receipt
from carriers_sim.recorder import Recorder, Submitted
from carriers_sim.refused_messages import RefusedMessages, same_message
from carriers_sim.response_form import UNHEARD, ResponseForm
from carriers_sim.throttle import Counted, Throttle, TokenBucket
from carriers_sim.throttled_messages import ThrottledMessages
from carriers_sim.timer_heap import TimerHeap
from carriers_sim.user_data import UserData
from carriers_sim.violations import Invariant, Violations
from carriers_sim.wire import Wire
from gateway.clock import Clock
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import INTERFACE_3_4, INTERFACE_5_0, CommandStatus, DataCoding, Tag
from gateway.smpp.pdus import (
    DataSm,
    DataSmResp,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
    UnsuccessfulSme,
)

# Receipts that are due later or wait for a receiver; with more, submit_sm gets ESME_RMSGQFUL.
RECEIPTS_MAX = 1_000_000
# Addresses of data_sm may be longer (§4.7.1) than a receipt, a deliver_sm, can carry back.
ADDRESS_MAX = 20
# Of the messages that a connection will never hear of, the last are remembered.
UNHEARD_MAX = 10_000

# The answers of a carrier that is busy (CLI-5).
BUSY = frozenset({CommandStatus.ESME_RTHROTTLED, CommandStatus.ESME_RMSGQFUL})
# With these the connection ends, or says nothing more, before the answer is out.
SILENCING = frozenset({Fault.RST, Fault.FIN, Fault.FIN_MID_PDU, Fault.BLACKHOLE})

Resp = SubmitSmResp | DataSmResp | SubmitMultiResp


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A response on its way. `submitted` is set when it accepts a message."""

    connection: SmppConnection
    sequence_number: int
    command_status: int
    pdu: Resp | None
    submitted: Submitted | None = None
    form: ResponseForm = ResponseForm.USUAL
    fault: Fault | None = None
    fault_for_s: float = 0.0


class Group(msgspec.Struct, frozen=True, gc=False):
    """The answers of a connection that are held to be given the last first."""

    connection: SmppConnection


@dataclass(slots=True, eq=False)
class Unanswered:
    """What one connection waits for, and how many answers it will never get."""

    wire: Wire
    answers: dict[int, Answer] = field(default_factory=dict)
    held: list[Answer] = field(default_factory=list)
    never: int = 0
    submits: int = 0
    unheard: deque[Submitted] = field(default_factory=lambda: deque(maxlen=UNHEARD_MAX))


class Submissions:
    """Those of one carrier. Receipts go to `deliveries` when they are due."""

    def __init__(
        self,
        carrier: str,
        behaviour: Behaviour,
        *,
        seed: int,
        first_id: int,
        clock: Clock,
        recorder: Recorder,
        violations: Violations,
        refused: RefusedMessages,
        throttled: ThrottledMessages,
        given_ids: GivenIds,
        deliveries: Deliveries,
    ) -> None:
        self.behaviour = behaviour
        self.receipts_due = 0
        self.table = MessageTable()
        self._carrier = carrier
        self._seed = carrier_seed(seed, carrier)
        self._next_id = first_id
        self._clock = clock
        self._recorder = recorder
        self._violations = violations
        self._refused = refused
        self._throttled = throttled
        self._given_ids = given_ids
        self._deliveries = deliveries
        self._count = 0
        self._bucket: TokenBucket | None = None
        self._queue: TokenBucket | None = None
        self._unanswered: dict[SmppConnection, Unanswered] = {}
        self._due: TimerHeap[Answer | Receipt | Group] = TimerHeap(clock, self._on_due)
        self.reset(behaviour)

    def set_behaviour(self, behaviour: Behaviour) -> None:
        """Switch at once; what was decided before is not undone."""
        before = self.behaviour
        self.behaviour = behaviour
        if behaviour.throttle != before.throttle:
            self._fill_bucket()
        if (behaviour.queue_max, behaviour.queue_drained_per_s) != (
            before.queue_max,
            before.queue_drained_per_s,
        ):
            self._empty_queue()

    def reset(self, behaviour: Behaviour) -> None:
        """Number messages from 1 again and forget the receipts; answers under way stay."""
        self.behaviour = behaviour
        self._fill_bucket()
        self._empty_queue()
        self._count = 0
        self.receipts_due = 0
        self.table.clear()
        self._due.keep(lambda item: not isinstance(item, Receipt))

    def connection_opened(self, connection: SmppConnection, wire: Wire) -> None:
        self._unanswered[connection] = Unanswered(wire)

    def connection_closed(self, connection: SmppConnection) -> None:
        """The customer will never hear the answers that were under way."""
        unanswered = self._unanswered.pop(connection)
        for answer in unanswered.answers.values():
            if answer.submitted is not None:
                self._recorder.response_lost(answer.submitted, is_cut=True)
        for submitted in unanswered.unheard:
            self._recorder.response_lost(submitted, is_cut=True)

    def receive(
        self, connection: SmppConnection, sequence_number: int, pdu: SubmitSm | DataSm | SubmitMulti
    ) -> None:
        if connection.session.closed:
            return  # It was dropped, by a request that came in the same segment.
        match pdu:
            case SubmitSm():
                self._receive(connection, sequence_number, pdu, SubmitSmResp)
            case SubmitMulti():
                self._receive_multi(connection, sequence_number, pdu)
            case DataSm():
                if max(len(pdu.source_addr), len(pdu.destination_addr)) > ADDRESS_MAX:
                    connection.respond(sequence_number, None, CommandStatus.ESME_RINVDSTADR)
                    return
                self._receive(connection, sequence_number, _as_submit_sm(pdu), DataSmResp)
        self._count_submit(connection)

    def _receive(
        self,
        connection: SmppConnection,
        sequence_number: int,
        pdu: SubmitSm,
        resp: type[SubmitSmResp | DataSmResp],
    ) -> None:
        now = self._clock.now()
        unanswered = self._unanswered[connection]
        version = unanswered.wire.witness.interface_version
        data, decision = self._take(connection, pdu, now, version)
        if decision.is_dropped:
            self._recorder.counts(self._carrier).dropped += 1
            connection.abort("dropped by behaviour")
            return
        answer = Answer(
            connection,
            sequence_number,
            decision.status,
            None,
            form=decision.response,
            fault=decision.fault,
            fault_for_s=decision.fault_for_s,
        )
        if not decision.is_accepted:
            self._recorder.refused(self._carrier, decision.status)
            self._answer(answer, decision.response_delay_s, now)
            return
        submitted = self._record(pdu, data, decision, now)
        self._schedule(connection, pdu, data, decision, now, early=True)
        if decision.is_answered:
            tlvs = self._congestion(version, now)
            answer = replace(answer, pdu=resp(decision.message_id, tlvs), submitted=submitted)
            self._answer(answer, decision.response_delay_s, now)
        else:
            unanswered.never += 1
            self._recorder.counts(self._carrier).unanswered += 1
            self._lose(unanswered, submitted)
        self._schedule(connection, pdu, data, decision, now, early=False)

    def _receive_multi(
        self, connection: SmppConnection, sequence_number: int, pdu: SubmitMulti
    ) -> None:
        """One id for all recipients, and a list of those that were refused (§4.5.2). We keep no
        distribution lists."""
        now = self._clock.now()
        version = self._unanswered[connection].wire.witness.interface_version
        unsuccessful: list[UnsuccessfulSme] = []
        first: Submitted | None = None
        delay_s = 0.0
        for destination in pdu.dest_addresses:
            if not isinstance(destination, SmeAddress):
                connection.respond(sequence_number, None, CommandStatus.ESME_RINVDLNAME)
                return
            single = _to_one(pdu, destination)
            data, decision = self._take(connection, single, now, version)
            delay_s = max(delay_s, decision.response_delay_s)
            if not decision.is_accepted:
                status = decision.status or CommandStatus.ESME_RSYSERR
                self._recorder.refused(self._carrier, status)
                unsuccessful.append(
                    UnsuccessfulSme(destination.ton, destination.npi, destination.addr, status)
                )
                continue
            if first is not None:
                decision = replace(
                    decision, message_id=first.message_id, receipt_id=first.message_id
                )
            submitted = self._record(single, data, decision, now)
            for early in (True, False):
                self._schedule(connection, single, data, decision, now, early)
            first = first or submitted
        if first is None:
            status = unsuccessful[0].error_status_code
            answer = Answer(connection, sequence_number, status, None)
        else:
            resp = SubmitMultiResp(first.message_id, tuple(unsuccessful))
            answer = Answer(connection, sequence_number, 0, resp, first)
        self._answer(answer, delay_s, now)

    def _take(
        self, connection: SmppConnection, pdu: SubmitSm, now: float, interface_version: int
    ) -> tuple[UserData, Decision]:
        """Look at one message, and decide."""
        data = user_data.read(pdu)
        self._count += 1
        in_flight = connection.session.unanswered - self._unanswered[connection].never
        self._recorder.submitted(self._carrier, in_flight, now)
        for invariant, detail in check(pdu, data, interface_version):
            self._violations.add(invariant, self._carrier, detail, now)
        message = same_message(pdu) if self.behaviour.remembers_refusals else 0
        decision = self._decide(pdu, data, message, now, interface_version)
        if decision.is_remembered:
            self._refused.remember(message, self._carrier)
        elif message and decision.is_accepted:
            self._refused.forget(message)
        if self._throttled or decision.status in BUSY:
            self._check_turn(pdu, data, decision, now)
        return data, decision

    def _check_turn(self, pdu: SubmitSm, data: UserData, decision: Decision, now: float) -> None:
        pair = pdu.source_addr, pdu.destination_addr
        part = data.concatenation
        content = hash((data.octets, part and (part.number, part.total)))
        if self._throttled.overtaken(pair, content, now):
            detail = f"message {self._count}"
            self._violations.add(Invariant.OVERTAKEN, self._carrier, detail, now)
        if decision.status in BUSY:
            self._throttled.throttled(pair, content, now + decision.response_delay_s)

    def _count_submit(self, connection: SmppConnection) -> None:
        unanswered = self._unanswered.get(connection)
        if unanswered is None:
            return
        unanswered.submits += 1
        binding = self.behaviour.bind
        if unanswered.submits == binding.unbind_after_submits:
            unanswered.wire.inject(Fault.UNBIND)
        if unanswered.submits == binding.drop_after_submits:
            unanswered.wire.inject(Fault.FIN)

    def _decide(
        self, pdu: SubmitSm, data: UserData, message: int, now: float, interface_version: int
    ) -> Decision:
        behaviour = self.behaviour
        if interface_version < INTERFACE_3_4:
            behaviour = replace(behaviour, id_format=IdFormat.HEX8, receipt_id_format=None)
        outstanding = self.receipts_due + len(self._deliveries)
        if self._queue is not None:
            is_queue_full = not self._queue.admit(1, now) or outstanding >= RECEIPTS_MAX
        else:
            is_queue_full = outstanding >= (behaviour.queue_max or RECEIPTS_MAX)
        part = data.concatenation
        submission = Submission(
            number=self._count,
            carrier=self._carrier,
            sender=pdu.source_addr,
            recipient=pdu.destination_addr,
            text=user_data.decode(data.octets, data.data_coding) if behaviour.reads_text else "",
            registered_delivery=pdu.registered_delivery,
            part_number=part.number if part else 1,
            part_total=part.total if part else 1,
            refused_by=self._refused.refused_by(message) if message else "",
            is_throttled=self._bucket is not None and not self._bucket.admit(data.segments, now),
            is_queue_full=is_queue_full,
        )
        chance = message_chance(self._seed, self._count)
        decision = decide(behaviour, submission, self._next_id, chance)
        if decision.is_accepted:
            self._next_id += 1
        return decision

    def _record(self, pdu: SubmitSm, data: UserData, decision: Decision, now: float) -> Submitted:
        submitted = Submitted(
            self._carrier,
            shown(pdu.source_addr_ton, pdu.source_addr),
            shown(pdu.dest_addr_ton, pdu.destination_addr),
            data,
            decision.message_id,
            now,
        )
        self._recorder.accepted(submitted)
        message = TabledMessage(pdu, now + decision.response_delay_s, decision.schedule.stages)
        self.table.add(decision.message_id, message)
        self._given_ids.give(self._carrier, decision.receipt_id)
        return submitted

    # Answers

    def _answer(self, answer: Answer, delay_s: float, now: float) -> None:
        self._unanswered[answer.connection].answers[answer.sequence_number] = answer
        if delay_s:
            self._due.add(now + delay_s, answer)
        else:
            self._answer_due(answer)

    def _answer_due(self, answer: Answer) -> None:
        unanswered = self._unanswered.get(answer.connection)
        if unanswered is None:
            return
        group = self.behaviour.responses_reversed
        if group < 2:
            self._respond(unanswered, answer)
            return
        unanswered.held.append(answer)
        if len(unanswered.held) >= group:
            self._release(unanswered)
        elif len(unanswered.held) == 1:
            due = self._clock.now() + self.behaviour.responses_held_s
            self._due.add(due, Group(answer.connection))

    def _release(self, unanswered: Unanswered) -> None:
        held, unanswered.held = unanswered.held, []
        for answer in reversed(held):
            self._respond(unanswered, answer)

    def _respond(self, unanswered: Unanswered, answer: Answer) -> None:
        wire = unanswered.wire
        is_heard = wire.is_heard and answer.form not in UNHEARD and answer.fault not in SILENCING
        if not is_heard and answer.submitted is not None:
            self._lose(unanswered, answer.submitted)
        unanswered.answers.pop(answer.sequence_number, None)
        if answer.form is not ResponseForm.USUAL:
            wire.alter(answer.sequence_number, answer.form)
        if answer.fault is Fault.FIN_MID_PDU:
            wire.cut_next()
        elif answer.fault is not None:
            wire.inject(answer.fault, answer.fault_for_s)
        answer.connection.respond(answer.sequence_number, answer.pdu, answer.command_status)

    def _lose(self, unanswered: Unanswered, submitted: Submitted) -> None:
        """The customer may send it again: later, or at once where the connection ends."""
        unanswered.unheard.append(submitted)
        self._recorder.response_lost(submitted, is_cut=False)

    def _congestion(self, interface_version: int, now: float) -> dict[int, bytes]:
        """congestion_state, to those who know it (5.0 §4.8.4.18)."""
        if not self.behaviour.congestion_state or interface_version < INTERFACE_5_0:
            return {}
        bucket = self._queue or self._bucket
        return {Tag.CONGESTION_STATE: bytes([bucket.congestion(now) if bucket else 0])}

    # Receipts

    def _schedule(
        self,
        connection: SmppConnection,
        pdu: SubmitSm,
        data: UserData,
        decision: Decision,
        now: float,
        early: bool,
    ) -> None:
        """Its receipts: those that precede the response, or those that follow it."""
        for planned in decision.schedule.receipts:
            if planned.before_response is not early:
                continue
            text = data.octets if data.data_coding == DataCoding.DEFAULT_ALPHABET else b""
            receipt_id = decision.receipt_id
            if planned.id is ReceiptId.WRONG:
                receipt_id = wrong_id(receipt_id)
            elif planned.id is ReceiptId.FOREIGN:
                receipt_id = self._given_ids.of_another(self._carrier)
            goes_round = planned.style.bind is ReceiptBind.ANY
            receipt = Receipt(
                pdu,
                receipt_id,
                planned,
                now,
                text,
                decision.message_id,
                None if goes_round else connection,
            )
            self.receipts_due += 1
            due_in_s = decision.response_delay_s + planned.after_s
            if due_in_s:
                self._due.add(now + due_in_s, receipt)
            else:
                self._receipt_due(receipt)

    def _receipt_due(self, receipt: Receipt) -> None:
        self.receipts_due -= 1
        if not self.table.is_canceled(receipt.given_id):
            pdu = receipt_pdu.pdu(receipt, self._clock.now())
            bind = receipt.planned.style.bind
            self._deliveries.add(Delivery(pdu, True, bind, receipt.origin))

    def _on_due(self, item: Answer | Receipt | Group) -> None:
        match item:
            case Receipt():
                self._receipt_due(item)
            case Answer():
                self._answer_due(item)
            case Group(connection):
                unanswered = self._unanswered.get(connection)
                if unanswered is not None:
                    self._release(unanswered)

    # Buckets

    def _fill_bucket(self) -> None:
        throttle = self.behaviour.throttle
        self._bucket = TokenBucket(throttle, self._clock.now()) if throttle else None

    def _empty_queue(self) -> None:
        """A queue that drains is a bucket that fills: its room is what has been drained."""
        behaviour = self.behaviour
        self._queue = None
        if behaviour.queue_drained_per_s:
            drained = Throttle(
                segments_per_s=behaviour.queue_drained_per_s,
                burst=behaviour.queue_max,
                counted=Counted.MESSAGES,
            )
            self._queue = TokenBucket(drained, self._clock.now())


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


def _to_one(pdu: SubmitMulti, destination: SmeAddress) -> SubmitSm:
    return SubmitSm(
        service_type=pdu.service_type,
        source_addr_ton=pdu.source_addr_ton,
        source_addr_npi=pdu.source_addr_npi,
        source_addr=pdu.source_addr,
        dest_addr_ton=destination.ton,
        dest_addr_npi=destination.npi,
        destination_addr=destination.addr,
        esm_class=pdu.esm_class,
        protocol_id=pdu.protocol_id,
        priority_flag=pdu.priority_flag,
        schedule_delivery_time=pdu.schedule_delivery_time,
        validity_period=pdu.validity_period,
        registered_delivery=pdu.registered_delivery,
        replace_if_present_flag=pdu.replace_if_present_flag,
        data_coding=pdu.data_coding,
        sm_default_msg_id=pdu.sm_default_msg_id,
        short_message=pdu.short_message,
        tlvs=pdu.tlvs,
    )
