"""When silence about which messages has become evidence: a timer wheel of one-second slots.

It keeps no messages, only how much of how many becomes due for a scope in a second: one addition
for a message that is accepted, five for all of a scope and second, and nothing to do when a receipt
comes as expected.
"""

from __future__ import annotations

from routing.delay_law import AGE_MAX_S, WEIGHTS, Ages
from routing.leaf import Leaf

SLOTS = 1024
assert AGE_MAX_S < SLOTS


class ExposureWheel:
    __slots__ = ("_accepted", "_accepted_at", "_ages", "_second", "_slots")

    def __init__(self, second: int) -> None:
        self._second = second
        self._slots: list[dict[Leaf, float]] = [{} for _ in range(SLOTS)]
        # What was accepted in the second `_accepted_at`, and has no place in the slots yet.
        self._accepted: dict[Leaf, int] = {}
        self._ages: dict[Leaf, Ages] = {}
        self._accepted_at = second

    def schedule(self, leaf: Leaf, second: int, ages: Ages) -> None:
        if second != self._accepted_at:
            self._place()
            self._accepted_at = second
        accepted = self._accepted
        count = accepted.get(leaf)
        if count is None:
            accepted[leaf] = 1
            self._ages[leaf] = ages
        elif self._ages[leaf] is ages:
            accepted[leaf] = count + 1
        else:
            self._place()
            accepted[leaf] = 1
            self._ages[leaf] = ages

    def _place(self) -> None:
        slots = self._slots
        second = self._accepted_at
        for leaf, count in self._accepted.items():
            for age, weight in zip(self._ages[leaf], WEIGHTS, strict=True):
                slot = slots[(second + age) % SLOTS]
                slot[leaf] = slot.get(leaf, 0.0) + weight * count
        self._accepted.clear()
        self._ages.clear()

    def withdraw(self, leaf: Leaf, second: int, ages: Ages) -> float:
        """Take back what is not due yet of a message accepted at `second`; how much that was."""
        if second == self._accepted_at and self._ages.get(leaf) is ages and self._accepted[leaf]:
            self._accepted[leaf] -= 1
            return 1.0
        withdrawn = 0.0
        for age, weight in zip(ages, WEIGHTS, strict=True):
            if second + age > self._second:
                slot = self._slots[(second + age) % SLOTS]
                if leaf in slot:
                    slot[leaf] -= weight
                    withdrawn += weight
        return withdrawn

    def turn(self, second: int) -> list[Leaf]:
        """Make due what is due by `second`; the scopes that this touches."""
        self._place()
        touched: list[Leaf] = []
        for passed in range(max(self._second + 1, second - SLOTS + 1), second + 1):
            slot = self._slots[passed % SLOTS]
            for leaf, weight in slot.items():
                leaf.new_exposed += weight
                if not leaf.touched:
                    leaf.touched = True
                    touched.append(leaf)
            slot.clear()
        self._second = max(self._second, second)
        return touched
