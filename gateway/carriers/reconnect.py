"""When to try a bind again (5.0 §2.8.1): exponential backoff with jitter, and patience where the
carrier has said that our credentials are wrong.
"""

from __future__ import annotations

from random import Random

from gateway.smpp.constants import CommandStatus

FIRST_DELAY_S = 1.0
DELAY_MAX_S = 60.0
CREDENTIALS_DELAY_S = 300.0
STABLE_AFTER_S = 60.0
# A carrier that unbinds in good order, for its maintenance say, has not failed; but one that does
# so with each new bind is not to be asked every second either.
UNBOUND_AFTER_S = 5.0

# A human has to mend these; hammering at a carrier's door gets an address banned.
CREDENTIALS = frozenset(
    {
        CommandStatus.ESME_RINVPASWD,
        CommandStatus.ESME_RINVSYSID,
        CommandStatus.ESME_RINVSYSTYP,
    }
)


class Reconnect:
    """How long to wait before the next attempt: 1 s doubling to 60 s, each +/- 25 %.

    The count starts anew only once a bind has stood for STABLE_AFTER_S, so that a carrier that
    takes every bind and drops it is not asked every second either.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._failures = 0

    def bound_for(self, duration_s: float, unbound: bool = False) -> None:
        """A bind has ended after standing for so long; `unbound`: by the carrier's own unbind."""
        if duration_s >= (UNBOUND_AFTER_S if unbound else STABLE_AFTER_S):
            self._failures = 0

    def delay_s(self, bind_status: int = 0) -> float:
        """The wait before the next attempt, after one that ended with this answer to the bind."""
        if bind_status in CREDENTIALS:
            return CREDENTIALS_DELAY_S * self._random.uniform(0.75, 1.25)
        delay_s = min(DELAY_MAX_S, FIRST_DELAY_S * 2.0 ** min(self._failures, 10))
        self._failures += 1
        return delay_s * self._random.uniform(0.75, 1.25)
