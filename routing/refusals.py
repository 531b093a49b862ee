"""A carrier that says of a type of sender that it is not set up there: it is asked seldom, then.

The evidence of the route is not touched: what is refused is neither sent nor lost, and other types
of sender fare as ever.
"""

from __future__ import annotations

from math import inf

# So many refusals in a row: fewer may be about the content of single messages.
IN_A_ROW = 3
BARRED_S = 60.0
BARRED_MAX_S = 1800.0


class Refusals:
    """Of one bind, network and sender type: messages go elsewhere before `barred_until`."""

    __slots__ = ("_barred_s", "_in_a_row", "barred_until")

    def __init__(self) -> None:
        self._in_a_row = 0
        self._barred_s = BARRED_S
        self.barred_until = -inf

    def refused(self, at: float) -> bool:
        """Is it barred by that? Longer each time."""
        self._in_a_row += 1
        if self._in_a_row < IN_A_ROW or at < self.barred_until:
            return False
        self.barred_until = at + self._barred_s
        self._barred_s = min(BARRED_MAX_S, 2.0 * self._barred_s)
        return True

    def accepted(self) -> None:
        if self._in_a_row:
            self._in_a_row = 0
            self._barred_s = BARRED_S
            self.barred_until = -inf
