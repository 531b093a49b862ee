"""Messages that wait, in memory: what an ESME may query, cancel and replace."""

from __future__ import annotations

import asyncio

from gateway.account import Account
from gateway.errors import Refusal, Refused, StoreError
from gateway.message import Direction, Message, Status
from gateway.messaging.pending_messages import Replacement, Standing

CHANGEABLE = frozenset({Status.SCHEDULED, Status.QUEUED})


class WaitingRoom:
    """Has what the test puts into it; `broken` is an error that everything ends with, and what has
    `gone` is found, and is gone when it is to be changed."""

    def __init__(self) -> None:
        self.standings: dict[int, Standing] = {}
        self.replaced: dict[int, Replacement] = {}
        self.canceled: list[int] = []
        self.gone: set[int] = set()
        self.refuse: Refusal | None = None
        self.broken: Exception | None = None

    def has(
        self,
        message: Message,
        status: Status = Status.QUEUED,
        at: float = 0.0,
        error_code: int = 0,
        carrier_status: str = "",
    ) -> Message:
        self.standings[message.id] = Standing(message, status, at, error_code, carrier_status)
        return message

    async def query(self, account_sid: str, message_id: int) -> Standing | None:
        await self._think()
        standing = self.standings.get(message_id)
        if standing is None or standing.message.direction is Direction.INBOUND:
            return None
        return standing if standing.message.account_sid == account_sid else None

    async def find_short(self, account_sid: str, short_id: int, sender: str) -> int | None:
        await self._think()
        for standing in self.standings.values():
            message = standing.message
            short = message.smpp.short_id if message.smpp else 0
            if (message.account_sid, message.sender, short) == (account_sid, sender, short_id):
                return message.id
        return None

    async def find(
        self, account_sid: str, sender: str, recipient: str, service_type: str | None = None
    ) -> list[int]:
        await self._think()
        wanted = (account_sid, sender, recipient)
        return [
            message.id
            for standing in sorted(self.standings.values(), key=lambda each: -each.message.id)
            if standing.status in CHANGEABLE
            and ((message := standing.message).account_sid, message.sender, message.recipient)
            == wanted
            and service_type in (None, message.smpp.service_type if message.smpp else "")
        ]

    async def cancel(self, account_sid: str, message_id: int) -> None:
        await self._think()
        if message_id in self.gone or self.standings[message_id].status not in CHANGEABLE:
            raise Refused(Refusal.NOT_CANCELABLE)
        self.canceled.append(message_id)

    async def replace(self, account: Account, message_id: int, replacement: Replacement) -> None:
        await self._think()
        if message_id in self.gone:
            raise Refused(Refusal.NOT_FOUND)
        if self.standings[message_id].status not in CHANGEABLE:
            raise Refused(Refusal.NOT_REPLACEABLE)
        self.replaced[message_id] = replacement

    async def _think(self) -> None:
        await asyncio.sleep(0)
        if self.broken:
            raise self.broken
        if self.refuse:
            raise Refused(self.refuse)


STORE_IS_DOWN = StoreError("disk full")
