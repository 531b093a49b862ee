"""When silence about which messages has become evidence: a timer wheel of one-second slots.

It keeps no messages, only how much of how many becomes due for a scope in a second: five additions
for a message that is accepted, and nothing to do when its receipt comes as expected.
"""

from __future__ import annotations

from routing.delay_law import AGE_MAX_S, WEIGHTS, Ages
from routing.leaf import Leaf

SLOTS = 1024
assert AGE_MAX_S < SLOTS


class ExposureWheel:
    __slots__ = ("_second", "_slots")

    def __init__(self, second: int) -> None:
        self._second = second
        self._slots: list[dict[Leaf, float]] = [{} for _ in range(SLOTS)]

    def schedule(self, leaf: Leaf, second: int, ages: Ages) -> None:
        slots = self._slots
        for age, weight in zip(ages, WEIGHTS, strict=True):
            slot = slots[(second + age) % SLOTS]
            slot[leaf] = slot.get(leaf, 0.0) + weight

    def withdraw(self, leaf: Leaf, second: int, ages: Ages) -> float:
        """Take back what is not due yet of a message accepted at `second`; how much that was."""
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
