"""A store in memory: a list of records that commit when the test wants them to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence

from gateway.errors import StoreError
from gateway.message import Message, Status
from gateway.store.interface import (
    Accepted,
    MessageFilter,
    Notified,
    OnCommit,
    OptOut,
    Record,
    StoredMessage,
    Transition,
    UnmatchedReceipt,
)


class Ledger:
    """As built, a record commits in the next turn of the loop; while `held`, with `commit`."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.accepting = True
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

    def has(self, message: Message, *steps: Transition) -> None:
        """It has had these for long."""
        self.records += [Accepted(message), *steps]

    # What was written

    @property
    def accepted(self) -> list[Message]:
        return [record.message for record in self.records if isinstance(record, Accepted)]

    @property
    def transitions(self) -> list[Transition]:
        return [record for record in self.records if isinstance(record, Transition)]

    @property
    def notified(self) -> list[Notified]:
        return [record for record in self.records if isinstance(record, Notified)]

    @property
    def unmatched(self) -> list[UnmatchedReceipt]:
        return [record for record in self.records if isinstance(record, UnmatchedReceipt)]

    def statuses(self, message: Message) -> list[Status]:
        """Those of the message as a whole."""
        return [
            step.status
            for step in self.transitions
            if step.message_id == message.id and not step.part
        ]

    def stored(self, message: Message) -> StoredMessage:
        steps = (step for step in self.transitions if step.message_id == message.id)
        return StoredMessage(message, tuple(steps))

    # The rest of a Store

    async def fetch(self, account_sid: str, message_id: int) -> StoredMessage | None:
        return next((self.stored(each) for each in self.accepted if each.id == message_id), None)

    async def list(
        self, account_sid: str, where: MessageFilter, limit: int, before: int | None = None
    ) -> Sequence[StoredMessage]:
        return [self.stored(message) for message in self.accepted][:limit]

    async def unmatched_receipts(self, limit: int) -> Sequence[UnmatchedReceipt]:
        return self.unmatched[:limit]

    def last_id(self) -> int:
        return max((message.id for message in self.accepted), default=0)

    def load_open(self) -> Iterator[StoredMessage]:
        return map(self.stored, self.accepted)

    def load_unnotified(self) -> Iterator[tuple[Message, Transition]]:
        told = {(record.message_id, record.number) for record in self.notified}
        messages = {message.id: message for message in self.accepted}
        waiting: Iterable[Transition] = self.transitions
        for step in waiting:
            if step.listener and (step.message_id, step.number) not in told:
                yield messages[step.message_id], step

    def load_opt_outs(self) -> Iterator[OptOut]:
        return (record for record in self.records if isinstance(record, OptOut))

    async def close(self) -> None:
        self.commit()
