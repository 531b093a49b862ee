"""What one carrier does with submit_sm and data_sm: it asks `behaviour.decide`, and acts.

It holds what the decisions leave behind: answers and receipts that are due later, the state of
the throttle, and the numbering of messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from carriers_sim import user_data
from carriers_sim.address import shown
from carriers_sim.behaviour import (
    Behaviour,
    Decision,
    Submission,
    carrier_seed,
    decide,
    message_chance,
)
from carriers_sim.deliveries import Deliveries
from carriers_sim.receipt_pdu import Receipt, deliver_sm
from carriers_sim.recorder import Recorder, Submitted
from carriers_sim.refused_messages import RefusedMessages, same_message
from carriers_sim.throttle import TokenBucket
from carriers_sim.timer_heap import TimerHeap
from carriers_sim.user_data import UserData
from carriers_sim.violations import Invariant, Violations, check
from gateway.clock import Clock
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import SEQUENCE_NUMBER_MAX, CommandStatus, DataCoding
from gateway.smpp.pdus import DataSm, DataSmResp, SubmitSm, SubmitSmResp

# Receipts that are due later or wait for a receiver; with more, submit_sm gets ESME_RMSGQFUL.
RECEIPTS_MAX = 1_000_000
# Addresses of data_sm may be longer (§4.7.1) than a receipt, a deliver_sm, can carry back.
ADDRESS_MAX = 20


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A response on its way. `submitted` is set when it accepts a message."""

    connection: SmppConnection
    sequence_number: int
    command_status: int
    pdu: SubmitSmResp | DataSmResp | None
    submitted: Submitted | None = None


@dataclass(slots=True, eq=False)
class Unanswered:
    """What one connection waits for, and how many answers it will never get."""

    answers: dict[int, Answer] = field(default_factory=dict)
    never: int = 0


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
        deliveries: Deliveries,
    ) -> None:
        self.behaviour = behaviour
        self.receipts_due = 0
        self._carrier = carrier
        self._seed = carrier_seed(seed, carrier)
        self._next_id = first_id
        self._clock = clock
        self._recorder = recorder
        self._violations = violations
        self._refused = refused
        self._deliveries = deliveries
        self._count = 0
        self._bucket: TokenBucket | None = None
        self._unanswered: dict[SmppConnection, Unanswered] = {}
        self._due: TimerHeap[Answer | Receipt] = TimerHeap(clock, self._on_due)
        self.reset(behaviour)

    def set_behaviour(self, behaviour: Behaviour) -> None:
        """Switch at once; what was decided before is not undone."""
        if behaviour.throttle != self.behaviour.throttle:
            self._fill_bucket(behaviour)
        self.behaviour = behaviour

    def reset(self, behaviour: Behaviour) -> None:
        """Number messages from 1 again and forget the receipts; answers under way stay."""
        self.behaviour = behaviour
        self._fill_bucket(behaviour)
        self._count = 0
        self.receipts_due = 0
        self._due.keep(lambda item: isinstance(item, Answer))

    def connection_opened(self, connection: SmppConnection) -> None:
        self._unanswered[connection] = Unanswered()

    def connection_closed(self, connection: SmppConnection) -> None:
        """The customer will never hear the answers that were under way."""
        for answer in self._unanswered.pop(connection).answers.values():
            if answer.submitted is not None:
                self._recorder.response_lost(answer.submitted)

    def receive(
        self, connection: SmppConnection, sequence_number: int, pdu: SubmitSm | DataSm
    ) -> None:
        if connection.session.closed:
            return  # It was dropped, by a request that came in the same segment.
        if isinstance(pdu, DataSm):
            if max(len(pdu.source_addr), len(pdu.destination_addr)) > ADDRESS_MAX:
                connection.respond(sequence_number, None, CommandStatus.ESME_RINVDSTADR)
                return
            self._receive(connection, sequence_number, _as_submit_sm(pdu), DataSmResp)
        else:
            self._receive(connection, sequence_number, pdu, SubmitSmResp)

    def _receive(
        self,
        connection: SmppConnection,
        sequence_number: int,
        pdu: SubmitSm,
        resp: type[SubmitSmResp | DataSmResp],
    ) -> None:
        now = self._clock.now()
        data = user_data.read(pdu)
        self._count += 1
        in_flight = connection.session.unanswered - self._unanswered[connection].never
        self._recorder.submitted(self._carrier, in_flight, now)
        self._check(connection, sequence_number, pdu, data, now)

        message = same_message(pdu) if self.behaviour.remembers_refusals else 0
        decision = self._decide(pdu, data, message, now)
        if decision.is_remembered:
            self._refused.remember(message, self._carrier)
        if decision.is_dropped:
            self._recorder.counts(self._carrier).dropped += 1
            connection.abort("dropped by behaviour")
        elif not decision.is_accepted:
            self._recorder.refused(self._carrier, decision.status)
            answer = Answer(connection, sequence_number, decision.status, None)
            self._answer(answer, decision.response_delay_s, now)
        else:
            if message:
                self._refused.forget(message)
            submitted = self._record(pdu, data, decision, now)
            self._schedule(pdu, data, decision, now, early=True)
            if decision.is_answered:
                response = resp(decision.message_id)
                answer = Answer(connection, sequence_number, 0, response, submitted)
                self._answer(answer, decision.response_delay_s, now)
            else:
                self._unanswered[connection].never += 1
                self._recorder.counts(self._carrier).unanswered += 1
                self._recorder.response_lost(submitted)
            self._schedule(pdu, data, decision, now, early=False)

    def _check(
        self,
        connection: SmppConnection,
        sequence_number: int,
        pdu: SubmitSm,
        data: UserData,
        now: float,
    ) -> None:
        for invariant, detail in check(pdu, data):
            self._violations.add(invariant, self._carrier, detail, now)
        is_in_use = sequence_number in self._unanswered[connection].answers
        if is_in_use or not 0 < sequence_number <= SEQUENCE_NUMBER_MAX:
            detail = f"submit_sm with {sequence_number}"
            self._violations.add(Invariant.SEQUENCE_NUMBER, self._carrier, detail, now)

    def _decide(self, pdu: SubmitSm, data: UserData, message: int, now: float) -> Decision:
        behaviour = self.behaviour
        outstanding = self.receipts_due + len(self._deliveries)
        submission = Submission(
            number=self._count,
            carrier=self._carrier,
            sender=pdu.source_addr,
            recipient=pdu.destination_addr,
            text=user_data.decode(data.octets, data.data_coding) if behaviour.reads_text else "",
            registered_delivery=pdu.registered_delivery,
            refused_by=self._refused.refused_by(message) if message else "",
            is_throttled=self._bucket is not None and not self._bucket.admit(data.segments, now),
            is_queue_full=outstanding >= (behaviour.queue_max or RECEIPTS_MAX),
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
        return submitted

    def _answer(self, answer: Answer, delay_s: float, now: float) -> None:
        if delay_s:
            self._unanswered[answer.connection].answers[answer.sequence_number] = answer
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
            self.receipts_due += 1
            due_in_s = decision.response_delay_s + planned.after_s
            if due_in_s:
                self._due.add(now + due_in_s, receipt)
            else:
                self._on_due(receipt)

    def _on_due(self, item: Answer | Receipt) -> None:
        if isinstance(item, Receipt):
            self.receipts_due -= 1
            self._deliveries.add(deliver_sm(item, self._clock.now()), is_receipt=True)
            return
        unanswered = self._unanswered.get(item.connection)
        if unanswered is not None:
            unanswered.answers.pop(item.sequence_number, None)
            item.connection.respond(item.sequence_number, item.pdu, item.command_status)

    def _fill_bucket(self, behaviour: Behaviour) -> None:
        throttle = behaviour.throttle
        self._bucket = TokenBucket(throttle, self._clock.now()) if throttle else None


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
