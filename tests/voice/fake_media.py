"""A media engine that carries nothing: a description passes with a mark, so that a test sees that
it went through, and whether all sessions were closed. It replies at once, or when it is told to."""

from collections.abc import Callable
from typing import TypeVar

from gateway.call import Quality
from gateway.voice.media_session import (
    Lost,
    MediaEvent,
    MediaReadings,
    MediaRefused,
    Qualities,
    Side,
    Silence,
)
from gateway.voice.steps import Reply
from media.profile import Profile

T = TypeVar("T")
QUALITIES = Qualities(Quality(packets=1, mos=4.0), Quality(packets=2, mos=4.0))


class FakeSession:
    def __init__(self, engine: "FakeEngine", on_event: Callable[[MediaEvent], None]) -> None:
        self._engine = engine
        self._on_event = on_event
        self.log: list[str] = []
        self.profiles: list[Profile | None] = []
        self.heard: set[Side] = set()
        self.closed = False
        self.stuck = False
        self.known = Qualities()
        self.heard_last = QUALITIES

    def offer(self, side: Side, sdp: bytes, profile: Profile | None = None) -> Reply[bytes]:
        self.profiles.append(profile)
        return self._pass("offer", side, sdp)

    def answer(self, side: Side, sdp: bytes) -> Reply[bytes]:
        return self._pass("answer", side, sdp)

    def flowing(self, side: Side) -> Reply[bool]:
        return self._engine.replied(side in self.heard)

    def query(self) -> Reply[Qualities]:
        assert not self.closed
        return self._engine.replied(QUALITIES)

    def play(self, side: Side, file: str) -> Reply[None]:
        return self._done(f"play {file} to {side}")

    def play_tone(
        self, side: Side, hertz: tuple[float, ...], on_s: float, off_s: float = 0.0
    ) -> Reply[None]:
        return self._done(f"play {hertz} to {side} for {on_s} s of {on_s + off_s} s")

    def listen(self, side: Side, on: bool) -> Reply[None]:
        return self._done(f"listen to {side}: {on}")

    def record(self, file: str) -> Reply[None]:
        return self._done(f"record {file}")

    def stop_recording(self) -> Reply[None]:
        return self._done("stop recording")

    def stop(self, side: Side) -> Reply[None]:
        return self._done(f"stop {side}")

    def send_dtmf(self, side: Side, digits: str) -> Reply[None]:
        if self.stuck:
            return Reply.refused(MediaRefused(488, "nothing is agreed"))
        return self._done(f"digits {digits} to {side}")

    def digits_by_signalling(self, side: Side) -> Reply[None]:
        return self._done(f"tell digits to {side}")

    def _done(self, what: str) -> Reply[None]:
        self.log.append(what)
        return self._engine.replied(None)

    def close(self) -> Reply[Qualities]:
        assert not self.closed
        self.closed = True
        self._engine.open_sessions -= 1
        return self._engine.replied(self.heard_last)

    def fall_silent(self) -> None:
        self._on_event(Silence())

    def tell(self, event: MediaEvent) -> None:
        self._on_event(event)

    def lose(self) -> None:
        """Its worker is dead."""
        self.stuck = True
        self._on_event(Lost())

    def _pass(self, what: str, side: Side, sdp: bytes) -> Reply[bytes]:
        assert not self.closed
        self.log.append(f"{side} {what} {sdp.decode()}")
        if self.stuck:
            return self._engine.refused(MediaRefused(500, "the worker is gone"))
        if b"bad" in sdp:
            return self._engine.refused(MediaRefused(488, "it is bad"))
        return self._engine.replied(b"relayed " + sdp)


class FakeEngine:
    """While `late`, replies are kept until `reply` is called."""

    def __init__(self) -> None:
        self.sessions: list[FakeSession] = []
        self.open_sessions = 0
        self.full = False
        self.late = False
        self.owed: list[Callable[[], None]] = []

    def open(self, on_event: Callable[[MediaEvent], None]) -> FakeSession:
        if self.full:
            raise MediaRefused(503, "there is no room")
        self.open_sessions += 1
        self.sessions.append(FakeSession(self, on_event))
        return self.sessions[-1]

    def readings(self) -> MediaReadings:
        return MediaReadings(calls=self.open_sessions)

    def reply(self) -> None:
        """To all that was asked."""
        owed, self.owed = self.owed, []
        for settle in owed:
            settle()

    def replied(self, value: T) -> Reply[T]:
        if not self.late:
            return Reply.of(value)
        reply: Reply[T] = Reply()
        self.owed.append(lambda: reply.settle(value))
        return reply

    def refused(self, error: MediaRefused) -> Reply[bytes]:
        if not self.late:
            return Reply.refused(error)
        reply: Reply[bytes] = Reply()
        self.owed.append(lambda: reply.refuse(error))
        return reply
