"""The last message ids that each carrier of a simulator gave, for receipts that name another's."""

from __future__ import annotations

UNKNOWN_ID = "0000000000"


class GivenIds:
    """Shared by all carriers."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def give(self, carrier: str, message_id: str) -> None:
        self._last[carrier] = message_id

    def of_another(self, carrier: str) -> str:
        """An id that another carrier gave, or one that nobody did."""
        return next((given for name, given in self._last.items() if name != carrier), UNKNOWN_ID)

    def clear(self) -> None:
        self._last.clear()
