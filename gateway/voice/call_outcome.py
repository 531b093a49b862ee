"""What the final response of one side means: for the way to it, for the caller, for the record.

A response is of the person called, or of the way to them. Only the way is a reason to try another,
and only what the person did is told to the caller as it is (RFC 3261 §16.7, by our own judgement).
"""

from __future__ import annotations

from collections.abc import Collection

from gateway.call import CallStatus
from gateway.config.trunk import NO_FAILOVER

# No response at all; a SIP status is never 0.
SILENCE = 0
# Credentials of ours that the way does not take: another way has others.
CHALLENGES = frozenset({401, 407})
# Said of the number or the person, or of what the caller asks for.
OF_THE_CALLED = frozenset({*NO_FAILOVER, 403, 404, 410, 415, 416, 488, 606, 608})
SILENT = frozenset({SILENCE, 408, 504})

_BUSY = frozenset({486, 600, 603})
_NO_ANSWER = frozenset({SILENCE, 408, 480, 487})


def may_try_another(status: int, no_failover: Collection[int]) -> bool:
    """Whether the next way may do better. A global failure (6xx) speaks for all of them."""
    if status in no_failover or status >= 600:
        return False
    return status in SILENT or status in CHALLENGES or 500 <= status < 600


def told_to_caller(status: int) -> int:
    """The status of our refusal: nothing of how the ways behind us are made."""
    if status in OF_THE_CALLED:
        return status
    if status in SILENT or 300 <= status < 400:
        return 480
    return 503 if status in CHALLENGES or status >= 500 else 480


def status_of(sip_status: int) -> CallStatus:
    """What a call has become that was not answered and not given up by its caller."""
    if sip_status in _BUSY:
        return CallStatus.BUSY
    return CallStatus.NO_ANSWER if sip_status in _NO_ANSWER else CallStatus.FAILED
