"""The call, the table of what may become of it, and the record that is left of it."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class CallStatus(StrEnum):
    """Twilio's names for where a call stands."""

    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"


_UNANSWERED = frozenset(
    {
        CallStatus.IN_PROGRESS,
        CallStatus.BUSY,
        CallStatus.FAILED,
        CallStatus.NO_ANSWER,
        CallStatus.CANCELED,
    }
)
# What a call may become; a final status is never left.
TRANSITIONS: dict[CallStatus, frozenset[CallStatus]] = {
    CallStatus.INITIATED: _UNANSWERED | {CallStatus.RINGING},
    CallStatus.RINGING: _UNANSWERED,
    CallStatus.IN_PROGRESS: frozenset({CallStatus.COMPLETED}),
    CallStatus.COMPLETED: frozenset(),
    CallStatus.BUSY: frozenset(),
    CallStatus.FAILED: frozenset(),
    CallStatus.NO_ANSWER: frozenset(),
    CallStatus.CANCELED: frozenset(),
}
FINAL: frozenset[CallStatus] = frozenset(one for one, then in TRANSITIONS.items() if not then)


class CallDirection(StrEnum):
    """Seen from the account: a call that it makes, or one that comes to a number of its own."""

    OUTBOUND = "outbound"
    INBOUND = "inbound"


class EndedBy(StrEnum):
    """`media` where the process that relayed the call's media has died."""

    CALLER = "caller"
    CALLED = "called"
    GATEWAY = "gateway"
    MEDIA = "media"


class Quality(msgspec.Struct, frozen=True):
    """How one side of a call was heard: of what it sent to us. Jitter and RTT in seconds, 0 where
    it is not known, as `mos` is (ITU-T G.107, 1 to 4.5). `one_way`: nothing comes from it any more,
    though it should, while the other side is heard; of a call that is over, to its end."""

    packets: int = 0
    octets: int = 0
    lost: int = 0
    jitter_s: float = 0.0
    rtt_s: float = 0.0
    mos: float = 0.0
    one_way: bool = False


class Call(msgspec.Struct, frozen=True):
    """One call as it was admitted; it never changes. `caller` and `called` are E.164 with `+`,
    where they are such numbers. `source` is where it came from: `trunk/<id>` or `phone/<name>`,
    `rest` for the API, or `carrier/trunk` of an inbound call. `call_id` is the SIP Call-ID of the
    leg that it came in on. `private`: the called side is not to see who calls (RFC 3323);
    `diversion` is the number that passes the call on, of a forwarded one (RFC 5806).
    """

    id: int
    account_sid: str
    direction: CallDirection
    caller: str
    called: str
    source: str
    started_at: float
    call_id: str = ""
    status_callback: str = ""
    private: bool = False
    diversion: str = ""


class CallAttempt(msgspec.Struct, frozen=True):
    """One try at one trunk (or phone): `status` is the SIP status of its end (RFC 3261 §21), 408
    for none in time, 503 for no way there, 200 for an answer, 487 where we cancelled it. Times are
    Unix seconds, 0 for what did not come to pass."""

    trunk: str
    status: int
    reason: str
    began_at: float
    rang_at: float = 0.0
    ended_at: float = 0.0
    call_id: str = ""


class CallRecord(msgspec.Struct, frozen=True):
    """The CDR: written once, durable, when a call is over. `sip_status` is what the caller was
    told last; `duration_s` counts from the answer. `caller_quality` is of what came from the
    caller, `called_quality` of what came from the called side."""

    call: Call
    status: CallStatus
    ended_at: float
    sip_status: int
    ended_by: EndedBy
    answered_at: float = 0.0
    rang_at: float = 0.0
    attempts: tuple[CallAttempt, ...] = ()
    caller_quality: Quality = Quality()
    called_quality: Quality = Quality()

    @property
    def silent(self) -> str:
        """The side that was not heard any more though the other was: `caller`, `called` or ""."""
        if self.caller_quality.one_way:
            return "caller"
        return "called" if self.called_quality.one_way else ""

    @property
    def duration_s(self) -> float:
        return self.ended_at - self.answered_at if self.answered_at else 0.0


class CallEvent(msgspec.Struct, frozen=True):
    """A call reached a status. `number` counts the statuses of one call from 1. `record` comes with
    the final one, which is told once the store has it."""

    call: Call
    number: int
    status: CallStatus
    at: float
    sip_status: int = 0
    trunk: str = ""
    record: CallRecord | None = None
