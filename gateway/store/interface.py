"""What the gateway asks of a durable store, whichever engine is below.

Records are only ever appended. What a record is for is lost or kept as a whole: `on_commit(None)`
says that it is on stable storage, `on_commit(error)` that it is not and never will be.

Memory holds positions, not messages: what waits long is known by its key alone, and read again by
`read_messages` or `read_owed` when its turn comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple, Protocol

import msgspec

from gateway.errors import StoreError
from gateway.message import Message, Status

OnCommit = Callable[[StoreError | None], None]

# Stands for the number of a part where one PDU carries a message of several segments whole.
WHOLE = 0


class Listener(IntEnum):
    """Who must still be told of a transition: the outbox is what is owed and not yet `Notified`."""

    NONE = 0
    WEBHOOK = 1
    ESME = 2


class AttemptOutcome(IntEnum):
    """How far an attempt to hand a part to a carrier got. The last word on a part counts."""

    WRITTEN = 0  # to the bind, and not answered yet: in doubt, should we end now
    REFUSED = 1  # the carrier answered that it has not taken it
    LOST = 2  # the bind went down before the answer: in doubt
    UNANSWERED = 3  # no answer came in time on a bind that stayed up: in doubt
    RESENT = 4  # in doubt, and to be sent again by its account's policy
    HELD = 5  # in doubt, and held for a receipt by its account's policy


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """A message is ours now.

    `key` is the 16 octets of the customer's idempotency key, or nothing; `fingerprint` are the 16
    octets that tell what was asked for with it.
    """

    message: Message
    key: bytes = b""
    fingerprint: bytes = b""


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """A part (from 1) of a message was written to a bind, or what became of that; `part` is WHOLE
    where all of several segments were, in one PDU."""

    message_id: int
    part: int
    at: float
    outcome: AttemptOutcome
    bind: str
    command_status: int = 0


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
    """The listener of a transition has been told, or was given up on (`outcome` says which).

    `round` is 0 for what the transition itself owes, and that of the `Replay` for what was asked
    for again. `gave_up` puts it among the undelivered, which are listed and can be replayed.
    """

    message_id: int
    number: int
    at: float
    outcome: str
    round: int = 0
    gave_up: bool = False


class Replay(msgspec.Struct, frozen=True, gc=False):
    """The listener of a transition is to be told once more; `round` is one more than the last."""

    message_id: int
    number: int
    round: int
    at: float


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


class Replaced(msgspec.Struct, frozen=True, gc=False):
    """The message of this id is another one now: what it says, its receipts, its times. No carrier
    has seen the one before, and its account, addresses and time of acceptance are the same.
    """

    message: Message


class Redacted(msgspec.Struct, frozen=True, gc=False):
    """The customer asked that the body be forgotten."""

    message_id: int


class Deleted(msgspec.Struct, frozen=True, gc=False):
    """The customer asked that the message be forgotten."""

    message_id: int


class Released(msgspec.Struct, frozen=True, gc=False):
    """Nothing more will become of a message that is `sent`: its carrier gives no receipts."""

    message_id: int


class StreamPosition(NamedTuple):
    """A place in the stream of all events: before the batch of this number in this segment.

    `StreamPosition()` is the oldest that the store still has.
    """

    segment: int = 0
    batch: int = 0


class Cursor(msgspec.Struct, frozen=True, gc=False):
    """A sink of the event stream has taken all that stands before `segment`, `batch`."""

    sink: str
    segment: int
    batch: int
    at: float


Record = (
    Accepted
    | Attempt
    | Transition
    | Notified
    | Replay
    | OptOut
    | UnmatchedReceipt
    | Replaced
    | Redacted
    | Deleted
    | Released
    | Cursor
)


class OwedKey(NamedTuple):
    """Names one debt of the outbox."""

    message_id: int
    number: int
    round: int = 0


class Owed(msgspec.Struct, frozen=True):
    """A transition whose listener is still to be told."""

    message: Message
    transition: Transition
    round: int = 0


class GivenUp(msgspec.Struct, frozen=True):
    """A transition whose listener was never told, with the record that says why."""

    message: Message
    transition: Transition
    notified: Notified


class WaitingMessage(NamedTuple):
    """A queued message that no carrier has seen: all that its place in a queue needs.

    `scheduled` says that it has been scheduled and has come due, so that it has one transition.
    """

    id: int
    account_sid: str
    sender: str
    segments: int
    expires_at: float
    scheduled: bool


class SentPart(msgspec.Struct, frozen=True, gc=False):
    """A part that a carrier has taken, under its own id, or a message of several segments WHOLE."""

    part: int
    bind: str
    carrier_id: str
    at: float


class SentMessage(NamedTuple):
    """A message that is `sent`, and of which no receipt has come: all that waiting needs."""

    id: int
    account_sid: str
    parts: tuple[SentPart, ...]


class CarrierId(NamedTuple):
    """The id that a carrier, that of the bind, gave to a part. `settled`: its receipt has come."""

    bind: str
    carrier_id: str
    settled: bool


class StoredMessage(msgspec.Struct, frozen=True):
    """A message with all that became of it, in order."""

    message: Message
    transitions: tuple[Transition, ...] = ()
    attempts: tuple[Attempt, ...] = ()

    @property
    def last(self) -> Transition | None:
        """The newest transition of the whole message."""
        return next((step for step in reversed(self.transitions) if not step.part), None)

    @property
    def status(self) -> Status:
        return self.last.status if self.last else self.message.initial_status


class Timeline(msgspec.Struct, frozen=True):
    """Everything on record about a message."""

    stored: StoredMessage
    notified: tuple[Notified, ...] = ()
    replays: tuple[Replay, ...] = ()


class SeenKey(NamedTuple):
    """The message that an idempotency key made, and what was asked for then."""

    message_id: int
    fingerprint: bytes


class StreamEvent(msgspec.Struct, frozen=True):
    """One event of the stream: a message was accepted (no transition), or reached a status."""

    message: Message
    transition: Transition | None = None


class StreamPage(msgspec.Struct, frozen=True):
    """Events in the order of their commits, and the position after them.

    `lost` is set where the reader's position lies in a segment that has been dropped: the page
    then begins with the oldest event there is.
    """

    events: tuple[StreamEvent, ...]
    then: StreamPosition
    lost: bool = False


class StoreReadings(msgspec.Struct, frozen=True):
    """How the store does: for metrics and health."""

    segments: int
    octets: int
    free_octets: int
    oldest_at: float
    uncommitted: int
    commits: int
    records: int
    failures: int


class MessageFilter(msgspec.Struct, frozen=True):
    """Which messages of an account: Twilio's list filters, times as Unix seconds, `until` open."""

    sender: str = ""
    recipient: str = ""
    since: float = 0.0
    until: float = float("inf")


class Store(Protocol):
    """One shard's durable state. All calls are made on the event loop's thread.

    The reads raise StoreError when the files cannot be read, or too many reads wait.
    """

    @property
    def accepting(self) -> bool:
        """Whether a message can be expected to be accepted now."""
        ...

    @property
    def writable(self) -> bool:
        """False while the files are down: nothing new should be sent, for it could not be noted."""
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
        """One message of the account, unless it was deleted; without its attempts."""
        ...

    async def timeline(self, message_id: int) -> Timeline | None:
        """Everything on record about a message, of whichever account."""
        ...

    async def list(
        self, account_sid: str, where: MessageFilter, limit: int, before: int | None = None
    ) -> Sequence[StoredMessage]:
        """The account's messages, newest first, with ids below `before`."""
        ...

    async def read_messages(self, message_ids: Sequence[int]) -> Sequence[Message]:
        """The messages, in the order of the ids; those that are no more are left out."""
        ...

    async def read_owed(self, keys: Sequence[OwedKey]) -> Sequence[Owed]:
        """The transitions, in the order of the keys; those that are no more are left out."""
        ...

    async def find_key(self, key: bytes) -> SeenKey | None:
        """The message that was accepted with an idempotency key, within the window."""
        ...

    async def read_stream(self, position: StreamPosition, limit: int) -> StreamPage:
        """Events from a position on: whole batches, until there are `limit` events or no more.

        Only what was committed while the stream was kept (`StoreLimits.stream`) is in it.
        """
        ...

    async def given_up(
        self, account_sid: str, limit: int, before: int | None = None
    ) -> Sequence[GivenUp]:
        """What listeners were never told and nobody has replayed, newest message first; of all
        accounts where `account_sid` is empty."""
        ...

    async def unmatched_receipts(self, limit: int) -> Sequence[UnmatchedReceipt]:
        """Receipts that found no message, newest first."""
        ...

    def last_id(self) -> int:
        """The highest message id ever accepted, 0 in a new store."""
        ...

    def load_open(self) -> Iterator[WaitingMessage | SentMessage | StoredMessage]:
        """Outbound messages in no final state, in the order of their ids, for start-up. One that
        is queued and untouched comes as a WaitingMessage, one that only waits for its receipts as
        a SentMessage, every other with its attempts.

        A message that stays `sent` because its carrier gives no receipts is open until `Released`.
        """
        ...

    def load_unanswered(self, since: float) -> Iterator[StoredMessage]:
        """Messages, open or not, with a part that was written and may never have been answered, as
        attempts since then say, for start-up: those of which the store noted so, and those of
        several parts that failed not long before the end.
        """
        ...

    def load_past_ids(self) -> Iterator[CarrierId]:
        """Ids about which nothing more is awaited, and carriers may still send receipts, for
        start-up, the latest last: of messages and parts that ended not long before the end.
        """
        ...

    def load_owed(self) -> Iterator[Owed]:
        """What listeners have not been told, oldest first, for start-up."""
        ...

    def load_opt_outs(self) -> Iterator[OptOut]:
        """The last word of each recipient to each sender, for start-up."""
        ...

    def load_cursors(self) -> dict[str, StreamPosition]:
        """How far each sink of the event stream has come, for start-up."""
        ...

    def readings(self) -> StoreReadings:
        """How the store does now."""
        ...

    async def close(self) -> None:
        """Commit what is pending, then release the files."""
        ...
