"""The addresses that a trunk's host leads to. One is selected: calls and pings go there."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.sip.transaction import Destination

# Of what a name leads to, so many are used.
TARGETS_MAX = 16


class Targets:
    """Ordered as RFC 3263 ranks them. The selected one stays selected while it is among them, so
    that a new look-up does not move calls; `best` is the one to go back to."""

    __slots__ = ("_ranked", "_selected")

    def __init__(self) -> None:
        self._ranked: tuple[Destination, ...] = ()
        self._selected = 0

    @property
    def in_turn(self) -> tuple[Destination, ...]:
        """The selected one first, then those that follow it, around to the one before it."""
        return self._ranked[self._selected :] + self._ranked[: self._selected]

    @property
    def selected(self) -> Destination:
        return self._ranked[self._selected]

    @property
    def best(self) -> Destination:
        return self._ranked[0]

    def __len__(self) -> int:
        return len(self._ranked)

    def replace(self, found: Iterable[Destination]) -> bool:
        """By those of a new look-up; none at all is a trouble of the look-up's and changes nothing.
        True where another one is selected by it."""
        ranked = tuple(dict.fromkeys(found))[:TARGETS_MAX]
        if not ranked:
            return False
        before = self.selected if self._ranked else None
        self._ranked = ranked
        self._selected = ranked.index(before) if before in ranked else 0
        return self.selected != before

    def rotate(self) -> bool:
        """The next one is selected. False where there is no other."""
        if len(self._ranked) < 2:
            return False
        self._selected = (self._selected + 1) % len(self._ranked)
        return True

    def select(self, one: Destination) -> bool:
        """True where it was not selected before and can be."""
        if one not in self._ranked or self.selected == one:
            return False
        self._selected = self._ranked.index(one)
        return True
