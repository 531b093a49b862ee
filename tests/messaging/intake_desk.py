"""An intake over a dispatcher, and what may be asked of its messages, as customers see it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from random import Random
from typing import Any

import pytest

from gateway.account import Account, SenderType
from gateway.clock import IdFactory
from gateway.errors import Refusal, Refused
from gateway.message import Message, Origin, Status
from gateway.messaging.admission import Admission, SendRequest
from gateway.messaging.intake import Intake
from gateway.messaging.opt_out import OptOuts
from gateway.messaging.pending_messages import PendingMessages, Replacement
from gateway.store.interface import Attempt, StoredMessage, Transition, WaitingMessage
from tests.messaging.traffic_world import RECIPIENT, SENDER, WALL, Traffic
from tests.store.builders import ACCOUNT, a_message

SOON = WALL + 600


class Desk:
    """An intake over a dispatcher. `accepted` and `refused` are what `submit` was told."""

    def __init__(self, ref_bits: int = 8, **traffic: Any) -> None:
        self.traffic = Traffic(**traffic)
        self.opt_outs = OptOuts()
        self.reachable = True
        self.accounts: dict[str, Account] = {ACCOUNT: self.traffic.account}
        admission = Admission(self.opt_outs, self._reachable, ref_bits=ref_bits)
        self.intake = Intake(
            admission,
            self.traffic.journal,
            self.traffic.dispatcher,
            self.traffic.ledger.read_messages,
            self.accounts.get,
            self.traffic.clock,
            IdFactory(self.traffic.clock),
            Random(1),
        )
        self.pending = PendingMessages(
            self.traffic.ledger,
            admission,
            self.intake,
            self.traffic.dispatcher.lanes,
            self._live_status,
            self.traffic.clock,
        )
        self.running = asyncio.ensure_future(self.intake.run())
        self.accepted: list[Message] = []
        self.refused: list[Refusal] = []

    def _reachable(self, recipient: str, sender_type: SenderType) -> bool:
        return self.reachable

    def _live_status(self, message_id: int) -> Status | None:
        opened = self.traffic.journal.find(message_id)
        return opened.status if opened else None

    async def cancel(self, message: Message) -> Refusal | None:
        """What the customer hears, who wants a message back."""
        return await refusal_of(self.pending.cancel(ACCOUNT, message.id))

    async def replace(self, message: Message, body: str = "new", **changes: Any) -> Refusal | None:
        """What the customer hears, who wants to have said something else."""
        account = self.traffic.account
        return await refusal_of(
            self.pending.replace(account, message.id, Replacement(body, **changes))
        )

    def request(self, body: str = "hello", **changes: Any) -> SendRequest:
        fields: dict[str, Any] = {
            "account": self.traffic.account,
            "sender": SENDER,
            "recipient": RECIPIENT,
            "origin": Origin.REST,
        }
        return SendRequest(body=body, **(fields | changes))

    async def accept(self, body: str = "hello", **changes: Any) -> Message:
        return await self.intake.accept(self.request(body, **changes))

    def submit(self, body: str = "hello", **changes: Any) -> None:
        self.intake.submit(
            self.request(body, **changes),
            self.accepted.append,
            lambda refused: self.refused.append(refused.refusal),
        )

    async def refusal(self, **changes: Any) -> Refusal:
        with pytest.raises(Refused) as raised:
            await self.accept(**changes)
        return raised.value.refusal

    def restore(self, message: Message, *facts: Transition | Attempt) -> None:
        """Take the message up as a start does that finds it in the store."""
        self.traffic.ledger.has(message, *facts)
        for found in self.traffic.ledger.load_open():
            if isinstance(found, WaitingMessage):
                if found.id == message.id:
                    self.intake.restore_waiting(found)
            elif isinstance(found, StoredMessage) and found.message.id == message.id:
                self.intake.restore(self.traffic.journal.restore(found))

    @property
    def room(self) -> int:
        """Segments that are queued or reserved for the sender."""
        (sender, _) = self.traffic.account.senders
        return self.traffic.dispatcher.lanes.of(self.traffic.account, sender).queue.segments


async def queued(desk: Desk, count: int, **changes: Any) -> list[Message]:
    """Messages 0, 1, 2 …, each to somebody else, for which no bind is up."""
    desk.traffic.down("alpha/1")
    return [
        await desk.accept(str(number), recipient=f"+1415555{2000 + number}", **changes)
        for number in range(count)
    ]


async def sent_of(desk: Desk) -> list[str]:
    """What goes out once the bind is up, and takes everything."""
    desk.traffic.up("alpha/1")
    for _ in range(30):
        await desk.traffic.turn(1)
        while desk.traffic.binds["alpha/1"].awaiting:
            desk.traffic.ok()
    return desk.traffic.texts()


async def refusal_of(asked: Awaitable[None]) -> Refusal | None:
    try:
        await asked
    except Refused as refused:
        return refused.refusal
    return None


def an_earlier(**changes: Any) -> Message:
    """A message of an earlier run."""
    fields: dict[str, Any] = {
        "sender": SENDER,
        "accepted_at": WALL - 60,
        "expires_at": WALL + 3_600,
    }
    return a_message(**(fields | changes))
