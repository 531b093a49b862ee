"""The media of calls in one or more rtpengines: which of them takes a new call, and which calls are
still alive in them, which is asked for now and then, since they do not tell."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from random import Random

from gateway.voice.media_session import MediaEvent, MediaReadings, MediaRefused
from gateway.voice.rtpengine_call import MediaServer
from gateway.voice.rtpengine_session import RtpengineSession

# Each call is asked for so often, or less often where there are more calls than may be asked for.
POLL_S = 10.0
POLLS_PER_SECOND_MAX = 200
_CALL_ID_BITS = 128


class RtpengineEngine:
    """A `MediaEngine`. Servers that are up take new calls by their weights, and those of weight 0
    where no other is up; each of the others is tried where one has no room or does not answer."""

    def __init__(self, servers: Sequence[MediaServer], random: Random) -> None:
        self._servers = servers
        self._random = random
        self._up: set[str] = set()
        self._sessions: set[RtpengineSession] = set()
        # Whose ends are played to.
        self._playing: set[RtpengineSession] = set()
        # Of calls that are over.
        self._packets = self._octets = self._one_way = 0
        # The next to be asked for first, with when.
        self._line: deque[tuple[float, RtpengineSession]] = deque()
        self._now = 0.0

    def open(self, on_event: Callable[[MediaEvent], None]) -> RtpengineSession:
        in_turn = self._in_turn()
        if not in_turn:
            raise MediaRefused(503, "no rtpengine is there")
        call_id = f"{self._random.getrandbits(_CALL_ID_BITS):x}"
        session = RtpengineSession(call_id, in_turn, on_event, self._on_closed, self._on_playing)
        self._sessions.add(session)
        self._line.append((self._now + POLL_S, session))
        return session

    def readings(self) -> MediaReadings:
        """As far as the servers have told; of free ports they tell nothing."""
        known = [each for session in self._sessions for each in session.known]
        return MediaReadings(
            workers=sum(server.up for server in self._servers),
            workers_wanted=len(self._servers),
            calls=len(self._sessions),
            packets=self._packets + sum(quality.packets for quality in known),
            octets=self._octets + sum(quality.octets for quality in known),
            one_way=self._one_way + sum(session.one_way for session in self._sessions),
        )

    def poll(self, now: float) -> None:
        """To be called once a second."""
        self._now = now
        for session in list(self._playing):
            if not session.look_at_playing(now):
                self._playing.discard(session)
        self._ask_for_those_of_servers_that_came_back()
        asked = 0
        while self._line and asked < POLLS_PER_SECOND_MAX:
            due, session = self._line[0]
            if session in self._sessions and due > now:
                return
            self._line.popleft()
            if session in self._sessions:
                self._line.append((now + POLL_S, session))
                if session.agreed:
                    asked += 1
                    session.poll(now)

    def _on_closed(self, session: RtpengineSession) -> None:
        """Told once what came, or, where it was lost, what had come."""
        self._sessions.discard(session)
        self._playing.discard(session)
        self._packets += sum(quality.packets for quality in session.known)
        self._octets += sum(quality.octets for quality in session.known)
        self._one_way += session.one_way

    def _on_playing(self, session: RtpengineSession) -> None:
        self._playing.add(session)

    def _ask_for_those_of_servers_that_came_back(self) -> None:
        """They may have been started anew, and know nothing of their calls."""
        up = {server.name for server in self._servers if server.up}
        came, self._up = up - self._up, up
        if not came:
            return
        first = [
            (0.0, session)
            for _, session in self._line
            if session.server is not None and session.server.name in came
        ]
        asked_first = {session for _, session in first}
        rest = [(due, session) for due, session in self._line if session not in asked_first]
        self._line = deque(first + rest)

    def _in_turn(self) -> list[MediaServer]:
        """Those that are up: one by chance, weighted, then one of the others, and so on."""
        left = [server for server in self._servers if server.up]
        in_turn: list[MediaServer] = []
        while left:
            weights = [server.weight for server in left]
            chosen = self._random.choices(left, weights)[0] if any(weights) else left[0]
            left.remove(chosen)
            in_turn.append(chosen)
        return in_turn
