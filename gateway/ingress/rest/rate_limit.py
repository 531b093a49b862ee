"""How fast each account may ask over REST, and how much of it at once."""

from __future__ import annotations

from gateway.account import Account
from gateway.ingress.rate import Rate
from gateway.ingress.rest.errors import RETRY_AFTER_S, Throttled


class AccountLoad:
    """What an account has used of its limits."""

    __slots__ = ("in_flight", "per_second", "rate")

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self.rate = Rate(per_second)
        self.in_flight = 0


class RequestLimits:
    """A rate, and a cap on requests in flight, for each account.

    Only accounts that have authenticated are kept, so the table is bounded by their number.
    """

    def __init__(self) -> None:
        self._loads: dict[str, AccountLoad] = {}

    def enter(self, account: Account, now: float) -> None:
        """Count a request in; `leave` must follow.

        Raises:
            Throttled: over a limit. The request is not counted.
        """
        load = self._loads.get(account.sid)
        if load is None:
            load = self._loads[account.sid] = AccountLoad(account.requests_per_second)
        elif load.per_second != account.requests_per_second:
            # The configuration was reloaded.
            load.per_second = account.requests_per_second
            load.rate = Rate(account.requests_per_second)
        if load.in_flight >= account.concurrent_requests:
            raise Throttled("too many concurrent requests", RETRY_AFTER_S)
        if ahead_s := load.rate.ahead_s(now):
            raise Throttled("too many requests a second", ahead_s)
        load.in_flight += 1

    def leave(self, account: Account) -> None:
        self._loads[account.sid].in_flight -= 1
