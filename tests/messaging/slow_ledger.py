"""A store in memory that takes its time to read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.message import Message
from tests.messaging.ledger import Ledger


class SlowLedger(Ledger):
    """Reads of messages see what is there when they begin, and take `read_s`."""

    def __init__(self, read_s: float) -> None:
        super().__init__()
        self.read_s = read_s

    async def read_messages(self, message_ids: Sequence[int]) -> Sequence[Message]:
        found = await super().read_messages(message_ids)
        await asyncio.sleep(self.read_s)
        return found
