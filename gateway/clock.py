"""Wall clock and id factory: the only place for both.

All arithmetic of the gateway runs on one clock: Unix seconds that advance with the event loop's
monotonic clock, so that a step of the system clock never lets a message out early nor stops a
timer, and so that virtual time moves everything at once.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

MASK_64 = (1 << 64) - 1
MIX_MULTIPLIER = 0x9E3779B97F4A7C15
_SID = re.compile(r"(SM|CA)([0-9a-f]{16})[0-9a-f]{16}")


class Clock:
    """Unix seconds, anchored to a monotonic clock once."""

    def __init__(self, monotonic: Callable[[], float], wall_now: float) -> None:
        self._monotonic = monotonic
        self._offset = wall_now - monotonic()

    def now(self) -> float:
        return self._monotonic() + self._offset

    def to_monotonic(self, when: float) -> float:
        """The instant `when` on the clock that `loop.call_at` takes."""
        return when - self._offset


def system_clock(monotonic: Callable[[], float]) -> Clock:
    return Clock(monotonic, time.time())


class IdFactory:
    """64-bit ids that only grow: 42 bits of milliseconds, 10 of node, 12 of sequence.

    After a burst of over 4,096 ids in a millisecond the ids run ahead of the clock rather than
    repeat; they never run behind `last_id`, so a restart after a step backwards stays ordered.
    """

    def __init__(self, clock: Clock, node: int = 0, last_id: int = 0) -> None:
        assert 0 <= node < 1024
        self._clock = clock
        self._node = node << 12
        self._last_ms = last_id >> 22
        self._sequence = 4095 if last_id else -1

    def next(self) -> int:
        now_ms = int(self._clock.now() * 1000)
        if now_ms > self._last_ms:
            self._last_ms = now_ms
            self._sequence = 0
        elif self._sequence < 4095:
            self._sequence += 1
        else:
            self._last_ms += 1
            self._sequence = 0
        return self._last_ms << 22 | self._node | self._sequence


def message_sid(message_id: int) -> str:
    """`SM` and 32 hex digits: the id, then the id mixed, so that a mistyped sid is found out."""
    return "SM%032x" % (message_id << 64 | message_id * MIX_MULTIPLIER & MASK_64)


def message_id_of(sid: str) -> int | None:
    """The id within a message sid, or None where it is not one that this gateway gave."""
    return _id_of("SM", sid)


def call_sid(call_id: int) -> str:
    """`CA` and 32 hex digits, made as those of messages are."""
    return "CA%032x" % (call_id << 64 | call_id * MIX_MULTIPLIER & MASK_64)


def call_id_of(sid: str) -> int | None:
    """The id within a call sid, or None where it is not one that this gateway gave."""
    return _id_of("CA", sid)


def _id_of(prefix: str, sid: str) -> int | None:
    match = _SID.fullmatch(sid)
    if match is None or match[1] != prefix:
        return None
    id_ = int(match[2], 16)
    digits = "%032x" % (id_ << 64 | id_ * MIX_MULTIPLIER & MASK_64)
    return id_ if sid == prefix + digits else None
