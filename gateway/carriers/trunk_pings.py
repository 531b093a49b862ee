"""When OPTIONS asks whether a trunk is alive, and what the answers mean (RFC 3261 §11)."""

from __future__ import annotations

# So many in a row without an answer, and the trunk is down; one answer, and it is up.
FAILURES_MAX = 2
# An answer that takes longer is none; the transaction itself would wait for 32 s.
ANSWER_S = 4.0
AGAIN_S = 1.0
# What says that nobody is at home (RFC 3261 §21.4.9, §21.5.4); any other final answer is a sign of
# life, be it 404, 405 or 407.
DEAD = frozenset({408, 503})


class Pings:
    """One is under way at a time, known by its number. Without an interval (0) there are none, and
    the trunk counts as alive."""

    __slots__ = ("_interval_s", "_number", "alive", "failures", "next_timer", "waiting")

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._number = 0
        self.alive = interval_s == 0
        self.failures = 0
        self.waiting = 0
        self.next_timer: float | None = None

    def ask_now(self, now: float) -> None:
        """Another target is selected: what is said of the last counts no more."""
        if self._interval_s:
            self.waiting = 0
            self.next_timer = now

    def is_due(self, now: float) -> bool:
        """Whether one is to be sent. Call `timed_out` before."""
        return not self.waiting and self.next_timer is not None and now >= self.next_timer

    def sent(self, now: float) -> int:
        """Its number."""
        self._number += 1
        self.waiting = self._number
        self.next_timer = now + ANSWER_S
        return self._number

    def timed_out(self, now: float) -> bool:
        """Whether the one under way has waited in vain."""
        return bool(self.waiting) and self.next_timer is not None and now >= self.next_timer

    def answered(self, number: int, status: int) -> bool | None:
        """Whether that is a sign of life; None where it is of no interest any more."""
        return None if number != self.waiting else status not in DEAD

    def succeeded(self, now: float) -> None:
        self.waiting = 0
        self.failures = 0
        self.alive = True
        self.next_timer = now + self._interval_s

    def failed(self, now: float, targets: int) -> None:
        """Of `targets` each is tried at once before they wait for their turn."""
        self.waiting = 0
        self.failures += 1
        if self.failures >= FAILURES_MAX:
            self.alive = False
        hurry = self.failures < max(FAILURES_MAX, targets)
        self.next_timer = now + (min(AGAIN_S, self._interval_s) if hurry else self._interval_s)
