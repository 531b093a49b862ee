"""A store in memory: a list of records that commit when the test wants them to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TypeVar

from gateway.errors import StoreError
from gateway.message import FINAL, Direction, Message, Status
from gateway.store.interface import (
    Accepted,
    Attempt,
    AttemptOutcome,
    CarrierId,
    Cursor,
    Deleted,
    GivenUp,
    MessageFilter,
    Notified,
    OnCommit,
    OptOut,
    Owed,
    OwedKey,
    Record,
    Released,
    Replaced,
    Replay,
    SeenKey,
    SentMessage,
    SentPart,
    StoredMessage,
    StoreReadings,
    StreamEvent,
    StreamPage,
    StreamPosition,
    Timeline,
    Transition,
    UnmatchedReceipt,
    WaitingMessage,
)

R = TypeVar("R")


class Ledger:
    """As built, a record commits in the next turn of the loop; while `held`, with `commit`.

    Reads fail while `readable` is False. Every record is a batch of the stream of its own.
    """

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.accepting = True
        self.writable = True
        self.readable = True
        self.reads = 0
        self.held = False
        self._pending: list[tuple[Record, OnCommit | None]] = []

    def append(self, record: Record, on_commit: OnCommit | None = None) -> None:
        if not self.accepting and isinstance(record, Accepted):
            raise StoreError("the store is down")
        self._pending.append((record, on_commit))
        if not self.held:
            asyncio.get_running_loop().call_soon(self.commit)

    def commit(self) -> None:
        """What is pending is durable."""
        pending, self._pending = self._pending, []
        for record, on_commit in pending:
            self.records.append(record)
            if on_commit:
                on_commit(None)

    def fail(self) -> None:
        """What is pending never will be."""
        pending, self._pending = self._pending, []
        for _, on_commit in pending:
            if on_commit:
                on_commit(StoreError("disk full"))

    def has(self, message: Message, *facts: Transition | Attempt) -> None:
        """It has had these for long."""
        self.records += [Accepted(message), *facts]

    # What was written

    @property
    def accepted(self) -> list[Message]:
        """As they are now."""
        messages = {record.message.id: record.message for record in self._of(Accepted)}
        messages |= {record.message.id: record.message for record in self._of(Replaced)}
        return list(messages.values())

    @property
    def transitions(self) -> list[Transition]:
        return self._of(Transition)

    @property
    def attempts(self) -> list[Attempt]:
        return self._of(Attempt)

    @property
    def notified(self) -> list[Notified]:
        return self._of(Notified)

    @property
    def unmatched(self) -> list[UnmatchedReceipt]:
        return self._of(UnmatchedReceipt)

    def statuses(self, message: Message) -> list[Status]:
        """Those of the message as a whole."""
        return [
            step.status
            for step in self.transitions
            if step.message_id == message.id and not step.part
        ]

    def stored(self, message: Message) -> StoredMessage:
        steps = (step for step in self.transitions if step.message_id == message.id)
        tries = (each for each in self.attempts if each.message_id == message.id)
        return StoredMessage(message, tuple(steps), tuple(tries))

    def _of(self, kind: type[R]) -> list[R]:
        return [record for record in self.records if isinstance(record, kind)]

    # The rest of a Store

    async def fetch(self, account_sid: str, message_id: int) -> StoredMessage | None:
        own = (each for each in self._read() if each.account_sid == account_sid)
        return next((self.stored(each) for each in own if each.id == message_id), None)

    async def timeline(self, message_id: int) -> Timeline | None:
        message = next((each for each in self._read() if each.id == message_id), None)
        if message is None:
            return None
        return Timeline(
            self.stored(message),
            tuple(each for each in self.notified if each.message_id == message_id),
            tuple(each for each in self._of(Replay) if each.message_id == message_id),
        )

    async def list(
        self, account_sid: str, where: MessageFilter, limit: int, before: int | None = None
    ) -> Sequence[StoredMessage]:
        return [self.stored(message) for message in self._read()][:limit]

    async def read_messages(self, message_ids: Sequence[int]) -> Sequence[Message]:
        messages = {message.id: message for message in self._read()}
        await asyncio.sleep(0)
        return [messages[each] for each in message_ids if each in messages]

    async def read_owed(self, keys: Sequence[OwedKey]) -> Sequence[Owed]:
        messages = {message.id: message for message in self._read()}
        steps = {(step.message_id, step.number): step for step in self.transitions}
        await asyncio.sleep(0)
        return [
            Owed(messages[key.message_id], steps[key.message_id, key.number], key.round)
            for key in keys
            if (key.message_id, key.number) in steps and key.message_id in messages
        ]

    async def find_key(self, key: bytes) -> SeenKey | None:
        self._read()
        await asyncio.sleep(0)
        for record in reversed(self._of(Accepted)):
            if record.key == key:
                return SeenKey(record.message.id, record.fingerprint)
        return None

    async def read_stream(self, position: StreamPosition, limit: int) -> StreamPage:
        self._read()
        await asyncio.sleep(0)
        messages = {message.id: message for message in self.accepted}
        events: list[StreamEvent] = []
        batch = position.batch
        while batch < len(self.records) and len(events) < limit:
            record = self.records[batch]
            if isinstance(record, Accepted):
                events.append(StreamEvent(record.message))
            elif isinstance(record, Transition) and not record.part:
                events.append(StreamEvent(messages[record.message_id], record))
            batch += 1
        return StreamPage(tuple(events), StreamPosition(position.segment, batch))

    async def given_up(
        self, account_sid: str, limit: int, before: int | None = None
    ) -> Sequence[GivenUp]:
        messages = {message.id: message for message in self._read()}
        steps = {(step.message_id, step.number): step for step in self.transitions}
        replayed = {(each.message_id, each.number, each.round - 1) for each in self._of(Replay)}
        found = [
            GivenUp(messages[each.message_id], steps[each.message_id, each.number], each)
            for each in self.notified
            if each.gave_up
            and (each.message_id, each.number, each.round) not in replayed
            and account_sid in ("", messages[each.message_id].account_sid)
            and (before is None or each.message_id < before)
        ]
        return sorted(found, key=lambda each: -each.message.id)[:limit]

    async def unmatched_receipts(self, limit: int) -> Sequence[UnmatchedReceipt]:
        return self.unmatched[:limit]

    def last_id(self) -> int:
        return max((message.id for message in self.accepted), default=0)

    def load_open(self) -> Iterator[WaitingMessage | SentMessage | StoredMessage]:
        released = {each.message_id for each in self._of(Released)}
        for message in self.accepted:
            stored = self.stored(message)
            if message.direction is Direction.INBOUND or message.id in released:
                continue
            if stored.status in FINAL:
                continue
            untouched = not stored.attempts and len(stored.transitions) == bool(message.send_at)
            if untouched and stored.status is Status.QUEUED:
                yield WaitingMessage(
                    message.id,
                    message.account_sid,
                    message.sender,
                    message.segments,
                    message.expires_at,
                    bool(message.send_at),
                )
            else:
                yield self._as_sent(stored) or stored

    def load_unanswered(self, since: float) -> Iterator[StoredMessage]:
        for message in self.accepted:
            stored = self.stored(message)
            if any(
                each.outcome > AttemptOutcome.REFUSED and each.at >= since
                for each in stored.attempts
            ):
                yield stored

    def load_past_ids(self) -> Iterator[CarrierId]:
        for step in self.transitions:
            if step.carrier_id and step.status in FINAL:
                yield CarrierId(step.bind, step.carrier_id, settled=True)

    def load_owed(self) -> Iterator[Owed]:
        told = {(each.message_id, each.number, each.round) for each in self.notified}
        gone = {each.message_id for each in self._of(Deleted)}
        messages = {message.id: message for message in self.accepted}
        steps = {(step.message_id, step.number): step for step in self.transitions}
        for step in self.transitions:
            if step.message_id in gone:
                continue
            if step.listener and (step.message_id, step.number, 0) not in told:
                yield Owed(messages[step.message_id], step)
        for replay in self._of(Replay):
            if (replay.message_id, replay.number, replay.round) not in told:
                step = steps[replay.message_id, replay.number]
                yield Owed(messages[step.message_id], step, replay.round)

    def load_opt_outs(self) -> Iterator[OptOut]:
        return iter(self._of(OptOut))

    def load_cursors(self) -> dict[str, StreamPosition]:
        return {each.sink: StreamPosition(each.segment, each.batch) for each in self._of(Cursor)}

    def readings(self) -> StoreReadings:
        return StoreReadings(1, 0, 0, 0.0, len(self._pending), 0, len(self.records), 0)

    async def close(self) -> None:
        self.commit()

    def _as_sent(self, stored: StoredMessage) -> SentMessage | None:
        """What it is to somebody who waits for its receipts alone."""
        single = int(stored.message.segments == 1)
        whole = not any(step.part for step in stored.transitions)
        parts = tuple(
            SentPart(step.part or single, step.bind, step.carrier_id, step.at)
            for step in stored.transitions
            if step.status is Status.SENT and (step.part or single or whole)
        )
        settled = any(step.part and step.status in FINAL for step in stored.transitions)
        missing = not whole and len(parts) < stored.message.segments
        if stored.status is not Status.SENT or settled or missing:
            return None
        return SentMessage(stored.message.id, stored.message.account_sid, parts)

    def _read(self) -> Sequence[Message]:
        self.reads += 1
        if not self.readable:
            raise StoreError("the files cannot be read")
        deleted = {each.message_id for each in self._of(Deleted)}
        return [message for message in self.accepted if message.id not in deleted]
