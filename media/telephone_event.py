"""Digits as events in RTP (RFC 4733): read, so that each is told once, and sent.

An event is some packets of one timestamp: the first is marked, each says how long the event has
lasted, and the last, which ends it, comes three times (§2.5.1.4).
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

DIGITS = "0123456789*#ABCD"  # §3.2, table 3: events 0 to 15.
FLASH = 16
EVENT_OCTETS = 4
PACKET_S = 0.020
END_PACKETS = 3
DURATION_MAX = 0xFFFF
# What phones send and exchanges hear (ITU-T Q.24): not under 40 ms, so far apart.
DIGIT_S, GAP_S = 0.100, 0.060
DIGIT_MIN_S, DIGIT_MAX_S = 0.040, 6.0
DIGITS_MAX = 64
# A tick may come so early.
EARLY_S = 0.001
VOLUME_DBM0 = 10  # Below 0 dBm0.
_EVENT = struct.Struct("!BBH")
_END, _VOLUME = 0x80, 0x3F


class Event(NamedTuple):
    """The payload (§2.3); `duration` in units of the timestamp."""

    code: int
    ended: bool
    duration: int
    volume: int = VOLUME_DBM0

    def __bytes__(self) -> bytes:
        return _EVENT.pack(
            self.code, self.volume | (_END if self.ended else 0), min(self.duration, DURATION_MAX)
        )


class Digit(NamedTuple):
    """A key, by its sign, and how long it was held."""

    sign: str
    duration_s: float


def parse(payload: bytes) -> Event | None:
    """None for what is too short; what follows the first event belongs to it no more (§2.3.1)."""
    if len(payload) < EVENT_OCTETS:
        return None
    code, flags, duration = _EVENT.unpack_from(payload)
    return Event(code, flags >= _END, duration, flags & _VOLUME)


def rescaled(payload: bytes, rate: int, into: int) -> bytes:
    """As it is at another clock rate: the duration is counted in units of the timestamp."""
    event = parse(payload)
    if event is None:
        return payload
    return bytes(event._replace(duration=event.duration * into // rate)) + payload[EVENT_OCTETS:]


class EventReader:
    """Tells each digit once, when it has ended: by the packet that says so, or, if all of those
    were lost, by the next event."""

    def __init__(self, clock_rate: int, on_digit: Callable[[Digit], object]) -> None:
        self.clock_rate = clock_rate
        self._on_digit = on_digit
        self._timestamp = -1
        self._open: Event | None = None

    def received(self, payload: bytes, timestamp: int) -> None:
        event = parse(payload)
        if event is None or event.code >= len(DIGITS):
            return
        if timestamp != self._timestamp:
            self.flush()
            self._timestamp = timestamp
            self._open = event
        elif self._open is None:
            return  # Its end came before.
        if event.ended:
            self._tell(event)
        elif event.duration > self._open.duration:
            self._open = event

    def flush(self) -> None:
        """Something else came: what is open has ended."""
        if self._open is not None:
            self._tell(self._open)

    def _tell(self, event: Event) -> None:
        self._open = None
        self._on_digit(Digit(DIGITS[event.code], event.duration / self.clock_rate))


class SentEvent(NamedTuple):
    """A packet of an event; `starts` with the first, whose timestamp the others have too."""

    payload: bytes
    starts: bool


class EventSender:
    """Digits one after the other: what is due is taken by `due`, at each tick."""

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._waiting: deque[tuple[str, float]] = deque()
        self._code = 0
        self._began = self._next_at = 0.0
        self._lasts_s = 0.0
        self._ends = 0
        self._is_open = False

    @property
    def busy(self) -> bool:
        return self._is_open or bool(self._waiting)

    def send(self, digits: str, duration_s: float = DIGIT_S) -> int:
        """How many were taken: those that are digits, up to DIGITS_MAX that wait."""
        lasts_s = min(max(duration_s, DIGIT_MIN_S), DIGIT_MAX_S)
        taken = [one for one in digits.upper() if one in DIGITS]
        taken = taken[: DIGITS_MAX - len(self._waiting)]
        self._waiting.extend([(one, lasts_s) for one in taken])
        return len(taken)

    def due(self, now: float) -> SentEvent | None:
        """The packet of this time, None between packets and digits."""
        if now < self._next_at - EARLY_S:
            return None
        starts = not self._is_open
        if starts:
            if not self._waiting:
                return None
            sign, self._lasts_s = self._waiting.popleft()
            self._code = DIGITS.index(sign)
            self._is_open, self._began, self._ends = True, now, 0
            self._next_at = now
        self._next_at += PACKET_S
        lasted_s = min(now - self._began + PACKET_S, self._lasts_s)
        ended = lasted_s >= self._lasts_s - 1e-9
        if ended:
            self._ends += 1
            if self._ends == END_PACKETS:
                self._is_open = False
                self._next_at = now + GAP_S
        duration = round(lasted_s * self._clock_rate)
        return SentEvent(bytes(Event(self._code, ended, duration)), starts)
