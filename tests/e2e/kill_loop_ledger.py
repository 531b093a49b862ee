"""What customers asked for, what they were answered then, and what they were told later.

The customers number their texts, and no two texts are equal: what a carrier got is known by them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count

# Twilio's words for what is never left again.
FINAL = frozenset({"delivered", "undelivered", "failed", "canceled"})
# With this a text takes two segments.
LONG = "and so on " * 20


class Way(StrEnum):
    """How a message came in, which is how its statuses go back."""

    REST = "REST"
    SMPP = "SMPP"


@dataclass(slots=True, eq=False)
class Ask:
    """One message that a customer wants sent, and where over REST its statuses are to go. `sid`
    is empty until it is accepted.

    The tries that failed are counted: `unheard`, because nobody was there; `refused`; and
    `unanswered`, which may have made the message. With a key it is tried until it is accepted;
    without one just once, for nobody could tell the second from another message.
    """

    number: int
    text: str
    recipient: str
    way: Way
    key: str = ""
    status_url: str = ""
    sid: str = ""
    unheard: int = 0
    refused: int = 0
    unanswered: int = 0
    repeated: int = 0

    @property
    def cannot_be(self) -> bool:
        """Whether no try of it can have made a message."""
        return not (self.sid or self.unanswered)


@dataclass(slots=True)
class Ledger:
    """`told` has, by sid, the statuses of which its customer has heard, with the time of the first
    telling of each; `untold` the accepted messages of whose end he has not. `in_flight` counts the
    requests that wait for an answer, `gone` those repeated with their key whose message is no more;
    `refusals` counts the answers that refused a message. `erased` and `deleted` have the sids for
    which the gateway has confirmed that. `from_handsets` counts, for each text that a handset has
    sent, how often it was told.
    """

    asks: dict[str, Ask] = field(default_factory=dict)
    accepted: dict[str, Ask] = field(default_factory=dict)
    told: dict[str, dict[str, float]] = field(default_factory=dict)
    untold: set[str] = field(default_factory=set)
    tellings: int = 0
    in_flight: int = 0
    gone: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    erased: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    maybe_deleted: set[str] = field(default_factory=set)
    from_handsets: Counter[str] = field(default_factory=Counter)
    key_breaches: list[str] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def ask(self, way: Way, recipient: str, *, keyed: bool, long: bool = False) -> Ask:
        number = next(self._numbers)
        text = f"over {way} {LONG * long}#{number}"
        ask = Ask(number, text, recipient, way, f"key-{number}" if keyed else "")
        self.asks[text] = ask
        return ask

    @contextmanager
    def trying(self) -> Iterator[None]:
        """While a customer waits for the answer to a request for a message."""
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1

    def answered(self, ask: Ask, sid: str) -> None:
        """It is accepted, or was before and this is the answer to its key."""
        if not ask.sid:
            ask.sid = sid
            self.accepted[sid] = ask
            if not self.final_of(sid):
                self.untold.add(sid)
        elif ask.sid != sid:
            self.key_breaches.append(f"{ask.text}: {ask.sid}, then {sid}")

    def refused(self, ask: Ask, answer: str) -> None:
        ask.refused += 1
        self.refusals[answer] += 1

    def heard(self, sid: str, status: str) -> None:
        self.tellings += 1
        self.told.setdefault(sid, {}).setdefault(status, time.time())
        if status in FINAL:
            self.untold.discard(sid)

    def handset_sends(self) -> str:
        """The text of a new message from a handset."""
        text = f"from a handset #{next(self._numbers)}"
        self.from_handsets[text] = 0
        return text

    def final_of(self, sid: str) -> frozenset[str]:
        return FINAL & self.told.get(sid, {}).keys()

    @property
    def asking(self) -> bool:
        """Whether a message may still be made, though nobody asks for another one."""
        return self.in_flight > 0 or any(ask.key and not ask.sid for ask in self.asks.values())

    @property
    def unheard(self) -> int:
        """Messages from handsets of which no customer has heard."""
        return sum(not heard for heard in self.from_handsets.values())
