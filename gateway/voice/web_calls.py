"""The user agent of those who call over the REST API (a browser's page, say), who speak HTTP and no
SIP. Pure: what they ask and `now` in; SIP for the gateway's own endpoint, and what it says, out.

To the gateway they are one more SIP peer, over a connection that is their account's (INSIDE), so
that admission, limits, routing, records and media are those of every call.

A caller listens to its call. Whoever does not for UNHEARD_S is taken to be gone, and his call ends;
so does what is kept of a call that is over.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from gateway.call import CallEvent
from gateway.sip.headers import Field
from gateway.sip.leg_events import (
    Answered,
    Asked,
    Ended,
    IncomingCall,
    LegEvent,
    OutsideDialog,
    OutsideResponse,
    Provisional,
    Responded,
    Withdrawn,
)
from gateway.sip.leg_state import LegState, RequestPending
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.outgoing_leg import Invitation
from gateway.sip.own_request import describes
from gateway.sip.sanity import Refusal
from gateway.sip.session_timer import SessionInterval
from gateway.sip.timers import TimerValues
from gateway.sip.transaction import Destination
from gateway.sip.user_agent import LegsFull, UserAgent
from gateway.voice.call_session import description
from gateway.voice.web_call import Kind, OnChange, WebCall, warning

UNHEARD_S = 10.0
# For the answer to an offer of the other side's.
ANSWER_S = 10.0
# Nobody looks either up: what is sent to them goes over the connection that it came on (RFC 7118
# §5 names browsers so).
HERE = "rest.invalid"
NOT_ACCEPTABLE = 488
# What the page of a caller has no use for: a hold is an offer, and digits come as sound.
REFUSALS = {"INFO": 415, "REFER": 603, "NOTIFY": 481}


class WebCalls:
    def __init__(
        self,
        new_token: Callable[[], str],
        random: Random,
        interval: SessionInterval,
        calls_max: int,
    ) -> None:
        self.user_agent = UserAgent(
            lambda way: f"{way.host}.{HERE}",
            lambda way: f"<sip:{way.host}.{HERE};transport=inside>",
            new_token,
            random,
            TimerValues(),
            interval,
            locate=lambda _, known: known,
            legs_max=calls_max,
        )
        self._calls_max = calls_max
        # By the Call-ID of its leg, and by the id of its call once that is admitted.
        self._by_call_id: dict[str, WebCall] = {}
        self._by_id: dict[int, WebCall] = {}
        # Until when somebody has to listen, and to answer. Both in the order of their ends, for
        # all have the same time.
        self._unheard: dict[WebCall, float] = {}
        self._unanswered: dict[WebCall, float] = {}

    def __len__(self) -> int:
        return len(self._by_call_id)

    # What callers ask

    def place(
        self, account_sid: str, way: Destination, caller: str, called: str, sdp: bytes, now: float
    ) -> WebCall:
        """Call somebody; `caller` and `called` are user parts of SIP URIs. Raises LegsFull or
        TransactionsFull."""
        if len(self._by_call_id) >= self._calls_max:
            raise LegsFull(f"{self._calls_max} calls are kept")
        to = f"sip:{called}@{HERE}"
        from_ = f"<sip:{caller}@{HERE}>"
        leg = self.user_agent.invite(Invitation(to, from_, f"<{to}>", body=sdp), way, now)
        call = WebCall(account_sid, leg)
        leg.user = call
        self._by_call_id[leg.call_id] = call
        self._miss(call, now)
        return call

    def find(self, account_sid: str, call_id: int) -> WebCall | None:
        call = self._by_id.get(call_id)
        return call if call is not None and call.account_sid == account_sid else None

    def hang_up(self, call: WebCall, now: float) -> None:
        call.leg.hang_up(now)

    def offer(
        self, call: WebCall, sdp: bytes, now: float, on_answer: Callable[[int, bytes], None]
    ) -> None:
        """Describe the caller's side anew. `on_answer` is told the SIP status, and with 200 the
        answer.

        Raises:
            RequestPending: not now.
            TransactionsFull: there are too many.
        """
        if call.leg.state is not LegState.CONFIRMED:
            raise RequestPending("the call is not answered, or is over")
        call.reoffered = call.leg.request("INVITE", now, body=sdp)
        call.on_answer = on_answer

    def answer(self, call: WebCall, sdp: bytes, now: float) -> None:
        """Answer what the other side has offered. Raises RequestPending where it has not."""
        if call.offered is None:
            raise RequestPending("no offer awaits its answer")
        self._respond(call, 200, now, sdp)

    def listen(self, call: WebCall, on_change: OnChange) -> None:
        """Be told when `call.after` has more; whoever listened before is told, and is not the
        listener any more."""
        self._unheard.pop(call, None)
        before, call.listener = call.listener, on_change
        if before is not None:
            before()

    def leave(self, call: WebCall, on_change: OnChange, now: float) -> None:
        if call.listener is on_change:
            call.listener = None
            self._miss(call, now)

    # What comes

    def receive(self, message: SipRequest | SipResponse, source: Destination, now: float) -> None:
        self.user_agent.receive(message, source, now)
        self._take_events(now)

    def on_call_event(self, event: CallEvent) -> None:
        """Of any call."""
        call = self._by_call_id.get(event.call.call_id)
        if call is not None:
            self._by_id[event.call.id] = call
            call.reached(event)

    # Timers

    def next_timer(self) -> float | None:
        ends = [next(iter(each.values())) for each in (self._unheard, self._unanswered) if each]
        if (agent := self.user_agent.next_timer()) is not None:
            ends.append(agent)
        return min(ends, default=None)

    def handle_timer(self, now: float) -> None:
        """Do what is due at `now`; harmless when nothing is."""
        self.user_agent.handle_timer(now)
        self._take_events(now)
        for call in _due(self._unanswered, now):
            self._respond(call, NOT_ACCEPTABLE, now)
        for call in _due(self._unheard, now):
            if call.over:
                self._forget(call)
            else:
                self.hang_up(call, now)
                self._miss(call, now)
        self._take_events(now)

    # From the user agent

    def _take_events(self, now: float) -> None:
        for event in self.user_agent.events():
            self._take(event, now)

    def _take(self, event: LegEvent, now: float) -> None:
        if isinstance(event, OutsideDialog):
            self.user_agent.respond(event.transaction, 481, now)
            return
        # The gateway calls nobody here, and we send nothing that is outside of calls.
        assert not isinstance(event, IncomingCall | OutsideResponse)
        call = event.leg.user
        assert isinstance(call, WebCall)
        match event:
            case Provisional(_, response):
                if sdp := description(response):
                    call.described(Kind.EARLY, sdp)
            case Answered(_, response):
                call.described(Kind.ANSWER, description(response))
            case Asked():
                self._receive_request(call, event, now)
            case Withdrawn():
                self._unanswered.pop(call, None)
                call.offered = None
            case Responded(_, own, status, response):
                if own is call.reoffered and status >= 200:
                    self._receive_answer(call, status, description(response))
            case Ended(_, _, status, message):
                self._receive_end(call, status, message)
            case _:
                pass  # Acknowledged or Pracked: nothing waits for these.

    def _receive_request(self, call: WebCall, asked: Asked, now: float) -> None:
        request = asked.request
        if request.method in ("INVITE", "UPDATE") and describes(request):
            call.offered = asked
            self._unanswered[call] = now + ANSWER_S
            call.described(Kind.OFFER, description(request))
            return
        status = REFUSALS.get(request.method, NOT_ACCEPTABLE)
        call.leg.respond(asked.transaction, status, now)

    def _respond(self, call: WebCall, status: int, now: float, sdp: bytes = b"") -> None:
        self._unanswered.pop(call, None)
        asked, call.offered = call.offered, None
        assert asked is not None
        call.leg.respond(asked.transaction, status, now, body=sdp)

    def _receive_answer(self, call: WebCall, status: int, sdp: bytes) -> None:
        told, call.on_answer, call.reoffered = call.on_answer, None, None
        if told is not None:
            told(status, sdp)

    def _receive_end(self, call: WebCall, status: int, message: object) -> None:
        self._unanswered.pop(call, None)
        call.offered = None
        self._receive_answer(call, 481, b"")
        if call.call is None:
            call.refused(_refusal(status, message))
            self._forget(call)

    # What is kept

    def _miss(self, call: WebCall, now: float) -> None:
        self._unheard.pop(call, None)
        self._unheard[call] = now + UNHEARD_S

    def _forget(self, call: WebCall) -> None:
        self._by_call_id.pop(call.leg.call_id, None)
        if call.call is not None:
            self._by_id.pop(call.call.id, None)


def _due(ends: dict[WebCall, float], now: float) -> list[WebCall]:
    """Those whose time is over; they are taken out."""
    due = []
    for call, end in ends.items():
        if end > now:
            break
        due.append(call)
    for call in due:
        del ends[call]
    return due


def _refusal(status: int, message: object) -> Refusal:
    """Why the gateway did not take the call, as it said it."""
    if not isinstance(message, SipResponse):
        return Refusal(status or 503, "")
    headers: tuple[Field, ...] = ()
    if retry_after := message.headers.get("Retry-After"):
        headers = (("Retry-After", retry_after),)
    return Refusal(status, warning(message.headers.get("Warning")), headers)
