"""What the customers know: what they asked for, what they were answered, what they were told."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from math import inf

from gateway.account import Account
from gateway.message import Origin, Receipts
from gateway.smpp.receipt import Receipt


@dataclass(slots=True)
class Asked:
    """One request for a message. Neither accepted nor refused: the connection ended before."""

    number: int
    account: Account
    sender: str
    recipient: str
    origin: Origin
    receipts: Receipts
    message_id: int | None = None
    refused: str = ""


class Outcome(Enum):
    """What the customer heard of a change. UNKNOWN: the process ended first, or its store."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Change:
    """One request to change a message: to the text of a `version`, or None to cancel it."""

    version: int | None
    asked_at: float
    answered_at: float = inf
    outcome: Outcome = Outcome.UNKNOWN


@dataclass(slots=True)
class Told:
    """One webhook that a customer's server took."""

    at: float
    path: str
    fields: dict[str, str]
    token: str


@dataclass(slots=True)
class Ledger:
    asked: dict[int, Asked] = field(default_factory=dict)
    canceled: set[int] = field(default_factory=set)
    """Ids of messages whose cancellation was confirmed."""
    cancels_asked: set[int] = field(default_factory=set)
    """Ids of messages that somebody wanted to cancel."""
    changes: dict[int, list[Change]] = field(default_factory=dict)
    """By the number of the message, in the order of asking, one after the other."""
    webhooks: list[Told] = field(default_factory=list)
    attempted: list[tuple[str, str]] = field(default_factory=list)
    """Idempotency token and MessageSid of each webhook request, taken or not, in order."""
    esme_receipts: list[tuple[str, Receipt]] = field(default_factory=list)
    """Account and receipt, as the ESMEs got them."""
    esme_inbound: list[int] = field(default_factory=list)
    inbound: dict[int, str] = field(default_factory=dict)
    """Numbers of the messages that handsets sent, and to whom."""
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def ask(
        self,
        account: Account,
        sender: str,
        recipient: str,
        origin: Origin,
        receipts: Receipts = Receipts.NONE,
    ) -> Asked:
        asked = Asked(next(self._numbers), account, sender, recipient, origin, receipts)
        self.asked[asked.number] = asked
        return asked

    def next_number(self) -> int:
        return next(self._numbers)
