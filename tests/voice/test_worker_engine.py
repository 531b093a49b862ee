"""The engine of workers behind the seam of the signalling, with workers in this process: what is
asked and answered goes through its octets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from typing import Any

import pytest

from gateway.call import Quality
from gateway.voice.media_session import (
    Lost,
    MediaEvent,
    MediaRefused,
    Qualities,
    Side,
    Silence,
)
from gateway.voice.worker_engine import REQUESTS_MAX, MediaWorker, WorkerEngine, WorkerSession
from media import sdp
from media.events import MediaTimeout
from media.heard import Heard
from media.profile import Profile
from media.worker.messages import (
    Event,
    Fault,
    Frames,
    Place,
    Reply,
    Report,
    Request,
    answers,
    frame,
    happened,
    requests,
)
from media.worker.service import Service
from tests.media.descriptions import audio, spoken
from tests.media.descriptions import sdp as description
from tests.media.packets import packet
from tests.media.udp_end import LOOPBACK, UdpEnd

PLACE = Place(LOOPBACK, "", 27_000, 27_999, 60.0)
HEARD = Heard(9, 1_548, 1, 0.01, 0.02, 4.1)


class JoinedWorker(MediaWorker):
    """One whose service is here; `carry` is the wire."""

    def __init__(self, number: int = 1, capacity: int = 10, place: Place = PLACE) -> None:
        self.faults: list[str] = []
        super().__init__(number, capacity, self.faults.append)
        self.events: list[Reply | Event] = []
        self.asked: list[Request] = []
        self.service = Service(self.events.append)
        self.begun = self.begin(self.ask_over_the_wire, place)

    def succeed(self) -> None:
        """Its process is dead, and there is another."""
        self.lost()
        self.end()
        self.service = Service(self.events.append)
        self.begin(self.ask_over_the_wire, PLACE)
        self.carry()

    def end(self) -> None:
        self.service.close()

    def ask_over_the_wire(self, request: Request) -> None:
        self.asked.append(request)

    def carry(self) -> None:
        asked, self.asked = self.asked, []
        (octets,) = Frames().feed(frame(asked))
        handled = [self.service.handle(one) for one in requests.decode(octets)]
        replies = [one for one in handled if one is not None]
        (octets,) = Frames().feed(frame([*replies, *self.events]))
        self.events.clear()
        self.take(answers.decode(octets))


Start = Callable[..., JoinedWorker]


@pytest.fixture
async def joined() -> AsyncIterator[Start]:
    """Starts workers, which are gone at the end of the test."""
    with ExitStack() as stack:

        def start(*args: Any, **where: Any) -> JoinedWorker:
            worker = JoinedWorker(*args, **where)
            stack.callback(worker.end)
            return worker

        yield start


def up(*workers: JoinedWorker) -> WorkerEngine:
    for worker in workers:
        worker.carry()
    return WorkerEngine(workers)


def opened(engine: WorkerEngine, events: list[MediaEvent] | None = None) -> WorkerSession:
    heard = events if events is not None else []
    return engine.open(heard.append)


async def test_what_the_caller_sends_is_heard_by_the_called_side_and_counted(joined: Start) -> None:
    worker, caller, called = joined(), UdpEnd(), UdpEnd()
    engine = up(worker)
    session = opened(engine)
    session.offer(Side.CALLER, caller.description(), Profile.PLAIN)
    answered = session.answer(Side.CALLED, called.description())
    flows = session.flowing(Side.CALLER)
    worker.carry()
    assert not flows.result()
    caller.send(packet(), sdp.parse(answered.result()).media[0].port)
    assert (await called.receive())[0] == packet()
    flows, silent = session.flowing(Side.CALLER), session.flowing(Side.CALLED)
    closed = session.close()
    worker.carry()
    assert (flows.result(), silent.result()) == (True, False)
    quality = closed.result().caller
    assert (quality.packets, quality.octets) == (1, len(packet()))
    assert closed.result().called == Quality()
    assert engine.readings().calls == 0
    caller.close()
    called.close()


@pytest.mark.parametrize(
    "offered",
    [
        b"",
        b"hello",
        description(),
        description("m=video 4000 RTP/AVP 31"),
        description(audio(0)),
    ],
)
async def test_what_cannot_be_served_is_refused_with_488(joined: Start, offered: bytes) -> None:
    worker = joined()
    session = opened(up(worker))
    offer = session.offer(Side.CALLER, offered)
    session.close()
    worker.carry()
    with pytest.raises(MediaRefused) as refused:
        offer.result()
    assert refused.value.status == 488


async def test_calls_go_to_the_worker_with_the_fewest(joined: Start) -> None:
    one, two = joined(1), joined(2)
    engine = up(one, two)
    sessions = [opened(engine) for _ in range(4)]
    assert (len(one.sessions), len(two.sessions)) == (2, 2)
    sessions[1].close()
    opened(engine)
    assert (len(one.sessions), len(two.sessions)) == (2, 2)


async def test_without_a_place_a_call_is_refused_with_503(joined: Start) -> None:
    worker = joined(capacity=1)
    engine = up(worker)
    assert engine.readings().calls_free == 1
    session = opened(engine)
    with pytest.raises(MediaRefused) as refused:
        opened(engine)
    assert refused.value.status == 503
    session.close()
    assert engine.readings().calls_free == 1


async def test_no_call_goes_to_a_worker_that_is_not_up(joined: Start) -> None:
    engine = WorkerEngine([joined()])
    with pytest.raises(MediaRefused):
        opened(engine)
    assert (engine.readings().workers, engine.readings().workers_wanted) == (0, 1)


async def test_session_that_offered_nothing_is_closed_without_asking(joined: Start) -> None:
    worker = joined()
    session = opened(up(worker))
    assert session.close().result() == Qualities()
    assert not worker.asked


async def test_lost_worker_refuses_what_was_asked_and_tells_its_calls(joined: Start) -> None:
    worker = joined()
    events: list[MediaEvent] = []
    session = opened(up(worker), events)
    offer = session.offer(Side.CALLER, spoken())
    worker.lost()
    with pytest.raises(MediaRefused):
        offer.result()
    assert events == [Lost()]
    assert worker.calls_lost == 1
    with pytest.raises(MediaRefused):
        session.close().result()


async def test_what_a_lost_worker_had_reported_is_known(joined: Start) -> None:
    worker = joined()
    session = opened(up(worker))
    session.offer(Side.CALLER, spoken())
    worker.carry()
    worker.take([Report([(1, HEARD, HEARD)])])
    worker.lost()
    assert session.known == Qualities(Quality(*HEARD), Quality(*HEARD))


async def test_what_lost_workers_have_counted_stays_counted(joined: Start) -> None:
    worker, caller, called = joined(), UdpEnd(), UdpEnd()
    engine = up(worker)
    session = opened(engine)
    session.offer(Side.CALLER, caller.description())
    answered = session.answer(Side.CALLED, called.description())
    worker.carry()
    caller.send(packet(), sdp.parse(answered.result()).media[0].port)
    await called.receive()
    worker.ping()
    worker.carry()
    worker.succeed()
    assert engine.readings().packets == 1
    assert engine.readings().workers == 1
    caller.close()
    called.close()


async def test_silence_is_told_to_its_call_unless_that_is_closed(joined: Start) -> None:
    worker = joined()
    events: list[MediaEvent] = []
    session = opened(up(worker), events)
    worker.take([happened(1, MediaTimeout()), happened(99, MediaTimeout())])
    assert events == [Silence()]
    session.close()
    worker.take([happened(1, MediaTimeout())])
    assert events == [Silence()]


async def test_worker_that_is_asked_too_much_refuses(joined: Start) -> None:
    worker = joined()
    session = opened(up(worker))
    for _ in range(REQUESTS_MAX):
        session.query()
    with pytest.raises(MediaRefused):
        session.query().result()


async def test_fault_of_a_worker_is_told(joined: Start) -> None:
    worker = joined()
    worker.take([Fault("Traceback")])
    assert worker.faults == ["Traceback"]
