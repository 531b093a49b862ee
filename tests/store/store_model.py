"""What a store should answer, in the plainest words."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.message import FINAL, Direction, Message, Status
from gateway.store.interface import (
    Accepted,
    Attempt,
    Cursor,
    Deleted,
    GivenUp,
    Notified,
    OptOut,
    Owed,
    OwedKey,
    Record,
    Redacted,
    Released,
    Replaced,
    Replay,
    SentMessage,
    SentPart,
    StoredMessage,
    StreamPosition,
    Timeline,
    Transition,
    UnmatchedReceipt,
    WaitingMessage,
)
from gateway.store.rows import erased

Event = tuple[int, int]


class StoreModel:
    """`live` is the number of the segment that takes records now. The home of a message that was
    carried over is 0.
    """

    def __init__(self) -> None:
        self.live = 1
        self.messages: dict[int, Message] = {}
        self.homes: dict[int, int] = {}
        self.transitions: dict[tuple[int, int], Transition] = {}
        self.attempts: dict[Attempt, None] = {}
        self.notified: dict[OwedKey, Notified] = {}
        self.replays: dict[OwedKey, Replay] = {}
        self.released: set[int] = set()
        self.opt_outs: dict[tuple[str, str, str], OptOut] = {}
        self.cursors: dict[str, StreamPosition] = {}
        self.receipts: list[tuple[int, UnmatchedReceipt]] = []
        self.keys: dict[bytes, int] = {}
        # Each with the number of its commit.
        self.commit = 0
        self.events: dict[Event, int] = {}
        self.last_id = 0

    def apply(self, record: Record) -> None:
        """It is committed."""
        match record:
            case Accepted(message=message):
                self.messages[message.id] = message
                self.homes[message.id] = self.live
                self.last_id = max(self.last_id, message.id)
                self.events[message.id, 0] = self.commit
                if record.key:
                    self.keys[record.key] = message.id
            case OptOut():
                self.opt_outs[record.account_sid, record.sender, record.recipient] = record
            case Replaced(message=message):
                if message.id in self.messages:
                    self.messages[message.id] = message
            case Cursor():
                self.cursors[record.sink] = StreamPosition(record.segment, record.batch)
            case UnmatchedReceipt():
                self.receipts.append((self.live, record))
            case _:
                if record.message_id in self.messages:
                    self._apply_fact(record)

    def _apply_fact(self, record: Record) -> None:
        match record:
            case Transition():
                self.transitions[record.message_id, record.number] = record
                if not record.part:
                    self.events[record.message_id, record.number] = self.commit
            case Attempt():
                self.attempts[record] = None
            case Notified():
                key = OwedKey(record.message_id, record.number, record.round)
                self.notified.setdefault(key, record)
            case Replay():
                key = OwedKey(record.message_id, record.number, record.round)
                self.replays.setdefault(key, record)
            case Released():
                self.released.add(record.message_id)
            case Redacted(message_id=message_id):
                self.messages[message_id] = erased(self.messages[message_id])
            case Deleted():
                self.remove(record.message_id)
            case _:
                raise AssertionError(record)

    def remove(self, message_id: int) -> None:
        """The message and all about it is no more."""
        del self.messages[message_id], self.homes[message_id]
        self.transitions = {k: v for k, v in self.transitions.items() if k[0] != message_id}
        self.attempts = {k: v for k, v in self.attempts.items() if k.message_id != message_id}
        self.notified = {k: v for k, v in self.notified.items() if k.message_id != message_id}
        self.replays = {k: v for k, v in self.replays.items() if k.message_id != message_id}

    def drop(self, number: int) -> None:
        """A segment is dropped: what is not finished outlives it."""
        needed = self.unfinished()
        for message_id in [each for each, home in self.homes.items() if home == number]:
            if message_id in needed:
                self.homes[message_id] = 0
            else:
                self.remove(message_id)
        self.receipts = [each for each in self.receipts if each[0] != number]

    def unfinished(self) -> set[int]:
        return {each.message.id for each in self.open()} | {each.message.id for each in self.owed()}

    # Answers

    def stored(self, *, attempts: bool = False) -> list[StoredMessage]:
        return [
            StoredMessage(
                message,
                tuple(step for (of, _), step in sorted(self.transitions.items()) if of == key),
                tuple(each for each in self.attempts if each.message_id == key and attempts),
            )
            for key, message in sorted(self.messages.items())
        ]

    def timeline(self, stored: StoredMessage) -> Timeline:
        of = stored.message.id
        return Timeline(
            stored,
            tuple(each for key, each in sorted(self.notified.items()) if key.message_id == of),
            tuple(each for key, each in sorted(self.replays.items()) if key.message_id == of),
        )

    def open(self) -> list[StoredMessage]:
        return [
            found
            for found in self.stored(attempts=True)
            if found.message.direction is not Direction.INBOUND
            and found.status not in FINAL
            and found.message.id not in self.released
        ]

    def under_way(self) -> list[WaitingMessage | SentMessage | StoredMessage]:
        return [_as_waiting(found) or _as_sent(found) or found for found in self.open()]

    def owed(self) -> list[Owed]:
        keys = [OwedKey(*key) for key, step in self.transitions.items() if step.listener]
        keys += self.replays
        return [
            Owed(
                self.messages[key.message_id],
                self.transitions[key.message_id, key.number],
                key.round,
            )
            for key in sorted(keys)
            if key not in self.notified
        ]

    def given_up(self) -> list[GivenUp]:
        return [
            GivenUp(
                self.messages[key.message_id], self.transitions[key.message_id, key.number], each
            )
            for key, each in sorted(self.notified.items(), reverse=True)
            if each.gave_up and key._replace(round=key.round + 1) not in self.replays
        ]

    def unmatched_receipts(self) -> Sequence[UnmatchedReceipt]:
        return sorted((each for _, each in self.receipts), key=lambda each: -each.at)


def _as_waiting(found: StoredMessage) -> WaitingMessage | None:
    message = found.message
    scheduled = message.send_at > 0
    if found.attempts or len(found.transitions) != scheduled or found.status is not Status.QUEUED:
        return None
    return WaitingMessage(
        message.id,
        message.account_sid,
        message.sender,
        message.segments,
        message.expires_at,
        scheduled,
    )


def _as_sent(found: StoredMessage) -> SentMessage | None:
    message = found.message
    single = message.segments == 1
    if found.status is not Status.SENT:
        return None
    if any(step.part and step.status in FINAL for step in found.transitions):
        return None
    whole = not any(step.part for step in found.transitions)
    parts = [
        SentPart(step.part or int(single), step.bind, step.carrier_id, step.at)
        for step in found.transitions
        if step.status is Status.SENT and (step.part or single or whole)
    ]
    if len(parts) < message.segments and not whole:
        return None
    return SentMessage(message.id, message.account_sid, tuple(parts))
