"""A media engine that carries nothing: a description passes with a mark, so that a test sees that
it went through, and whether all sessions were closed."""

from gateway.call import Quality
from gateway.voice.media_session import MediaRefused, OnSilence, Side


class FakeSession:
    def __init__(self, engine: "FakeEngine", on_silence: OnSilence) -> None:
        self._engine = engine
        self.on_silence = on_silence
        self.log: list[str] = []
        self.heard: set[Side] = set()
        self.closed = False
        self.stuck = False

    def offer(self, side: Side, sdp: bytes) -> bytes:
        return self._pass("offer", side, sdp)

    def answer(self, side: Side, sdp: bytes) -> bytes:
        return self._pass("answer", side, sdp)

    def flowing(self, side: Side) -> bool:
        return side in self.heard

    def quality(self, side: Side) -> Quality:
        assert not self.closed
        return Quality(packets=1 if side is Side.CALLER else 2, mos=4.0)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._engine.open_sessions -= 1

    def _pass(self, what: str, side: Side, sdp: bytes) -> bytes:
        assert not self.closed
        self.log.append(f"{side} {what} {sdp.decode()}")
        if self.stuck:
            raise MediaRefused(500, "the worker is gone")
        if b"bad" in sdp:
            raise MediaRefused(488, "it is bad")
        return b"relayed " + sdp


class FakeEngine:
    def __init__(self) -> None:
        self.sessions: list[FakeSession] = []
        self.open_sessions = 0
        self.full = False

    def open(self, on_silence: OnSilence) -> FakeSession:
        if self.full:
            raise MediaRefused(503, "there is no room")
        self.open_sessions += 1
        self.sessions.append(FakeSession(self, on_silence))
        return self.sessions[-1]
