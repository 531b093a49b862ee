"""The addresses that a trunk's host leads to. One is selected: calls and pings go there."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.sip.transaction import Destination

# Of what a name leads to, so many are used.
TARGETS_MAX = 16


class Targets:
    """Ordered as RFC 3263 ranks them. The selected one stays selected while it is among them, so
    that a new look-up, whose order is drawn anew by weight, does not move calls. `left` is the one
    that was left because it failed, to be gone back to; None where the selected one is no
    substitute."""

    __slots__ = ("_ranked", "_selected", "left")

    def __init__(self) -> None:
        self._ranked: tuple[Destination, ...] = ()
        self._selected = 0
        self.left: Destination | None = None

    @property
    def in_turn(self) -> tuple[Destination, ...]:
        """The selected one first, then those that follow it, around to the one before it."""
        return self._ranked[self._selected :] + self._ranked[: self._selected]

    @property
    def selected(self) -> Destination:
        return self._ranked[self._selected]

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
        if self.left not in ranked or self.left == self.selected:
            self.left = None
        return self.selected != before

    def rotate(self) -> bool:
        """The selected one has failed: the next one is. False where there is no other."""
        if len(self._ranked) < 2:
            return False
        self.left = self.left or self.selected
        self._selected = (self._selected + 1) % len(self._ranked)
        if self.left == self.selected:
            self.left = None
        return True

    def go_back(self, one: Destination) -> bool:
        """The one that was left lives again. False where it is not `left` any more."""
        if one != self.left or one not in self._ranked:
            return False
        self._selected = self._ranked.index(one)
        self.left = None
        return True
