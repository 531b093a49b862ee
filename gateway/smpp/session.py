"""One SMPP session (v3.4 §2), in either role: octets and `now` in; octets, events and the next
deadline out. No sockets, no clock, no tasks.

The theory: a session is a state (`SessionState`), moved along `TRANSITIONS` by the PDUs that pass;
a table of who may send what in which state (`MAY_SEND`, §2.3 table 2-1); and two sets of requests
that await a response, ours and the peer's. Ours are bounded by `window`, answered in any order,
and each has one deadline. The peer's are answered by the owner, who may take its time; they are
bounded by `receive_window`: at the bound no further PDU is looked at until half are answered.

What the owner need not decide is decided here: enquire_link and unbind, PDUs that cannot be read,
that are unknown, or that the state does not allow, a link that is dead, a peer that never binds.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from math import inf

import msgspec

from gateway.smpp import codec
from gateway.smpp.constants import (
    HEADER_LENGTH,
    INTERFACE_3_3,
    INTERFACE_3_4,
    INTERFACE_5_0,
    RESPONSE,
    SEQUENCE_NUMBER_MAX,
    CommandId,
    CommandStatus,
    Tag,
)
from gateway.smpp.errors import NotBound, PduError, WindowFull
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
    BindFields,
    BindRespFields,
    EnquireLink,
    EnquireLinkResp,
    Pdu,
    Unbind,
    UnbindResp,
)
from gateway.smpp.states import (
    BINDS,
    BOUND,
    MAY_CROSS,
    MAY_SEND,
    TRANSITIONS,
    UNANSWERED,
    Role,
    SessionState,
)

PDU_LENGTH_MAX = 66_560
LATE_RESPONSES_MAX = 10_000
RECEIVE_WINDOW = 1_000
# Whoever sends nothing else than what must be refused would fill the log. All are answered.
REFUSALS_TOLD_MAX = 100
REFUSALS_TOLD_S = 60.0
# To compare an int with a member of an IntEnum takes three times as long.
_ENQUIRE_LINK = int(CommandId.ENQUIRE_LINK)
_UNBIND = int(CommandId.UNBIND)
_GENERIC_NACK = int(CommandId.GENERIC_NACK)
_CLOSED = SessionState.CLOSED
_read_header = codec.HEADER.unpack_from
_NONE: frozenset[SessionState] = frozenset()
# What concerns the owner in nothing.
_OF_SESSION = frozenset({CommandId.ENQUIRE_LINK, CommandId.UNBIND})
# Of the requests, those that move the session.
_MOVING = frozenset(command_id for _, command_id in TRANSITIONS)


@dataclass(frozen=True, slots=True)
class Timers:
    """§7.2, in seconds; 0 switches one off.

    session_init_s bounds the time from the connection to the bind, enquire_link_s the silence
    after which we ask, response_s the wait for an answer and for what is in flight at an unbind,
    inactivity_s the time without any request other than enquire_link, after which we unbind.
    """

    session_init_s: float = 10.0
    enquire_link_s: float = 30.0
    response_s: float = 10.0
    inactivity_s: float = 0.0


class Session:
    """A session over one connection that has just been made.

    `last_sequence_number` is that of the session before, of a client which does not want an answer
    of then, should the peer send it now, to be taken for one to a request of now (5.0 §2.6.3).

    `peer_interface_version` is what the peer says in its bind or bind_resp; who says nothing reads
    no TLVs (§3.4), as one of 3.3. `congestion_state`, if the owner sets it, goes to peers of 5.0
    in our answers.
    """

    def __init__(
        self,
        role: Role,
        now: float,
        timers: Timers,
        window: int = 10,
        receive_window: int = RECEIVE_WINDOW,
        last_sequence_number: int = 0,
    ) -> None:
        assert window >= 1
        assert receive_window >= 1
        self.role = role
        self.state = SessionState.OPEN
        self.peer_interface_version = INTERFACE_3_3
        self.congestion_state: int | None = None
        self._peer_may_send = MAY_SEND[role.peer]
        self._may_send = MAY_SEND[role]
        self._timers = timers
        self._response_s = timers.response_s or inf
        self._window = window
        self._receive_window = receive_window
        self._holding = False
        self._opened_at = now
        self._heard_at = now
        self._active_at = now
        self._received = bytearray()
        self._needed = 0
        self._out: list[bytes] = []
        self._events: list[Event] = []
        self._last_sequence_number = last_sequence_number
        self._awaited: dict[int, tuple[float, CommandId]] = {}
        self._late: OrderedDict[int, CommandId] = OrderedDict()
        self._unanswered: dict[int, CommandId] = {}
        self._refusals = 0
        self._refusals_since = now
        self._unbind_wanted = False
        self._unbind_asked = False
        self._peer_unbind: int | None = None
        self._leave_by = inf
        self._link_asked = False

    # What the owner asks

    @property
    def window_free(self) -> int:
        """How many requests may be sent now."""
        return self._window - len(self._awaited)

    @property
    def closed(self) -> bool:
        return self.state is SessionState.CLOSED

    @property
    def unanswered(self) -> int:
        """How many requests of the peer's await our answer."""
        return len(self._unanswered)

    @property
    def holding(self) -> bool:
        """Whether the receive window is full: read no more octets. Once it is not any more, what
        was read already is taken by `receive_data` with none."""
        return self._holding

    @property
    def peer_reads_tlvs(self) -> bool:
        return self.peer_interface_version >= INTERFACE_3_4

    @property
    def last_sequence_number(self) -> int:
        """Of our requests."""
        return self._last_sequence_number

    def request(self, pdu: Pdu, now: float) -> int:
        """Send a request; its sequence_number is what the answer will carry.

        Raises:
            NotBound: the state does not allow it, or an unbind is under way.
            WindowFull: `window` requests are unanswered; wait for a Response.
            FieldError: a value does not fit its field.
        """
        command_id = pdu.command_id
        if self._unbind_wanted or self.state not in self._may_send.get(command_id, _NONE):
            raise NotBound(f"{command_id.name.lower()} is not for {self.state.value}")
        if len(self._awaited) >= self._window:
            raise WindowFull(f"{self._window} requests await their response")
        self._active_at = now
        return self._send_request(pdu, now)

    def respond(
        self, sequence_number: int, pdu: Pdu | None = None, command_status: int = 0
    ) -> None:
        """Answer a request of the peer's; without a `pdu`, by its bare header.

        An answer that comes after the session's end goes nowhere. A peer that reads no TLVs is
        sent none (§3.4).

        Raises:
            FieldError: a value does not fit its field; the request still awaits its answer.
        """
        command_id = self._unanswered.get(sequence_number)
        if command_id is None:
            return
        if pdu is None:
            self._out.append(
                codec.encode_header(command_id | RESPONSE, sequence_number, command_status)
            )
        else:
            if self.congestion_state is not None or self.peer_interface_version < INTERFACE_3_4:
                pdu = self._with_peers_tlvs(pdu)
            self._out.append(codec.encode(pdu, sequence_number, command_status))
        del self._unanswered[sequence_number]
        if self._holding:
            self._holding = len(self._unanswered) * 2 > self._receive_window
        if command_id in BINDS:
            self._bind_answered(CommandId(command_id | RESPONSE), command_status)
        elif self._peer_unbind is not None:
            self._confirm_unbind()

    def unbind(self, now: float) -> None:
        """Leave in good order: no new requests, the answers under way, then unbind (§4.2)."""
        if self.state not in BOUND:
            self.close("closed by us")
        elif not self._unbind_wanted:
            self._unbind_wanted = True
            self._leave_within_response_s(now)
            if self._idle:
                self._send_unbind(now)

    def close(self, reason: str) -> None:
        """End the session now, whatever is under way."""
        if self.state is not SessionState.CLOSED:
            self.state = SessionState.CLOSED
            self._events.append(Closed(reason, tuple(self._awaited)))
            self._awaited.clear()
            self._unanswered.clear()
            self._received.clear()
            self._holding = False
            self._leave_by = inf

    # The verbs of a protocol core

    def receive_data(self, octets: bytes, now: float) -> None:
        """Octets of the peer's, cut anywhere."""
        if self.state is _CLOSED:
            return
        self._heard_at = now
        if self._received:
            self._received += octets
            if len(self._received) < self._needed:
                return
            octets = bytes(self._received)
            self._received.clear()
        at, end = 0, len(octets)
        unanswered, receive_window = self._unanswered, self._receive_window
        self._needed = 4
        while end - at >= HEADER_LENGTH:
            length, command_id, status, sequence_number = _read_header(octets, at)
            if not HEADER_LENGTH <= length <= PDU_LENGTH_MAX:
                self._lose_framing(length, octets[at:])
                return
            behind = at + length
            if behind > end:
                self._needed = length
                break
            body = octets[at + HEADER_LENGTH : behind]
            if command_id & RESPONSE:
                self._receive_response(command_id, status, sequence_number, body)
            elif len(unanswered) < receive_window:
                self._receive_request(command_id, sequence_number, body, now)
            else:
                self._needed = length
                break
            if self.state is _CLOSED:
                return
            at = behind
        else:
            if end - at >= 4:  # Of a header that is not whole the length tells enough.
                length = int.from_bytes(octets[at : at + 4], "big")
                if not HEADER_LENGTH <= length <= PDU_LENGTH_MAX:
                    self._lose_framing(length, octets[at:])
                    return
                self._needed = length
        if at < end:
            self._received += octets[at:]
        if len(unanswered) >= receive_window:
            self._holding = True

    def receive_eof(self, now: float) -> None:
        """The peer, or the network, has closed the connection."""
        self.close("connection lost" if self.state in BOUND else "connection closed")

    def handle_timer(self, now: float) -> None:
        """Do what is due at `now`; harmless when nothing is."""
        if self.state is SessionState.CLOSED:
            return
        self._time_out_requests(now)
        if self._init_deadline() <= now:
            self.close("no bind within session_init_s")
        elif self._leave_by <= now:
            self._leave_what_is_unanswered(now)
        elif self._inactivity_deadline() <= now:
            self.unbind(now)
        elif self._unbind_wanted and self._idle and self.state in BOUND:
            self._send_unbind(now)
        elif self._enquire_deadline() <= now:
            self._link_asked = True
            self._send_request(EnquireLink(), now)

    def next_timer(self) -> float | None:
        """When `handle_timer` is wanted next."""
        if self.state is SessionState.CLOSED:
            return None
        if self._unbind_wanted and self._idle and self.state in BOUND:
            return self._heard_at  # At once: the last answer has just come.
        deadline = min(
            self._init_deadline(),
            self._inactivity_deadline(),
            self._enquire_deadline(),
            self._leave_by,
        )
        if self._awaited:
            deadline = min(deadline, next(iter(self._awaited.values()))[0])
        return deadline if deadline < inf else None

    def data_to_send(self) -> bytes:
        """Octets for the peer since the last call."""
        if not self._out:
            return b""
        octets = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out.clear()
        return octets

    def events(self) -> list[Event]:
        """What happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    # Requests of the peer's

    def _receive_request(
        self, command_id: int, sequence_number: int, body: bytes, now: float
    ) -> None:
        states = self._peer_may_send.get(command_id, _NONE)
        if self.state not in states and not (states and self._crosses_unbind(command_id)):
            self._refuse_by_state(command_id, sequence_number)
            return
        try:
            pdu = codec.decode(command_id, body)
        except PduError as error:
            self._refuse(command_id, sequence_number, error.status, str(error))
            return
        if command_id in _OF_SESSION:
            self._answer_request(command_id, sequence_number, now)
            return
        self._active_at = now
        if sequence_number in self._unanswered:
            # Two answers could not be told apart, and what is told to the wrong one is wrong twice.
            reason = "its sequence_number is that of a request in flight"
            self._refuse(command_id, sequence_number, CommandStatus.ESME_RSYSERR, reason)
            return
        command = pdu.command_id
        if command in _MOVING:
            self.state = TRANSITIONS[self.state, command]
            if isinstance(pdu, BindFields):
                self.peer_interface_version = pdu.interface_version
        if command not in UNANSWERED:
            self._unanswered[sequence_number] = command
        self._events.append(Request(sequence_number, pdu))

    def _refuse_by_state(self, command_id: int, sequence_number: int) -> None:
        if command_id not in codec.KNOWN_COMMANDS:
            self._refuse(command_id, sequence_number, CommandStatus.ESME_RINVCMDID, "unknown")
            return
        already = command_id in BINDS and self.state is not SessionState.OPEN
        status = CommandStatus.ESME_RALYBND if already else CommandStatus.ESME_RINVBNDSTS
        self._refuse(command_id, sequence_number, status, f"session is {self.state.value}")

    def _answer_request(self, command_id: int, sequence_number: int, now: float) -> None:
        """To an enquire_link at once, to an unbind once all else is answered."""
        if command_id == _ENQUIRE_LINK:
            self._out.append(codec.encode(EnquireLinkResp(), sequence_number))
            return
        self._active_at = now
        self.state = SessionState.UNBINDING
        self._peer_unbind = sequence_number
        self._leave_within_response_s(now)
        self._confirm_unbind()

    def _crosses_unbind(self, command_id: int) -> bool:
        """Refused, it would be lost with a peer that takes the refusal for good (§4.2)."""
        ours = self.state is SessionState.UNBINDING and self._peer_unbind is None
        return ours and command_id in MAY_CROSS

    def _refuse(
        self, command_id: int, sequence_number: int, status: CommandStatus, reason: str
    ) -> None:
        """A known PDU gets its own response, an unknown one a generic_nack (§4.3); so does one that
        has no response of its own."""
        unknown = status is CommandStatus.ESME_RINVCMDID or command_id in UNANSWERED
        answer = CommandId.GENERIC_NACK if unknown else command_id | RESPONSE
        self._out.append(codec.encode_header(answer, sequence_number, status))
        if self._heard_at - self._refusals_since >= REFUSALS_TOLD_S:
            self._refusals, self._refusals_since = 0, self._heard_at
        self._refusals += 1
        if self._refusals <= REFUSALS_TOLD_MAX:
            self._events.append(PduRefused(command_id, sequence_number, status, reason))

    def _lose_framing(self, length: int, octets: bytes) -> None:
        """Where the next PDU begins is not known any more, so the session cannot go on (§4.3)."""
        known = len(octets) >= HEADER_LENGTH
        _, command_id, _, sequence_number = (
            codec.HEADER.unpack_from(octets) if known else (0, 0, 0, 0)
        )
        status = CommandStatus.ESME_RINVCMDLEN
        if not command_id & RESPONSE:
            self._out.append(codec.encode_header(CommandId.GENERIC_NACK, sequence_number, status))
        reason = f"command_length {length} is not from {HEADER_LENGTH} to {PDU_LENGTH_MAX}"
        self._events.append(PduRefused(command_id, sequence_number, status, reason))
        self.close(reason)

    def _with_peers_tlvs(self, pdu: Pdu) -> Pdu:
        tlvs: dict[int, bytes] | None = getattr(pdu, "tlvs", None)
        if tlvs is None or isinstance(pdu, BindRespFields):
            return pdu
        if not self.peer_reads_tlvs:
            return msgspec.structs.replace(pdu, tlvs={}) if tlvs else pdu
        if self.congestion_state is None or self.peer_interface_version < INTERFACE_5_0:
            return pdu
        congestion = {Tag.CONGESTION_STATE: bytes([self.congestion_state])}
        return msgspec.structs.replace(pdu, tlvs=tlvs | congestion)

    def _bind_answered(self, command_id: CommandId, command_status: int) -> None:
        if command_status:
            self.state = SessionState.OPEN
        else:
            self.state = TRANSITIONS[self.state, command_id]
            self._events.append(Bound(self.state))

    # Requests of ours

    def _send_request(self, pdu: Pdu, now: float) -> int:
        sequence_number = self._last_sequence_number + 1
        if sequence_number > SEQUENCE_NUMBER_MAX:
            sequence_number = 1
        self._out.append(codec.encode(pdu, sequence_number))
        self._last_sequence_number = sequence_number
        if self._late:
            self._late.pop(sequence_number, None)
        command_id = pdu.command_id
        if command_id in UNANSWERED:
            return sequence_number
        self._awaited[sequence_number] = (now + self._response_s, command_id)
        if command_id in _MOVING:
            self.state = TRANSITIONS.get((self.state, command_id), self.state)
        return sequence_number

    def _receive_response(
        self, command_id: int, status: int, sequence_number: int, body: bytes
    ) -> None:
        awaited = self._awaited.get(sequence_number)
        late = awaited is None
        request_id = self._late.get(sequence_number) if awaited is None else awaited[1]
        nack = command_id == _GENERIC_NACK
        if request_id is None or (command_id != request_id | RESPONSE and not nack):
            return  # It answers nothing of ours; an answer is never answered (§2.8).
        if late:
            del self._late[sequence_number]
        else:
            del self._awaited[sequence_number]
        if request_id in _OF_SESSION:
            if request_id == _UNBIND:
                self.close("unbound")
                return
            self._link_asked = False
        else:
            pdu = None
            if not status and not nack:
                try:
                    pdu = codec.decode(command_id, body)
                except PduError as error:
                    pdu, reason = error.pdu, str(error)
                    self._events.append(
                        PduRefused(command_id, sequence_number, error.status, reason)
                    )
            elif nack and not status:
                status = CommandStatus.ESME_RUNKNOWNERR
            if pdu and request_id in BINDS and isinstance(pdu, BindRespFields):
                version = pdu.tlvs.get(Tag.SC_INTERFACE_VERSION, b"")
                self.peer_interface_version = version[0] if len(version) == 1 else INTERFACE_3_3
            self._events.append(Response(sequence_number, status, pdu, late))
            if request_id in BINDS:
                self._bind_answered(CommandId(request_id | RESPONSE), status)
        if self._peer_unbind is not None:
            self._confirm_unbind()

    def _time_out_requests(self, now: float) -> None:
        while self._awaited:
            sequence_number, (deadline, command_id) = next(iter(self._awaited.items()))
            if deadline > now:
                break
            if command_id in (CommandId.ENQUIRE_LINK, CommandId.UNBIND) or command_id in BINDS:
                self.close(f"no answer to {command_id.name.lower()} within response_s")
                return
            del self._awaited[sequence_number]
            if len(self._late) >= LATE_RESPONSES_MAX:
                self._late.popitem(last=False)
            self._late[sequence_number] = command_id
            self._events.append(ResponseTimedOut(sequence_number))
        if self._peer_unbind is not None:
            self._confirm_unbind()

    # Leaving

    @property
    def _idle(self) -> bool:
        """Nothing is under way; an enquire_link or unbind of ours holds nothing up."""
        awaited = len(self._awaited) - self._link_asked - self._unbind_asked
        return not awaited and not self._unanswered

    def _confirm_unbind(self) -> None:
        """The peer's unbind is answered once nothing else is under way (§4.2)."""
        if self._idle and self._peer_unbind is not None:
            self._out.append(codec.encode(UnbindResp(), self._peer_unbind))
            self.close("unbound by the peer")

    def _send_unbind(self, now: float) -> None:
        self._leave_by = inf
        self._unbind_asked = True
        self._send_request(Unbind(), now)

    def _leave_within_response_s(self, now: float) -> None:
        if self._timers.response_s:
            self._leave_by = min(self._leave_by, now + self._timers.response_s)

    def _leave_what_is_unanswered(self, now: float) -> None:
        """By now nothing of ours is awaited; the owner has had its time to answer the peer."""
        if self._peer_unbind is None:
            self._send_unbind(now)
        else:
            self._unanswered.clear()
            self._confirm_unbind()

    # Deadlines

    def _init_deadline(self) -> float:
        waiting = self.state in (SessionState.OPEN, SessionState.BINDING)
        session_init_s = self._timers.session_init_s
        return self._opened_at + session_init_s if waiting and session_init_s else inf

    def _inactivity_deadline(self) -> float:
        inactivity_s = self._timers.inactivity_s
        if not inactivity_s or self.state not in BOUND or self._unbind_wanted:
            return inf
        return self._active_at + inactivity_s

    def _enquire_deadline(self) -> float:
        enquire_link_s = self._timers.enquire_link_s
        if not enquire_link_s or self.state not in BOUND or self._link_asked or self._holding:
            return inf  # While we hold, it is we who do not listen.
        return self._heard_at + enquire_link_s
