"""The media of one call, as the signalling sees it: descriptions in, descriptions out.

Each call is anchored: both sides send to us. The engine behind it may be a worker of ours or
another; so each answer is a `Reply`, which may come later.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple, Protocol

import msgspec

from gateway.call import Quality
from gateway.voice.steps import Reply
from media.profile import Profile

# An engine that has not replied by then is not there.
MEDIA_REPLY_S = 3.0


class Side(StrEnum):
    """Of a call: who called, and who is called."""

    CALLER = "caller"
    CALLED = "called"

    # Enum's own is written in Python and takes ten times as long.
    __hash__ = str.__hash__


SIDES = tuple(Side)


class MediaRefused(Exception):
    """A description cannot be served; `status` is what its sender is answered (488, 500, 503). Of
    what is asked for beside, there is 404 (no such file) and 501 (this engine cannot do that) too.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Qualities(NamedTuple):
    """Of what came from each side."""

    caller: Quality = Quality()
    called: Quality = Quality()

    def of(self, side: Side) -> Quality:
        return self.caller if side is Side.CALLER else self.called


class Silence(msgspec.Struct, frozen=True):
    """Neither side, or one that should, has sent anything for long: the call is dead. Told again
    after as long, from the first answer on, so in early media too, where an end may be silent."""


class OneWay(msgspec.Struct, frozen=True):
    """Media comes from the other side, and none from this one."""

    side: Side


class Digit(msgspec.Struct, frozen=True):
    """One of 0-9, *, #, A-D (RFC 4733 §3.2) came from that side. Unless it has `passed`, the other
    is to be told by the signalling."""

    side: Side
    digit: str
    duration_ms: int
    passed: bool


class Played(msgspec.Struct, frozen=True):
    """What was played to that side has `finished`, or was stopped."""

    side: Side
    finished: bool


class Talk(msgspec.Struct, frozen=True):
    """That side, which is listened to, has begun to talk, or has ceased."""

    side: Side
    talks: bool


class Recording(msgspec.Struct, frozen=True):
    """A recording has ended: asked, full or failed."""

    file: str
    seconds: float
    reason: str


class Lost(msgspec.Struct, frozen=True):
    """The engine has lost this session: a worker of it is dead. Told once; nothing comes after."""


MediaEvent = Silence | OneWay | Digit | Played | Talk | Recording | Lost


class MediaSession(Protocol):
    """Offers and answers pass through in the order of RFC 3264, either way, more than once. Each
    method is asked for one call at a time, and raises MediaRefused, where awaited, if the engine is
    not there."""

    def offer(self, side: Side, sdp: bytes, profile: Profile | None = None) -> Reply[bytes]:
        """`side` offers this; what the other side is to be offered: in this profile, if it is new,
        else in the one that it has described itself in. A new offer replaces one that has not been
        answered.

        Raises:
            MediaRefused: not SDP, no audio, no room.
        """
        ...

    def answer(self, side: Side, sdp: bytes) -> Reply[bytes]:
        """`side` answers the other's offer; what the other side is to be answered. More than one
        may come to an offer (forked early media): the last counts.

        Raises:
            MediaRefused: not an answer to it.
        """
        ...

    def flowing(self, side: Side) -> Reply[bool]:
        """Whether media has come from that side."""
        ...

    def query(self) -> Reply[Qualities]:
        """How what came was, so far."""
        ...

    @property
    def known(self) -> Qualities:
        """The same as far as it is known here, without asking."""
        ...

    def play(self, side: Side, file: str) -> Reply[None]:
        """To that side, which does not hear the other meanwhile: a WAV file where the media is.

        Raises:
            MediaRefused: it cannot be played.
        """
        ...

    def play_tone(
        self, side: Side, hertz: tuple[float, ...], on_s: float, off_s: float = 0.0
    ) -> Reply[None]:
        """Of these frequencies, again and again until it is stopped, with pauses of `off_s`.

        Raises:
            MediaRefused: there is no such tone, or it is too long for this engine.
        """
        ...

    def stop(self, side: Side) -> Reply[None]:
        """Playing to it."""
        ...

    def send_dtmf(self, side: Side, digits: str) -> Reply[None]:
        """To that side, as events, or as tones where it takes none.

        Raises:
            MediaRefused: nothing has been agreed with it yet.
        """
        ...

    def listen(self, side: Side, on: bool) -> Reply[None]:
        """Tell when that side talks, by `Talk`, or no more.

        Raises:
            MediaRefused: 501.
        """
        ...

    def record(self, file: str) -> Reply[None]:
        """Both sides, into a WAV file where the media is that is not there yet, until it is stopped
        or the call is over; `Recording` tells of the end.

        Raises:
            MediaRefused: the call is recorded already, or 501.
        """
        ...

    def stop_recording(self) -> Reply[None]:
        """Harmless where there is none."""
        ...

    def digits_by_signalling(self, side: Side) -> Reply[None]:
        """From now on, that side is told digits by the signalling where it takes no events."""
        ...

    def close(self) -> Reply[Qualities]:
        """Give all back; how what came was. To be asked once, and nothing after it."""
        ...


class MediaReadings(msgspec.Struct, frozen=True):
    """How an engine stands, and what it has counted since its start: `strays` are packets that are
    no media of a call's, `unsent` those that the system did not take. `workers` are those that are
    up, of those that are wanted."""

    workers: int = 0
    workers_wanted: int = 0
    restarts: int = 0
    calls: int = 0
    calls_free: int = 0
    packets: int = 0
    octets: int = 0
    strays: int = 0
    unsent: int = 0
    one_way: int = 0


class MediaEngine(Protocol):
    def open(self, on_event: Callable[[MediaEvent], None]) -> MediaSession:
        """
        Raises:
            MediaRefused: 503, there is no room.
        """
        ...

    def readings(self) -> MediaReadings: ...
