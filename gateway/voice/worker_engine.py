"""The media of calls in workers of ours: processes that hold the sockets and are spoken to by
messages (`media.worker`). Pure: requests go out by a function, what comes back is given to `take`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import media.events
from gateway.call import Quality
from gateway.voice.media_session import (
    Digit,
    Lost,
    MediaEvent,
    MediaReadings,
    MediaRefused,
    OneWay,
    Played,
    Qualities,
    Recording,
    Side,
    Silence,
    Talk,
)
from gateway.voice.steps import Reply
from media.events import (
    DigitReceived,
    EndGone,
    MediaTimeout,
    Recorded,
    Silent,
    Talking,
)
from media.events import OneWay as OneWayHeard
from media.events import Played as PlayedOut
from media.profile import Profile
from media.telephone_event import DIGIT_S
from media.worker.messages import (
    Answer,
    Begin,
    Delete,
    Described,
    Done,
    Dtmf,
    Event,
    Fault,
    Happened,
    Listen,
    Measured,
    Offer,
    Ping,
    Place,
    Play,
    Pong,
    Query,
    Record,
    Refused,
    Report,
    Request,
    Stop,
    StopRecording,
    Told,
    event_of,
)
from media.worker.messages import Reply as WorkersReply

# Under way at one worker: more than its calls can ask for while it is well.
REQUESTS_MAX = 10_000
NONE = Pong(0, 0, 0, 0, 0, 0)
_ENDS = {Side.CALLER: 0, Side.CALLED: 1}
_SIDES = (Side.CALLER, Side.CALLED)


class MediaWorker:
    """One worker, which may die and have a successor: a place for `capacity` calls. What it says of
    faults of its own goes to `on_fault`."""

    def __init__(self, number: int, capacity: int, on_fault: Callable[[str], None]) -> None:
        self.number = number
        self.capacity = capacity
        self.sessions: dict[int, WorkerSession] = {}
        self.restarts = 0
        self.one_way = 0
        # Calls that died with it last.
        self.calls_lost = 0
        self._on_fault = on_fault
        self._send: Callable[[Request], None] | None = None
        self._numbers = count(1)
        self._asked: dict[int, tuple[Reply[Any], Callable[[Any], Any]]] = {}
        # What it has counted, and what those before it had.
        self._pong = NONE
        self._before = NONE

    @property
    def up(self) -> bool:
        return self._send is not None

    @property
    def counted(self) -> Pong:
        now, before = self._pong, self._before
        return Pong(
            0,
            len(self.sessions),
            now.packets + before.packets,
            now.octets + before.octets,
            now.strays + before.strays,
            now.unsent + before.unsent,
        )

    def begin(self, send: Callable[[Request], None], place: Place) -> Reply[Pong]:
        """It has been started, and is up when this is answered."""
        reply: Reply[Pong] = Reply()

        def begun(pong: Pong) -> Pong:
            self._send = send
            return pong

        number = next(self._numbers)
        self._asked[number] = reply, begun
        send(Begin(number, place))
        return reply

    def ping(self) -> Reply[Pong]:
        return self.ask(Ping, (), _itself)

    def ask(
        self, request: Callable[..., Request], args: tuple[Any, ...], read: Callable[[Any], Any]
    ) -> Reply[Any]:
        """`read` makes of its answer what is replied."""
        if self._send is None:
            return Reply.refused(MediaRefused(503, "the media worker is lost"))
        if len(self._asked) >= REQUESTS_MAX:
            return Reply.refused(MediaRefused(503, "the media worker is slow"))
        number = next(self._numbers)
        reply: Reply[Any] = Reply()
        self._asked[number] = reply, read
        self._send(request(number, *args))
        return reply

    def take(self, messages: list[WorkersReply | Event]) -> None:
        for message in messages:
            if isinstance(message, Described | Measured):  # As nearly all are.
                reply, read = self._asked.pop(message.number)
                reply.settle(read(message))
                continue
            match message:
                case Pong(number):
                    self._pong = message
                    reply, read = self._asked.pop(number)
                    reply.settle(read(message))
                case Refused(number, status, detail):
                    reply, _ = self._asked.pop(number)
                    reply.refuse(MediaRefused(status, detail))
                case Done(number):
                    reply, _ = self._asked.pop(number)
                    reply.settle(None)
                case Happened(call):
                    self._tell(call, event_of(message))
                case Report(calls):
                    for call, first, second in calls:
                        session = self.sessions.get(call)
                        if session is not None:
                            session.known = Qualities(Quality(*first), Quality(*second))
                case Fault(text):
                    self._on_fault(text)

    def lost(self) -> None:
        """It is dead: what was asked is refused, and its calls hear of it."""
        self._send = None
        self._before, self._pong = self.counted, NONE
        self.calls_lost = len(self.sessions)
        asked, self._asked = self._asked, {}
        for reply, _ in asked.values():
            reply.refuse(MediaRefused(503, "the media worker is lost"))
        sessions, self.sessions = self.sessions, {}
        for session in sessions.values():
            session.on_event(Lost())

    def _tell(self, call: int, event: media.events.MediaEvent) -> None:
        session = self.sessions.get(call)
        if isinstance(event, OneWayHeard):
            self.one_way += 1
        if session is not None:  # Else it was closed meanwhile.
            session.on_event(told(event))


class WorkerSession:
    """A `MediaSession`: a call of a worker's."""

    __slots__ = ("_begun", "_call", "_worker", "known", "on_event")

    def __init__(
        self, worker: MediaWorker, call: int, on_event: Callable[[MediaEvent], None]
    ) -> None:
        self._worker = worker
        self._call = call
        self._begun = False
        self.on_event = on_event
        self.known = Qualities()
        worker.sessions[call] = self

    def offer(self, side: Side, sdp: bytes, profile: Profile | None = None) -> Reply[bytes]:
        self._begun = True
        return self._worker.ask(Offer, (self._call, _ENDS[side], sdp, profile), _sdp)

    def answer(self, side: Side, sdp: bytes) -> Reply[bytes]:
        return self._worker.ask(Answer, (self._call, _ENDS[side], sdp), _sdp)

    def flowing(self, side: Side) -> Reply[bool]:
        flows = _caller_flows if side is Side.CALLER else _called_flows
        return self._worker.ask(Query, (self._call,), flows)

    def query(self) -> Reply[Qualities]:
        return self._worker.ask(Query, (self._call,), self._learn)

    def play(self, side: Side, file: str) -> Reply[None]:
        return self._ask(Play, _ENDS[side], file)

    def play_tone(
        self, side: Side, hertz: tuple[float, ...], on_s: float, off_s: float = 0.0
    ) -> Reply[None]:
        """Until it is stopped."""
        return self._ask(Play, _ENDS[side], "", 0, hertz, on_s, off_s)

    def stop(self, side: Side) -> Reply[None]:
        return self._ask(Stop, _ENDS[side])

    def send_dtmf(self, side: Side, digits: str) -> Reply[None]:
        return self._ask(Dtmf, _ENDS[side], digits, DIGIT_S)

    def digits_by_signalling(self, side: Side) -> Reply[None]:
        return self._ask(Told, _ENDS[side])

    def listen(self, side: Side, on: bool) -> Reply[None]:
        """Tell when that side talks, by `Talk`, or no more."""
        return self._ask(Listen, _ENDS[side], on)

    def record(self, file: str) -> Reply[None]:
        """Both sides, into a WAV file that is not there yet."""
        return self._ask(Record, file)

    def stop_recording(self) -> Reply[None]:
        return self._ask(StopRecording)

    def _ask(self, request: Callable[..., Request], *args: Any) -> Reply[None]:
        return self._worker.ask(request, (self._call, *args), _itself)

    def close(self) -> Reply[Qualities]:
        self._worker.sessions.pop(self._call, None)
        if not self._begun:
            return Reply.of(self.known)
        return self._worker.ask(Delete, (self._call,), self._learn)

    def _learn(self, measured: Measured) -> Qualities:
        self.known = Qualities(Quality(*measured.first), Quality(*measured.second))
        return self.known


class WorkerEngine:
    """A `MediaEngine`: each call is with the worker that has the fewest."""

    def __init__(self, workers: Sequence[MediaWorker]) -> None:
        self._workers = workers
        self._calls = count(1)

    def open(self, on_event: Callable[[MediaEvent], None]) -> WorkerSession:
        least = None
        for worker in self._workers:
            calls = len(worker.sessions)
            if worker.up and calls < worker.capacity and (least is None or calls < least[0]):
                least = calls, worker
        if least is None:
            raise MediaRefused(503, "no media worker has a place")
        return WorkerSession(least[1], next(self._calls), on_event)

    def readings(self) -> MediaReadings:
        counted = [worker.counted for worker in self._workers]
        return MediaReadings(
            workers=sum(worker.up for worker in self._workers),
            workers_wanted=len(self._workers),
            restarts=sum(worker.restarts for worker in self._workers),
            calls=sum(one.calls for one in counted),
            calls_free=sum(
                worker.capacity - len(worker.sessions) for worker in self._workers if worker.up
            ),
            packets=sum(one.packets for one in counted),
            octets=sum(one.octets for one in counted),
            strays=sum(one.strays for one in counted),
            unsent=sum(one.unsent for one in counted),
            one_way=sum(worker.one_way for worker in self._workers),
        )


def told(event: media.events.MediaEvent) -> MediaEvent:
    """In the words of the signalling. A transport that is gone is silence."""
    match event:
        case MediaTimeout() | EndGone():
            return Silence()
        case OneWayHeard(end):
            return OneWay(_SIDES[end])
        case DigitReceived(end, sign, duration_s, passed):
            return Digit(_SIDES[end], sign, round(1_000 * duration_s), passed)
        case PlayedOut(end, finished):
            return Played(_SIDES[end], finished)
        case Talking(end):
            return Talk(_SIDES[end], True)
        case Silent(end):
            return Talk(_SIDES[end], False)
        case Recorded(path, seconds, reason):
            return Recording(path, seconds, reason)


def _itself(message: Any) -> Any:
    return message


def _sdp(described: Described) -> bytes:
    return described.sdp


def _caller_flows(measured: Measured) -> bool:
    return measured.first.packets > 0


def _called_flows(measured: Measured) -> bool:
    return measured.second.packets > 0
