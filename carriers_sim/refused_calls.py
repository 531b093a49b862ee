"""Which carrier refused a call, where another carrier shall take it (see `rule.Repeat`)."""

from __future__ import annotations

from carriers_sim.remember import remember

REFUSED_MAX = 10_000


class RefusedCalls:
    """By the called number's digits, which a gateway may write with + or without. One for all
    carriers of a simulator; when it is full, the oldest entry makes room."""

    def __init__(self) -> None:
        self._refused: dict[str, str] = {}

    def by(self, called: str) -> str:
        """The carrier's name, or nothing."""
        return self._refused.get(called.lstrip("+"), "")

    def add(self, called: str, carrier: str) -> None:
        remember(self._refused, called.lstrip("+"), carrier, REFUSED_MAX)

    def clear(self) -> None:
        self._refused.clear()
