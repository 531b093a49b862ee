"""What one carrier does with submit_sm, submit_multi and data_sm: it asks `behaviour.decide`, and
acts.

It holds what the decisions need: the state of the throttle and of the queue, and the numbering of
messages. Responses are given by `answers`, receipts by `receipts`.
"""

from __future__ import annotations

from msgspec.structs import replace

from carriers_sim import user_data
from carriers_sim.address import shown
from carriers_sim.answers import Answer, Answers
from carriers_sim.behaviour import (
    Behaviour,
    Decision,
    Submission,
    carrier_seed,
    decide,
    message_chance,
)
from carriers_sim.conformance import check
from carriers_sim.deliveries import Deliveries
from carriers_sim.given_ids import GivenIds
from carriers_sim.message_id import IdFormat
from carriers_sim.message_table import MessageTable, TabledMessage
from carriers_sim.receipts import Receipts
from carriers_sim.recorder import Recorder, Submitted
from carriers_sim.refused_messages import RefusedMessages, same_message
from carriers_sim.throttle import Counted, Throttle, TokenBucket
from carriers_sim.throttled_messages import ThrottledMessages
from carriers_sim.user_data import Alphabet, UserData
from carriers_sim.violations import Invariant, Violations
from carriers_sim.wire import Wire
from gateway.clock import Clock
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import INTERFACE_3_4, INTERFACE_5_0, CommandStatus, Tag
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

# The answers of a carrier that is busy (CLI-5).
BUSY = frozenset({CommandStatus.ESME_RTHROTTLED, CommandStatus.ESME_RMSGQFUL})


class Submissions:
    """Those of one carrier."""

    def __init__(
        self,
        carrier: str,
        behaviour: Behaviour,
        alphabet: Alphabet,
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
        self.table = MessageTable()
        self._carrier = carrier
        self._alphabet = alphabet
        self._seed = carrier_seed(seed, carrier)
        self._next_id = first_id
        self._clock = clock
        self._recorder = recorder
        self._violations = violations
        self._refused = refused
        self._throttled = throttled
        self._given_ids = given_ids
        self._deliveries = deliveries
        self._answers = Answers(clock, recorder, lambda: self.behaviour)
        self._receipts = Receipts(carrier, clock, self.table, given_ids, deliveries)
        self._count = 0
        self._bucket: TokenBucket | None = None
        self._queue: TokenBucket | None = None
        self.reset(behaviour)

    @property
    def receipts_due(self) -> int:
        return self._receipts.due

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
        self.table.clear()
        self._receipts.clear()

    def connection_opened(self, connection: SmppConnection, wire: Wire) -> None:
        self._answers.connection_opened(connection, wire)

    def connection_closed(self, connection: SmppConnection) -> None:
        self._answers.connection_closed(connection)

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

    def _receive(
        self,
        connection: SmppConnection,
        sequence_number: int,
        pdu: SubmitSm,
        resp: type[SubmitSmResp | DataSmResp],
    ) -> None:
        now = self._clock.now()
        version = self._answers.wire(connection).witness.interface_version
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
            self._answers.give(answer, decision.response_delay_s, now)
            return
        submitted = self._record(pdu, data, decision, now)
        self._receipts.schedule(connection, pdu, data, decision, now, early=True)
        if decision.is_answered:
            tlvs = self._congestion(version, now)
            answer = replace(answer, pdu=resp(decision.message_id, tlvs), submitted=submitted)
            self._answers.give(answer, decision.response_delay_s, now)
        else:
            self._recorder.counts(self._carrier).unanswered += 1
            self._answers.never_give(connection, submitted)
        self._receipts.schedule(connection, pdu, data, decision, now, early=False)

    def _receive_multi(
        self, connection: SmppConnection, sequence_number: int, pdu: SubmitMulti
    ) -> None:
        """One id for all recipients, and a list of those that were refused (§4.5.2). We keep no
        distribution lists."""
        now = self._clock.now()
        version = self._answers.wire(connection).witness.interface_version
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
                self._receipts.schedule(connection, single, data, decision, now, early)
            first = first or submitted
        if first is None:
            status = unsuccessful[0].error_status_code
            answer = Answer(connection, sequence_number, status, None)
        else:
            resp = SubmitMultiResp(first.message_id, tuple(unsuccessful))
            answer = Answer(connection, sequence_number, 0, resp, first)
        self._answers.give(answer, delay_s, now)

    def _take(
        self, connection: SmppConnection, pdu: SubmitSm, now: float, interface_version: int
    ) -> tuple[UserData, Decision]:
        """Look at one message, and decide."""
        data = user_data.read(pdu, self._alphabet)
        self._count += 1
        self._recorder.submitted(self._carrier, self._answers.in_flight(connection), now)
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
        is_in_time = decision.response_delay_s <= self._recorder.expectations.response_s
        if decision.status in BUSY and is_in_time:
            self._throttled.throttled(pair, content, now + decision.response_delay_s)

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
            text=user_data.text(data) if behaviour.reads_text else "",
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

    def _congestion(self, interface_version: int, now: float) -> dict[int, bytes]:
        """congestion_state, to those who know it (5.0 §4.8.4.18)."""
        if not self.behaviour.congestion_state or interface_version < INTERFACE_5_0:
            return {}
        bucket = self._queue or self._bucket
        return {Tag.CONGESTION_STATE: bytes([bucket.congestion(now) if bucket else 0])}

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
