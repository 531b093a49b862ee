"""Who has guessed too often to be listened to, before a password is hashed.

Two counts, each with its own answer to "whom does it shut out?":

- Of an origin (an address, `peer_address.origin`): at `failures_max` failures it may not bind as
  anybody for `lockout_s`. That harms nobody elsewhere.
- Of a system_id, over all origins: each origin counts once, so one stranger cannot fill it. When
  `failures_max` of them have failed, the ESME is under attack, and for `lockout_s` only those may
  try from where it has bound before. Who would not depend on that gives the ESME its addresses in
  `allowed_ips`: from elsewhere nobody gets so far.

A success takes nothing back: else one who has an account could guess another's password for ever.
Both tables are bounded. The one of origins forgets the oldest; the other has a row for each ESME.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

ORIGINS_MAX = 65_536
# Of one ESME, the last from where it has bound.
KNOWN_MAX = 32

V = TypeVar("V")


class BindLockout:
    def __init__(self, failures_max: int, lockout_s: float) -> None:
        self._failures_max = failures_max
        self._lockout_s = lockout_s
        # By origin, how many failures, and until when they count.
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        # By system_id, the origins that have failed, each until when it counts, and those known.
        self._attackers: dict[str, OrderedDict[str, float]] = {}
        self._known: dict[str, OrderedDict[str, None]] = {}

    def is_locked(self, origin: str, now: float) -> bool:
        """Whether nobody may bind from there."""
        count, until = self._failures.get(origin, (0, 0.0))
        return count >= self._failures_max and now < until

    def is_besieged(self, system_id: str, origin: str, now: float) -> bool:
        """Whether the ESME is under attack, and has never bound from there."""
        attackers = self._attackers.get(system_id)
        if not attackers or origin in self._known.get(system_id, ()):
            return False
        return sum(now < until for until in attackers.values()) >= self._failures_max

    def failed(self, origin: str, system_id: str | None, now: float) -> bool:
        """A wrong password, or a system_id that does not exist: then None. True where the origin
        is locked out by it."""
        until = now + self._lockout_s
        count, before = self._failures.get(origin, (0, 0.0))
        count = count + 1 if now < before else 1
        _put_last(self._failures, origin, (count, until), ORIGINS_MAX)
        if system_id is not None:
            attackers = self._attackers.setdefault(system_id, OrderedDict())
            _put_last(attackers, origin, until, self._failures_max)
        return count >= self._failures_max

    def bound(self, origin: str, system_id: str) -> None:
        """The ESME has shown its password from there."""
        _put_last(self._known.setdefault(system_id, OrderedDict()), origin, None, KNOWN_MAX)


def _put_last(table: OrderedDict[str, V], key: str, value: V, most: int) -> None:
    """As the newest; of more than `most` the oldest goes."""
    table.pop(key, None)
    if len(table) >= most:
        table.popitem(last=False)
    table[key] = value
