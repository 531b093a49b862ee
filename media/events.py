"""What a relayed call tells who opened it. `end` is 0 or 1."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class MediaTimeout(NamedTuple):
    """Neither end, or one that should, has sent anything for long: the call is dead. Told again
    after as long, from the first answer on, so in early media too, where an end may be silent."""


class EndGone(NamedTuple):
    """The transport of the end could not be set up, or the end has closed it: of WEBRTC alone."""

    end: int


class OneWay(NamedTuple):
    """The end should send and has sent nothing for a while, while the other did. Told once, and
    again after it has sent."""

    end: int


class DigitReceived(NamedTuple):
    """The end has sent a digit as an event. `passed` says whether the other end has got it as one:
    it has not agreed to events otherwise, and needs it by the signalling."""

    end: int
    sign: str
    duration_s: float
    passed: bool


class Played(NamedTuple):
    """What was played to the end has ended: by itself, or because something else was asked for."""

    end: int
    finished: bool


class Talking(NamedTuple):
    """The end has begun to talk; the level is in dBov."""

    end: int
    level_dbov: float


class Silent(NamedTuple):
    """The end has ceased to talk, or not begun."""

    end: int
    level_dbov: float


class RecordingEnd(StrEnum):
    ASKED = "asked"
    FULL = "full"
    FAILED = "failed"


class Recorded(NamedTuple):
    """A recording has ended; `seconds` are those of audio."""

    path: str
    seconds: float
    reason: RecordingEnd


MediaEvent = MediaTimeout | EndGone | OneWay | DigitReceived | Played | Talking | Silent | Recorded
