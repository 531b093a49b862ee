"""Whose password somebody is guessing from many addresses: bans by address do not see that."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

from gateway.net.peer_address import origin

# Of one user, the origins from where its password was right last.
KNOWN_MAX = 32

V = TypeVar("V")


class UserSieges:
    """When `failures_max` origins have had a user's password wrong within `ban_s`, only those may
    go on trying that have had it right before. Each counts once, so that no stranger alone shuts
    anybody out. Ask of users that exist: then the tables have a row for each of them."""

    def __init__(self, failures_max: int, ban_s: float) -> None:
        self._failures_max = failures_max
        self._ban_s = ban_s
        # By user name, the origins that have failed, each until when it counts, and those known.
        self._failures: dict[str, OrderedDict[str, float]] = {}
        self._known: dict[str, OrderedDict[str, None]] = {}

    def shuts_out(self, username: str, host: str, now: float) -> bool:
        failures = self._failures.get(username)
        if not failures or origin(host) in self._known.get(username, ()):
            return False
        return sum(now < until for until in failures.values()) >= self._failures_max

    def failed(self, username: str, host: str, now: float) -> None:
        failures = self._failures.setdefault(username, OrderedDict())
        _put_last(failures, origin(host), now + self._ban_s, self._failures_max)

    def proven(self, username: str, host: str) -> None:
        known = self._known.setdefault(username, OrderedDict())
        _put_last(known, origin(host), None, KNOWN_MAX)


def _put_last(table: OrderedDict[str, V], key: str, value: V, most: int) -> None:
    """As the newest; of more than `most` the oldest goes."""
    table.pop(key, None)
    if len(table) >= most:
        table.popitem(last=False)
    table[key] = value
