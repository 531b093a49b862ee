"""What an ESME may ask of a message that it has handed over before: where it stands, and that it be
canceled or replaced while no carrier has it (SMPP v3.4 §4.8 to §4.10)."""

from __future__ import annotations

from typing import Protocol

import msgspec

from gateway.account import Account
from gateway.message import Encoding, Message, Receipts, Status


class Standing(msgspec.Struct, frozen=True):
    """Where a message stands, since `at`."""

    message: Message
    status: Status
    at: float
    error_code: int = 0
    carrier_status: str = ""


class Replacement(msgspec.Struct, frozen=True):
    """What takes the place of what was submitted. A time that is None stays as it is."""

    body: str
    encoding: Encoding | None
    octets: bytes
    udh: bytes
    receipts: Receipts
    intermediate: bool = False
    send_at: float | None = None
    validity_s: float | None = None


class PendingMessages(Protocol):
    async def query(self, account_sid: str, message_id: int) -> Standing | None:
        """None where the account has no such message."""
        ...

    async def find_short(self, account_sid: str, short_id: int, sender: str) -> int | None:
        """The id of the message that an ESME of SMPP v3.3 knows by its short id."""
        ...

    async def find(
        self, account_sid: str, sender: str, recipient: str, service_type: str
    ) -> list[int]:
        """Those that can still be canceled or replaced, the newest first."""
        ...

    async def cancel(self, account_sid: str, message_id: int) -> None:
        """Durable when it returns.

        Raises:
            Refused: it is not there, or cannot be canceled any more.
        """
        ...

    async def replace(self, account: Account, message_id: int, replacement: Replacement) -> None:
        """It keeps its id and its place; durable when this returns.

        Raises:
            Refused: it is not there, cannot be replaced any more, or may not become this.
        """
        ...
