"""What a call has come to so far: its statuses, each told once, and at its end its record."""

from __future__ import annotations

from collections.abc import Callable

from gateway.call import (
    FINAL,
    TRANSITIONS,
    Call,
    CallAttempt,
    CallEvent,
    CallRecord,
    CallStatus,
    EndedBy,
    Quality,
)

ANSWERED = 200


class CallHistory:
    """`on_event` hears of each status of TRANSITIONS that the call reaches, in order."""

    __slots__ = ("_number", "_on_event", "answered_at", "attempts", "call", "rang_at", "status")

    def __init__(self, call: Call, on_event: Callable[[CallEvent], None]) -> None:
        self.call = call
        self.status = CallStatus.INITIATED
        self.attempts: list[CallAttempt] = []
        self.rang_at = 0.0
        self.answered_at = 0.0
        self._number = 1
        self._on_event = on_event
        on_event(CallEvent(call, 1, CallStatus.INITIATED, call.started_at))

    @property
    def over(self) -> bool:
        return self.status in FINAL

    def rang(self, sip_status: int, trunk: str, now: float) -> None:
        """The called side rings; it may say so more than once."""
        if self.status is CallStatus.INITIATED:
            self.rang_at = now
            self._reach(CallStatus.RINGING, now, sip_status, trunk)

    def answered(self, trunk: str, now: float) -> None:
        self.answered_at = now
        self._reach(CallStatus.IN_PROGRESS, now, ANSWERED, trunk)

    def ended(
        self,
        status: CallStatus,
        sip_status: int,
        by: EndedBy,
        qualities: tuple[Quality, Quality],
        now: float,
    ) -> None:
        """`sip_status` is what the caller was told last; `qualities` of the caller, the called."""
        record = CallRecord(
            self.call,
            status,
            now,
            sip_status,
            by,
            self.answered_at,
            self.rang_at,
            tuple(self.attempts),
            *qualities,
        )
        trunk = self.attempts[-1].trunk if self.attempts else ""
        self._reach(status, now, sip_status, trunk, record)

    def _reach(
        self,
        status: CallStatus,
        at: float,
        sip_status: int,
        trunk: str,
        record: CallRecord | None = None,
    ) -> None:
        assert status in TRANSITIONS[self.status], (self.status, status)
        self.status = status
        number = self._number = self._number + 1
        self._on_event(CallEvent(self.call, number, status, at, sip_status, trunk, record))
