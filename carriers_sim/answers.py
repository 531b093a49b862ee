"""The responses of one carrier: given now, later, the last first, spoilt on the way, or never.

Whatever the customer never hears of, the recorder is told, for it may come again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from carriers_sim.behaviour import Behaviour
from carriers_sim.fault import Fault
from carriers_sim.recorder import Recorder, Submitted
from carriers_sim.response_form import UNHEARD, ResponseForm
from carriers_sim.timer_heap import TimerHeap
from carriers_sim.wire import Wire
from gateway.clock import Clock
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.pdus import DataSmResp, SubmitMultiResp, SubmitSmResp

# Of the messages that a connection will never hear of, the last are remembered.
UNHEARD_MAX = 10_000
# With these the connection ends, or says nothing more, before the answer is out.
SILENCING = frozenset({Fault.RST, Fault.FIN, Fault.FIN_MID_PDU, Fault.BLACKHOLE})


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A response on its way. `submitted` is set when it accepts a message."""

    connection: SmppConnection
    sequence_number: int
    command_status: int
    pdu: SubmitSmResp | DataSmResp | SubmitMultiResp | None
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
    unheard: deque[Submitted] = field(default_factory=lambda: deque(maxlen=UNHEARD_MAX))


class Answers:
    """`behaviour` is asked for the carrier's present one."""

    def __init__(
        self, clock: Clock, recorder: Recorder, behaviour: Callable[[], Behaviour]
    ) -> None:
        self._clock = clock
        self._recorder = recorder
        self._behaviour = behaviour
        self._unanswered: dict[SmppConnection, Unanswered] = {}
        self._due: TimerHeap[Answer | Group] = TimerHeap(clock, self._on_due)

    def wire(self, connection: SmppConnection) -> Wire:
        return self._unanswered[connection].wire

    def in_flight(self, connection: SmppConnection) -> int:
        """How many requests of a connection's await an answer that will come."""
        return connection.session.unanswered - self._unanswered[connection].never

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

    def give(self, answer: Answer, delay_s: float, now: float) -> None:
        self._unanswered[answer.connection].answers[answer.sequence_number] = answer
        if delay_s:
            self._due.add(now + delay_s, answer)
        else:
            self._on_due(answer)

    def never_give(self, connection: SmppConnection, submitted: Submitted) -> None:
        unanswered = self._unanswered[connection]
        unanswered.never += 1
        self._lose(unanswered, submitted)

    def _on_due(self, item: Answer | Group) -> None:
        unanswered = self._unanswered.get(item.connection)
        if unanswered is None:
            return
        if isinstance(item, Group):
            self._release(unanswered)
            return
        behaviour = self._behaviour()
        if behaviour.responses_reversed < 2:
            self._respond(unanswered, item)
            return
        unanswered.held.append(item)
        if len(unanswered.held) >= behaviour.responses_reversed:
            self._release(unanswered)
        elif len(unanswered.held) == 1:
            self._due.add(self._clock.now() + behaviour.responses_held_s, Group(item.connection))

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
