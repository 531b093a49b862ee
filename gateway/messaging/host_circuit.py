"""Keeps webhooks from a host that fails, and lets one at a time find out whether it is back. Pure.

CLOSED    OPEN_AFTER failures in a row    -> OPEN, for a pause of 1 s
OPEN      the pause is over               -> PROBING: one attempt at a time
PROBING   a failure                       -> OPEN, for twice the pause, up to PAUSE_MAX_S
any       a success                       -> CLOSED, and the next pause is the first again

An attempt that began before the circuit opened, and fails while it is OPEN, says nothing new.
"""

from __future__ import annotations

from enum import StrEnum

OPEN_AFTER = 3
PAUSE_FIRST_S = 1.0
PAUSE_MAX_S = 300.0
DOUBLINGS_MAX = 32


class CircuitState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


# Reading a member through its Enum costs 80 ns on CPython 3.11, a global 5.
CLOSED, OPEN, PROBING = CircuitState


class HostCircuit:
    """`failures` counts those in a row; while OPEN, nothing is attempted before `probe_at`."""

    __slots__ = ("_pauses", "failures", "probe_at", "state")

    def __init__(self) -> None:
        self.state: CircuitState = CLOSED
        self.failures = 0
        self.probe_at = 0.0
        self._pauses = 0

    def succeeded(self) -> None:
        """The host has answered."""
        self.state = CLOSED
        self.failures = 0
        self._pauses = 0

    def failed(self, now: float, chance: float) -> None:
        """The host was not there, or in trouble. `chance`, from 0 to 1, makes the pause something
        between half and all of its length, so that not all hosts are probed at once.
        """
        self.failures += 1
        if self.state is PROBING or (self.state is CLOSED and self.failures >= OPEN_AFTER):
            pause_s = min(PAUSE_FIRST_S * 2.0 ** min(self._pauses, DOUBLINGS_MAX), PAUSE_MAX_S)
            self._pauses += 1
            self.probe_at = now + pause_s * (0.5 + chance / 2)
            self.state = OPEN

    def handle_timer(self, now: float) -> bool:
        """Whether the pause is over just now, and a probe may go."""
        if self.state is not OPEN or self.probe_at > now:
            return False
        self.state = PROBING
        return True
