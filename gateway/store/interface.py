"""What the gateway asks of a durable store, whichever engine is below.

Records are only ever appended. What a record is for is lost or kept as a whole: `on_commit(None)`
says that it is on stable storage, `on_commit(error)` that it is not and never will be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from typing import Protocol

import msgspec

from gateway.errors import StoreError
from gateway.message import Message, Status

OnCommit = Callable[[StoreError | None], None]


class Listener(IntEnum):
    """Who must still be told of a transition: the outbox is the transitions not yet `Notified`."""

    NONE = 0
    WEBHOOK = 1
    ESME = 2


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """A message is ours now."""

    message: Message


class Transition(msgspec.Struct, frozen=True, gc=False):
    """A message, or with `part` > 0 one part of it, reached a status.

    `number` counts the transitions of one message from 1, parts included. `carrier_id` is the
    message_id that the carrier answered with; `bind` is `carrier/bind`, so it names the carrier
    to which that id belongs.
    """

    message_id: int
    number: int
    status: Status
    at: float
    part: int = 0
    error_code: int = 0
    bind: str = ""
    carrier_id: str = ""
    done_date: str = ""
    carrier_status: str = ""
    carrier_error: str = ""
    listener: Listener = Listener.NONE


class Notified(msgspec.Struct, frozen=True, gc=False):
    """The listener of a transition has been told, or was given up on (`outcome` says which)."""

    message_id: int
    number: int
    at: float
    outcome: str


class OptOut(msgspec.Struct, frozen=True, gc=False):
    """A recipient's word to a sender: out with STOP, in again with START. The last one counts."""

    account_sid: str
    sender: str
    recipient: str
    at: float
    opted_out: bool


class UnmatchedReceipt(msgspec.Struct, frozen=True, gc=False):
    """A receipt for which no message was found when it came."""

    carrier: str
    carrier_id: str
    at: float
    carrier_status: str
    carrier_error: str = ""
    done_date: str = ""


class Redacted(msgspec.Struct, frozen=True, gc=False):
    """The customer asked that the body be forgotten."""

    message_id: int


class Deleted(msgspec.Struct, frozen=True, gc=False):
    """The customer asked that the message be forgotten."""

    message_id: int


Record = Accepted | Transition | Notified | OptOut | UnmatchedReceipt | Redacted | Deleted


class StoredMessage(msgspec.Struct, frozen=True):
    """A message with all that became of it, in order."""

    message: Message
    transitions: tuple[Transition, ...] = ()

    @property
    def last(self) -> Transition | None:
        """The newest transition of the whole message."""
        return next((step for step in reversed(self.transitions) if not step.part), None)

    @property
    def status(self) -> Status:
        return self.last.status if self.last else self.message.initial_status


class MessageFilter(msgspec.Struct, frozen=True):
    """Which messages of an account: Twilio's list filters, times as Unix seconds, `until` open."""

    sender: str = ""
    recipient: str = ""
    since: float = 0.0
    until: float = float("inf")


class Store(Protocol):
    """One shard's durable state. All calls are made on the event loop's thread."""

    @property
    def accepting(self) -> bool:
        """Whether an append can be expected to commit now."""
        ...

    def append(self, record: Record, on_commit: OnCommit | None = None) -> None:
        """Put a record into the next group commit.

        `on_commit` is called on the loop, in the order of the appends. An `Accepted` that cannot
        be written is given back with the error and forgotten; every other record states what has
        already happened outside, so it is kept and written when the store has recovered.

        Raises:
            StoreError: the store is down or its bound of pending records is met. Only for
                `Accepted`; the other records are always taken.
        """
        ...

    async def fetch(self, account_sid: str, message_id: int) -> StoredMessage | None:
        """One message of the account, unless it was deleted."""
        ...

    async def list(
        self, account_sid: str, where: MessageFilter, limit: int, before: int | None = None
    ) -> Sequence[StoredMessage]:
        """The account's messages, newest first, with ids below `before`."""
        ...

    async def unmatched_receipts(self, limit: int) -> Sequence[UnmatchedReceipt]:
        """Receipts that found no message, newest first."""
        ...

    def last_id(self) -> int:
        """The highest message id ever accepted, 0 in a new store."""
        ...

    def load_open(self) -> Iterator[StoredMessage]:
        """Outbound messages in no final state, in the order of their ids. For start-up."""
        ...

    def load_unnotified(self) -> Iterator[tuple[Message, Transition]]:
        """Transitions whose listener has not been told, oldest first. For start-up."""
        ...

    def load_opt_outs(self) -> Iterator[OptOut]:
        """The last word of each recipient to each sender. For start-up."""
        ...

    async def close(self) -> None:
        """Commit what is pending, then release the files."""
        ...
