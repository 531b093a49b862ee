"""The legs of one call: which side each is of, the trunk's channel that it holds, and the answer to
an offer that one of them owes the other."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from gateway.call import Quality
from gateway.sip.headers import Field
from gateway.sip.leg import Leg
from gateway.sip.leg_state import LegState
from gateway.voice.call_attempt import Attempt
from gateway.voice.media_session import Side

Give = Callable[[float, bytes], None]


class Owed(msgspec.Struct, frozen=True):
    """`debtor` has been offered what `creditor` offers; `give` hands its answer over."""

    debtor: Leg
    creditor: Leg
    give: Give


class CallLegs:
    """`called` is None until somebody has answered."""

    __slots__ = ("_owed", "_standing", "called", "caller")

    def __init__(self, caller: Leg) -> None:
        self.caller = caller
        self.called: Leg | None = None
        self._standing: dict[Side, Attempt] = {}
        self._owed: Owed | None = None

    def place(self, side: Side, attempt: Attempt) -> None:
        """Whoever has answered is of that side from now on."""
        if side is Side.CALLER:
            self.caller = attempt.leg
        else:
            self.called = attempt.leg
        self._standing[side] = attempt

    def way(self, side: Side) -> str:
        """The name of the trunk or place where this side was found; empty for who has called."""
        attempt = self._standing.get(side)
        return "" if attempt is None else attempt.way.name

    def free(self, side: Side, quality: Quality, now: float) -> None:
        """The trunk of that side, if it is one, has its channel back."""
        attempt = self._standing.pop(side, None)
        if attempt is not None:
            attempt.ended(quality, now)

    def owe(self, debtor: Leg, creditor: Leg, give: Give) -> None:
        self._owed = Owed(debtor, creditor, give)

    def debt(self, leg: Leg) -> Owed | None:
        """What this leg owes."""
        owed = self._owed
        return owed if owed is not None and owed.debtor is leg else None

    def settle(self) -> None:
        self._owed = None

    def part(self, leg: Leg, headers: tuple[Field, ...], now: float) -> None:
        """Hang up. A 2xx that awaits an answer is acknowledged before (RFC 3261 §13.2.2.4)."""
        leg.user = None
        owed = self._owed
        if owed is not None and leg in (owed.debtor, owed.creditor):
            self._owed = None
            if owed.creditor.state is LegState.CONFIRMED:
                owed.give(now, b"")
        leg.hang_up(now, headers)
