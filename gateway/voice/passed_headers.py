"""What of one side's message the other side hears (a B2BUA passes nothing by itself, RFC 7092).

Everything else ends at us: the names of hosts, the software, the way. Who calls is for the trunk's
own rules to say, not for the caller's headers.
"""

from __future__ import annotations

from gateway.sip.headers import Field
from gateway.sip.message import MAX_FORWARDS, SipMessage, SipRequest
from gateway.sip.reasons import reason_of

OF_INVITE = ("Accept-Language", "Date", "Identity", "Priority", "Subject", "User-to-User")
OF_RESPONSE = ("User-to-User",)
OF_INFO = ("Content-Disposition", "Content-Type", "Info-Package")
REASON = "Reason"
# Why we end a call that stands (ITU-T Q.850).
TIMER_EXPIRED: tuple[Field, ...] = ((REASON, 'Q.850;cause=102;text="recovery on timer expiry"'),)
TEMPORARY_FAILURE: tuple[Field, ...] = ((REASON, 'Q.850;cause=41;text="temporary failure"'),)
# Fields of one name that pass; the rest is not heard.
PASSED_MAX = 4


def passed(message: SipMessage, names: tuple[str, ...]) -> tuple[Field, ...]:
    first = message.headers.first
    if first.keys().isdisjoint(names):
        return ()
    return tuple(
        (name, value)
        for name in names
        if name in first
        for value in message.headers.get_all(name)[:PASSED_MAX]
    )


def reasons(message: SipMessage | None) -> tuple[Field, ...]:
    """Why a side ends it, as it says itself (RFC 3326)."""
    return () if message is None else passed(message, (REASON,))


def refusal_reasons(status: int, told: int, message: SipMessage | None) -> tuple[Field, ...]:
    """With the status that was heard, where another is told."""
    theirs = reasons(message)
    if theirs or not status or status == told:
        return theirs
    return ((REASON, f'SIP;cause={status};text="{reason_of(status)}"'),)


def hops_left(invite: SipRequest) -> int:
    """Max-Forwards of what goes on; below 0: it may not."""
    received = invite.max_forwards
    return (MAX_FORWARDS if received is None else received) - 1
