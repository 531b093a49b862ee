"""What a leg keeps, and the small things that all of it uses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gateway.sip.dialog import Dialog
from gateway.sip.grammar import one_line
from gateway.sip.headers import Field
from gateway.sip.leg_events import EndCause, Ended, LegEvent
from gateway.sip.leg_state import Credentials, LegState, LegSurroundings
from gateway.sip.message import SipMessage, SipResponse
from gateway.sip.offer_answer_state import TRANSITIONS, Description, may
from gateway.sip.option_tags import option_tags
from gateway.sip.own_request import OwnRequest
from gateway.sip.server_transaction import ServerTransaction
from gateway.sip.session_timer import SessionTimer
from gateway.sip.timers import Timer, TimerEntry
from gateway.sip.transaction import Destination, Outgoing

if TYPE_CHECKING:
    from gateway.sip.leg import Leg


class LegCore:
    """`user` is the owner's own: whatever it wants to find again by an event. `credentials`
    answers a challenge (401, 407) to a request of ours with the headers of the next try, or None.
    `over` says that Ended has been told.
    """

    __slots__ = (
        "_acks",
        "_await_ack",
        "_bye_wanted",
        "_glared",
        "_no_ack_at",
        "_our_invite",
        "_peer_invite",
        "_peer_update",
        "_repeat_s",
        "_running",
        "_shared",
        "call_id",
        "contact",
        "credentials",
        "destination",
        "dialog",
        "local_description",
        "local_tag",
        "over",
        "peer_allows",
        "session_timer",
        "state",
        "user",
    )

    def __init__(
        self,
        shared: LegSurroundings,
        call_id: str,
        local_tag: str,
        destination: Destination,
        credentials: Credentials | None = None,
    ) -> None:
        self._shared = shared
        self.call_id = call_id
        self.local_tag = local_tag
        self.destination = destination
        self.contact = one_line(shared.contact(destination))
        self.state = LegState.INVITED
        self.over = False
        self.dialog: Dialog | None = None
        self.user: Any = None
        self.session_timer = SessionTimer(shared.interval)
        self.peer_allows: frozenset[str] = frozenset()
        self.local_description = b""
        self.credentials = credentials
        self._running: dict[Timer, TimerEntry] = {}
        self._acks: dict[tuple[int, str], Outgoing | None] = {}
        self._await_ack: tuple[ServerTransaction, SipResponse] | None = None
        self._repeat_s = 0.0
        self._no_ack_at = 0.0
        self._our_invite: OwnRequest | None = None
        self._peer_invite: ServerTransaction | None = None
        self._peer_update: ServerTransaction | None = None
        self._glared: OwnRequest | None = None
        self._bye_wanted: tuple[Field, ...] | None = None
        shared.legs[call_id, local_tag] = self._leg

    @property
    def _leg(self) -> Leg:
        """Itself, whole."""
        raise AssertionError

    @property
    def _owns_call_id(self) -> bool:
        raise AssertionError

    # What the owner asks

    @property
    def may_offer(self) -> bool:
        """Whether an INVITE with an offer would pass now."""
        dialog = self.dialog
        return (
            self.state is LegState.CONFIRMED
            and self._our_invite is None
            and self._peer_invite is None
            and dialog is not None
            and may(dialog.offer_answer, Description.OFFER_SENT)
        )

    # Requests of the peer's

    def _refuse(
        self, transaction: ServerTransaction, status: int, now: float, headers: Iterable[Field] = ()
    ) -> None:
        """Answer a request that the owner is not asked about."""
        if transaction is self._peer_invite:
            self._peer_invite = None
        response = transaction.request.response(status, to_tag=transaction.to_tag, headers=headers)
        self._shared.layer.respond(transaction, response, now)

    def _retry_after(self) -> list[Field]:
        return [("Retry-After", str(self._shared.random.randint(0, 10)))]

    # Timers

    def _start(self, timer: Timer, interval: float, now: float) -> None:
        running = self._running
        entry = running.get(timer)
        if entry is not None:
            entry.owner = None
        running[timer] = self._shared.timers.set(timer, self, interval, now)

    def _stop(self, *timers: Timer) -> None:
        running = self._running
        if not running:
            return
        for timer in timers:
            entry = running.pop(timer, None)
            if entry is not None:
                entry.owner = None

    def _start_session_timer(self, now: float) -> None:
        self._stop(Timer.REFRESH, Timer.EXPIRY)
        timer = self.session_timer
        if timer.expires_s:
            if timer.we_refresh:
                self._start(Timer.REFRESH, timer.refresh_after_s, now)
            self._start(Timer.EXPIRY, timer.expire_after_s, now)

    # Small things

    def _tell_end(self, cause: EndCause, status: int, message: SipMessage | None) -> None:
        assert not self.over
        self.over = True
        self._tell(Ended(self._leg, cause, status, message))

    def _dialog_with(self, remote_tag: str) -> Dialog | None:
        dialog = self.dialog
        return dialog if dialog is not None and dialog.remote_tag == remote_tag else None

    def _describe(self, dialog: Dialog, what: Description) -> None:
        following = TRANSITIONS.get((dialog.offer_answer, what))
        if following is not None:
            dialog.offer_answer = following

    def _take_allows(self, message: SipMessage) -> None:
        self.peer_allows = option_tags(message, "Allow") or self.peer_allows

    def _relocate(self, dialog: Dialog) -> None:
        self.destination = self._shared.locate(dialog.next_hop, self.destination)

    def _tell(self, event: LegEvent) -> None:
        self._shared.events.append(event)
