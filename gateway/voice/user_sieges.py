"""Whose password somebody is guessing from many addresses: bans by address do not see that."""

from __future__ import annotations

from collections import OrderedDict

from gateway.net.peer_address import origin

# Of one user, the origins from where its password was right last.
KNOWN_MAX = 32


class UserSieges:
    """After `failures_max` wrong passwords within `ban_s`, only those may go on trying that have
    had it right before. Ask of users that exist only: then the table has a row for each of them."""

    def __init__(self, failures_max: int, ban_s: float) -> None:
        self._failures_max = failures_max
        self._ban_s = ban_s
        self._failures: dict[str, tuple[int, float]] = {}
        self._known: dict[str, OrderedDict[str, None]] = {}

    def shuts_out(self, username: str, host: str, now: float) -> bool:
        count, until = self._failures.get(username, (0, 0.0))
        if count < self._failures_max or now >= until:
            return False
        return origin(host) not in self._known.get(username, ())

    def failed(self, username: str, now: float) -> None:
        count, until = self._failures.get(username, (0, 0.0))
        self._failures[username] = (count + 1 if now < until else 1), now + self._ban_s

    def proven(self, username: str, host: str) -> None:
        known = self._known.setdefault(username, OrderedDict())
        where = origin(host)
        known[where] = None
        known.move_to_end(where)
        if len(known) > KNOWN_MAX:
            known.popitem(last=False)
