"""Which parts may be at a carrier without an answer, found by their addresses.

Without an answer there is no id by which a receipt could name its part. The addresses can, where
nothing else may be meant: ambiguity is never guessed, for a message that is believed to be
delivered and is not is lost. So every copy that was ever written counts, until the answer to just
that copy has come, or nobody waits for its receipt any more.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.message import Message
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.strays import Place, Strays
from gateway.store.interface import WHOLE

Part = tuple[OpenMessage, int]


class Copy(NamedTuple):
    """What was written to a bind, and when."""

    bind: str
    at: float


# A copy, and where a receipt for it would be looked for. Made for each part that goes out, and a
# named tuple would cost ten times as much.
_Last = tuple[str, float, Place]


class Doubts:
    """The last copy of each part that was written and not answered, those in flight among them;
    and `strays`, copies of which no answer can come any more, for `wait_s` each.
    """

    def __init__(self, wait_s: float) -> None:
        self.strays = Strays(wait_s)
        self._wait_s = wait_s
        self._copies: dict[Part, _Last] = {}
        self._here: dict[Place, list[Part]] = {}
        self._unnoted: frozenset[str] = frozenset()
        self._unnoted_until = 0.0

    def __len__(self) -> int:
        """How many parts may still be answered, or decided about."""
        return len(self._copies)

    def add(self, opened: OpenMessage, part: int, bind: str, now: float) -> None:
        """The part was written to the bind. An earlier copy that was not answered never will be,
        neither of the part nor of what carries the same: the parts of what goes WHOLE, and the
        whole of what goes in parts."""
        one = (opened, part)
        if one in self._copies:
            self._leave(opened, part, now)
        if opened.segments > 1:
            for other in range(1, opened.segments + 1) if part == WHOLE else (WHOLE,):
                self._leave(opened, other, now)
        place = _place(opened.message, bind)
        self._copies[one] = (bind, now, place)
        here = self._here.get(place)
        if here is None:
            self._here[place] = [one]
        else:
            here.append(one)

    def discard(self, opened: OpenMessage, part: int) -> bool:
        """The last copy of the part was answered, or confirmed by a receipt of its own; False: no
        answer was missing."""
        return self._take(opened, part) is not None

    def end(self, opened: OpenMessage, now: float) -> None:
        """The message has ended, and no answer to any part of it will come."""
        if opened.segments == 1:
            self._leave(opened, 1, now)
            return
        for part in range(WHOLE, opened.segments + 1):
            self._leave(opened, part, now)

    def restore(self, message: Message, copy: Copy, now: float) -> None:
        """A copy of an earlier run, of which no answer can come; not the last one of a part that is
        still under way, which is added."""
        self.strays.add(_place(message, copy.bind), copy.at, now)

    def mistrust(self, senders: frozenset[str], now: float) -> None:
        """An earlier run may have written messages of these senders, and not noted it."""
        self._unnoted = frozenset(map(comparable, senders))
        self._unnoted_until = now + self._wait_s

    def find(
        self, carrier: str, sender: str, recipient: str, at: float, now: float
    ) -> tuple[OpenMessage, int, str] | None:
        """The part in doubt, with its bind, that a receipt of `at` must mean; None where none or
        several copies can be meant, or the one still awaits its answer or its turn."""
        place = (carrier, comparable(sender), comparable(recipient))
        fitting = [one for one in self._here.get(place, ()) if self._copies[one][1] <= at]
        if len(fitting) != 1 or self.strays.may_be_at(place, now):
            return None
        if place[1] in self._unnoted and now < self._unnoted_until:
            return None
        opened, part = fitting[0]
        if opened.in_flight or part in opened.unsent or not opened.in_doubt:
            return None
        return opened, part, self._copies[opened, part][0]

    def _leave(self, opened: OpenMessage, part: int, now: float) -> None:
        last = self._take(opened, part)
        if last:
            self.strays.add(last[2], now, now)

    def _take(self, opened: OpenMessage, part: int) -> _Last | None:
        one = (opened, part)
        last = self._copies.pop(one, None)
        if last:
            place = last[2]
            here = self._here[place]
            if len(here) == 1:
                del self._here[place]
            else:
                here.remove(one)
        return last


def comparable(address: str) -> str:
    """What is left of an address where peers differ: they write a number with `+`, `00` or
    neither, and a name in capitals or not."""
    digits = address.removeprefix("+")
    return digits.lstrip("0") if digits.isascii() and digits.isdigit() else address.casefold()


def _place(message: Message, bind: str) -> Place:
    return bind.partition("/")[0], comparable(message.sender), comparable(message.recipient)
