"""Says that nothing can be queried, canceled or replaced: until `gateway.messaging` can."""

from __future__ import annotations

from gateway.account import Account
from gateway.errors import Refusal, Refused
from gateway.ingress.pending_messages import Replacement, Standing


class NoPendingMessages:
    async def query(self, account_sid: str, message_id: int) -> Standing | None:
        return None

    async def find_short(self, account_sid: str, short_id: int, sender: str) -> int | None:
        return None

    async def find(
        self, account_sid: str, sender: str, recipient: str, service_type: str
    ) -> list[int]:
        return []

    async def cancel(self, account_sid: str, message_id: int) -> None:
        raise Refused(Refusal.NOT_FOUND)

    async def replace(self, account: Account, message_id: int, replacement: Replacement) -> None:
        raise Refused(Refusal.NOT_FOUND)
