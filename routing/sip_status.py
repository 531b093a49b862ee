"""What the final response to an INVITE says of the trunk (RFC 3261 §21), by who failed.

NER (network effectiveness, ITU-T E.425) counts a call as the network's success where it reached the
called side, whatever that did: answered, busy, refused, not there. A caller who gives up before it
rings has shown neither that it was reached nor that it was not.
"""

from __future__ import annotations

from routing.events import Fault, Outcome

REACHED = frozenset({200, 480, 486, 487, 600, 603})
# Nobody's failure: the number, or what was asked of it.
OF_NUMBER = frozenset({404, 410, 484, 604})
OF_CONFIGURATION = frozenset({400, 401, 403, 407, 415, 420, 421, 488, 606})
TOO_FAST = frozenset({503})
GIVEN_UP = 487


def outcome(status: int, progress: bool = True) -> tuple[Outcome, Fault | None]:
    """0: no answer at all. `progress`: it has rung."""
    if status == GIVEN_UP and not progress:
        return Outcome.PERMANENT, Fault.NUMBER
    if status in REACHED:
        return Outcome.OK, None
    if status in (0, 408):
        return Outcome.TIMEOUT, Fault.ROUTE
    if status in OF_NUMBER:
        return Outcome.PERMANENT, Fault.NUMBER
    if status in OF_CONFIGURATION:
        return Outcome.PERMANENT, Fault.CONFIGURATION
    if status in TOO_FAST:
        return Outcome.THROTTLED, Fault.ROUTE
    return Outcome.TEMPORARY, Fault.ROUTE
