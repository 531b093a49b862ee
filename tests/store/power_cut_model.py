"""What must be in a store after a power cut, what may be, and what must not.

What was acknowledged must. What was given to the store and not answered when the power failed may:
whatever is found of it then, stays. What was refused must not, once the store has recovered from
the failure, and what is known to be gone must stay away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from gateway.errors import StoreError
from gateway.message import FINAL, Direction, Message
from gateway.store.interface import (
    Accepted,
    Attempt,
    Cursor,
    Deleted,
    Notified,
    OptOut,
    OwedKey,
    Record,
    Redacted,
    Released,
    Replaced,
    Replay,
    StoredMessage,
    StreamPosition,
    Transition,
)
from gateway.store.rows import erased


class Violation(Exception):
    """The store has broken its promise."""


@dataclass(slots=True)
class Facts:
    """Of one message. `maybe` has those that are with the store and not answered yet."""

    message: Message
    steps: dict[int, Transition] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    notified: set[OwedKey] = field(default_factory=set)
    replays: set[OwedKey] = field(default_factory=set)
    released: bool = False
    maybe: list[Record] = field(default_factory=list)

    @property
    def final(self) -> bool:
        return any(step.status in FINAL and not step.part for step in self.steps.values())

    @property
    def open(self) -> bool:
        return not (self.message.direction is Direction.INBOUND or self.final or self.released)

    @property
    def owed(self) -> set[OwedKey]:
        listened = {
            OwedKey(self.message.id, step.number) for step in self.steps.values() if step.listener
        }
        return (listened | self.replays) - self.notified

    @property
    def next_number(self) -> int:
        maybe = [each.number for each in self.maybe if isinstance(each, Transition)]
        return max([0, *self.steps, *maybe]) + 1

    def apply(self, record: Record) -> None:
        match record:
            case Transition():
                self.steps[record.number] = record
            case Attempt():
                self.attempts.append(record)
            case Notified():
                self.notified.add(OwedKey(record.message_id, record.number, record.round))
            case Replay():
                self.replays.add(OwedKey(record.message_id, record.number, record.round))
            case Released():
                self.released = True
            case Redacted():
                self.message = erased(self.message)
            case Replaced(message=message):
                self.message = message
            case _:
                raise AssertionError(f"{record} is no fact about a message")


@dataclass(frozen=True)
class Found:
    """What the store says when it is asked for everything."""

    stored: Mapping[int, StoredMessage]
    listed: Collection[int]
    open: Collection[int]
    owed: Collection[OwedKey]
    opt_outs: Mapping[str, bool]
    cursors: Mapping[str, StreamPosition]
    last_id: int


class Model:
    """`gone` has the ids of messages that must never be seen (again), with the reason. `keyed` has
    the time of acceptance of those with a key, be they dropped or not.
    """

    def __init__(self) -> None:
        self.known: dict[int, Facts] = {}
        self.maybe: dict[int, Accepted] = {}
        self.gone: dict[int, str] = {}
        self.keyed: dict[int, float] = {}
        self.opt_outs: dict[str, bool] = {}
        self.cursors: dict[str, StreamPosition] = {}
        self.maybe_opt_outs: list[OptOut] = []
        self.maybe_cursors: list[Cursor] = []
        self.acknowledged = 0
        self.refused = 0
        # Refused, and perhaps on the disk until the store has recovered.
        self.doubtful: set[int] = set()

    # What the store is given, and what it answers

    def given(self, record: Record) -> None:
        match record:
            case Accepted(message=message):
                self.maybe[message.id] = record
            case OptOut():
                self.maybe_opt_outs.append(record)
            case Cursor():
                self.maybe_cursors.append(record)
            case _:
                self.known[message_id_of(record)].maybe.append(record)

    def told(self, record: Record, error: StoreError | None) -> None:
        match record:
            case Accepted(message=message):
                if error is None:
                    self._accept(record)
                else:
                    self.refused += 1
                    self.doubtful.add(message.id)
                return
            case _ if error is not None:
                return  # At a close in vain: it stays a maybe.
            case OptOut():
                self.maybe_opt_outs.remove(record)
                self.opt_outs[record.recipient] = record.opted_out
            case Cursor():
                self.maybe_cursors.remove(record)
                self.cursors[record.sink] = StreamPosition(record.segment, record.batch)
            case Deleted(message_id=message_id):
                self._lose(message_id, "was deleted")
                # Its key is in the index alone now, which is not flushed with each commit.
                self.keyed.pop(message_id, None)
            case _:
                facts = self.known.get(message_id_of(record))
                if facts is not None:
                    facts.maybe.remove(record)
                    facts.apply(record)
        self.acknowledged += 1

    def recovered(self) -> None:
        """The store accepts again after a failure: what it refused is not there."""
        for message_id in self.doubtful:
            self.maybe.pop(message_id, None)
            self.gone[message_id] = "was refused"
        self.doubtful.clear()

    def _accept(self, record: Accepted) -> None:
        self.maybe.pop(record.message.id, None)
        self.known[record.message.id] = Facts(record.message)
        if record.key:
            self.keyed[record.message.id] = record.message.accepted_at
        self.acknowledged += 1

    def _lose(self, message_id: int, reason: str) -> None:
        self.known.pop(message_id, None)
        self.gone[message_id] = reason

    # What is found after a power cut, or at any time

    def check(self, found: Found) -> None:
        """Compare, and believe what is found of what may be. Finished messages may be dropped.

        Raises:
            Violation: the first difference that should not be.
        """
        for message_id in [*self.maybe]:
            if message_id in found.stored:
                self._accept(self.maybe[message_id])
            else:
                del self.maybe[message_id]
                self.gone[message_id] = "was not there when it was looked for"
        self.doubtful.clear()
        for message_id, reason in self.gone.items():
            expect(message_id not in found.stored, f"{message_id} {reason}, and is there")
        strangers = set(found.listed) - self.known.keys()
        expect(not strangers, f"nobody knows {sorted(strangers)}")
        for facts in [*self.known.values()]:
            self._check_message(facts, found)
        known = set(self.known)
        expect(set(found.open) <= known, f"open is {sorted(set(found.open) - known)}")
        owed = {key.message_id for key in found.owed}
        expect(owed <= known, f"owed is {sorted(owed - known)}")
        highest = max(self.known, default=0)
        expect(found.last_id >= highest, f"the last id is {found.last_id}, not {highest}")
        self._check_words(found)

    def check_left(self, left: Collection[int]) -> None:
        """Let go of the messages that are not left.

        Raises:
            Violation: one of them was not finished.
        """
        for message_id, facts in [*self.known.items()]:
            if message_id not in left:
                self._check_gone(facts)

    def _check_gone(self, facts: Facts) -> None:
        message_id = facts.message.id
        maybe_deleted = any(isinstance(each, Deleted) for each in facts.maybe)
        expect(maybe_deleted or self._may_be_dropped(facts), f"{message_id} is lost: {facts}")
        if maybe_deleted:
            self.keyed.pop(message_id, None)
        self._lose(message_id, "was dropped or deleted")

    def _check_message(self, facts: Facts, found: Found) -> None:
        message_id = facts.message.id
        stored = found.stored.get(message_id)
        if stored is None:
            self._check_gone(facts)
            return
        expect(message_id in found.listed, f"{message_id} is not in the list")
        for record in facts.maybe:
            if seen(record, stored, found, facts):
                facts.apply(record)
        facts.maybe.clear()
        expect(stored.message == facts.message, f"{stored.message} is not {facts.message}")
        steps = {step.number: step for step in stored.transitions}
        expect(steps == facts.steps, f"{message_id} has {steps}, not {facts.steps}")
        expect(
            set(stored.attempts) == set(facts.attempts),
            f"{message_id} has {stored.attempts}, not {facts.attempts}",
        )
        expect((message_id in found.open) == facts.open, f"{message_id} is wrongly open or not")
        owed = {key for key in found.owed if key.message_id == message_id}
        expect(owed == facts.owed, f"{message_id} owes {owed}, not {facts.owed}")

    def _may_be_dropped(self, facts: Facts) -> bool:
        """Whether it is finished, should all be true that may be."""
        perhaps = Facts(
            facts.message,
            dict(facts.steps),
            [],
            set(facts.notified),
            set(facts.replays),
            facts.released,
        )
        for record in facts.maybe:
            if not isinstance(record, Replay):
                perhaps.apply(record)
        return not perhaps.open and not perhaps.owed

    def _check_words(self, found: Found) -> None:
        """The last word of each recipient and of each sink."""
        for recipient, word in found.opt_outs.items():
            maybe = {each.opted_out for each in self.maybe_opt_outs if each.recipient == recipient}
            maybe |= {self.opt_outs[recipient]} if recipient in self.opt_outs else set()
            expect(word in maybe, f"{recipient} has never said {word}")
        expect(self.opt_outs.keys() <= found.opt_outs.keys(), "an opt-out is lost")
        if not self.maybe_opt_outs:
            expect(dict(found.opt_outs) == self.opt_outs, "a last word is not the last")
        self.opt_outs = dict(found.opt_outs)
        self.maybe_opt_outs.clear()
        for sink, position in self.cursors.items():
            expect(sink in found.cursors, f"the cursor of {sink} is lost")
            expect(found.cursors[sink] >= position, f"{sink} went back to {found.cursors[sink]}")
        self.cursors = dict(found.cursors)
        self.maybe_cursors.clear()


def seen(record: Record, stored: StoredMessage, found: Found, facts: Facts) -> bool:
    """Whether what may be there of a message is."""
    match record:
        case Transition():
            return record in stored.transitions
        case Attempt():
            return record in stored.attempts
        case Redacted():
            return stored.message == erased(facts.message)
        case Replaced(message=message):
            return stored.message == message
        case Released():
            return record.message_id not in found.open
        case Notified():
            return OwedKey(record.message_id, record.number, record.round) not in found.owed
        case Replay():
            return OwedKey(record.message_id, record.number, record.round) in found.owed
        case _:
            return False


def message_id_of(record: Record) -> int:
    match record:
        case Accepted(message=message) | Replaced(message=message):
            return message.id
        case Transition() | Attempt() | Notified() | Replay() | Released() | Redacted() | Deleted():
            return record.message_id
        case _:
            raise AssertionError(f"{record} is about no message")


def expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Violation(otherwise)
