"""Messages that were refused so that their next attempt may pass (see `rule.Repeat`).

All carriers of a simulator share one, for the next attempt often goes to another carrier.
"""

from __future__ import annotations

from gateway.smpp.pdus import SubmitSm

REFUSED_MAX = 100_000


class RefusedMessages:
    """Which carrier was the first to refuse a message; the oldest is forgotten when full."""

    def __init__(self) -> None:
        self._refused_by: dict[int, str] = {}

    def refused_by(self, message: int) -> str:
        return self._refused_by.get(message, "")

    def remember(self, message: int, carrier: str) -> None:
        if len(self._refused_by) >= REFUSED_MAX:
            del self._refused_by[next(iter(self._refused_by))]
        self._refused_by.setdefault(message, carrier)

    def forget(self, message: int) -> None:
        self._refused_by.pop(message, None)

    def clear(self) -> None:
        self._refused_by.clear()


def same_message(pdu: SubmitSm) -> int:
    """Equal for two attempts at one message, header and all."""
    return hash((pdu.source_addr, pdu.destination_addr, pdu.short_message, *pdu.tlvs.items()))
