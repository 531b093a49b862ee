"""Several rtpengines: who takes a call, and which calls are asked for."""

from collections import Counter
from random import Random

import pytest

from gateway.voice.media_session import Lost, MediaEvent, MediaRefused, Played, Side
from gateway.voice.rtpengine_engine import POLL_S, POLLS_PER_SECOND_MAX, RtpengineEngine
from gateway.voice.rtpengine_session import RtpengineSession
from media.profile import Profile
from tests.media.descriptions import spoken
from tests.voice.fake_rtpengine import FakeRtpengine


class Engine:
    def __init__(self, *servers: FakeRtpengine) -> None:
        self.servers = servers
        self.events: list[MediaEvent] = []
        self.engine = RtpengineEngine(servers, Random(7))
        self.engine.poll(0.0)

    def call(self) -> RtpengineSession:
        session = self.engine.open(self.events.append)
        session.offer(Side.CALLER, spoken(4_000), Profile.PLAIN)
        session.answer(Side.CALLED, spoken(5_000))
        return session


def test_calls_are_spread_by_weight() -> None:
    engine = Engine(FakeRtpengine("one", 3), FakeRtpengine("two", 1))
    servers = [engine.call().server for _ in range(400)]
    names = Counter([server.name for server in servers if server is not None])
    assert names.total() == 400
    assert 260 < names["one"] < 340


def test_weight_0_is_for_when_no_other_is_up() -> None:
    one, spare = FakeRtpengine("one"), FakeRtpengine("spare", 0)
    engine = Engine(spare, one)
    assert {engine.call().server for _ in range(20)} == {one}
    one.up = False
    assert engine.call().server is spare


def test_weight_0_takes_what_the_others_have_no_room_for() -> None:
    one, spare = FakeRtpengine("one"), FakeRtpengine("spare", 0)
    one.refuses = {"result": b"error", "error-reason": b"Ran out of ports"}
    assert Engine(spare, one).call().server is spare


def test_without_a_server_there_is_no_room() -> None:
    one = FakeRtpengine()
    one.up = False
    with pytest.raises(MediaRefused) as refused:
        Engine(one).call()
    assert refused.value.status == 503


def test_end_of_what_is_played_is_told_within_a_second() -> None:
    server = FakeRtpengine()
    server.length_ms = 1_500
    engine = Engine(server)
    engine.call().play(Side.CALLED, "/srv/welcome.wav")
    for now in (1.0, 2.0, 3.0):
        engine.engine.poll(now)
        assert engine.events == ([Played(Side.CALLED, True)] if now == 3.0 else [])


def test_nothing_is_told_of_what_was_played_in_a_call_that_is_over() -> None:
    server = FakeRtpengine()
    server.length_ms = 1_500
    engine = Engine(server)
    session = engine.call()
    session.play(Side.CALLED, "/srv/welcome.wav")
    session.close()
    for now in (1.0, 2.0, 3.0):
        engine.engine.poll(now)
    assert engine.events == []


def test_calls_have_ids_that_nobody_can_guess() -> None:
    one = FakeRtpengine()
    engine = Engine(one)
    engine.call()
    engine.call()
    first, second = one.calls
    assert first != second
    assert min(len(first), len(second)) > 24


def test_each_call_is_asked_for_now_and_then() -> None:
    one = FakeRtpengine()
    engine = Engine(one)
    engine.call()
    for now in range(1, 31):
        engine.engine.poll(float(now))
    assert one.commands.count("query") == 3


def test_polls_are_bounded() -> None:
    one = FakeRtpengine()
    engine = Engine(one)
    for _ in range(POLLS_PER_SECOND_MAX + 50):
        engine.call()
    engine.engine.poll(POLL_S)
    assert one.commands.count("query") == POLLS_PER_SECOND_MAX
    engine.engine.poll(POLL_S + 1)
    assert one.commands.count("query") == POLLS_PER_SECOND_MAX + 50


def test_closed_call_is_not_asked_for() -> None:
    one = FakeRtpengine()
    engine = Engine(one)
    engine.call().close()
    asked = len(one.asked)
    engine.engine.poll(POLL_S)
    assert len(one.asked) == asked


def test_calls_of_a_server_that_comes_back_are_asked_for_at_once() -> None:
    one, two = FakeRtpengine("one"), FakeRtpengine("two")
    engine = Engine(one, two)
    sessions = [engine.call() for _ in range(20)]
    one.up = False
    engine.engine.poll(1.0)
    one.up = True
    one.restart()
    engine.engine.poll(2.0)
    lost = [session for session in sessions if session.server is one]
    assert engine.events == [Lost()] * len(lost)
    assert "query" not in two.commands


def test_readings_count_what_the_servers_have_told() -> None:
    one, two = FakeRtpengine("one"), FakeRtpengine("two")
    engine = Engine(one, two)
    two.up = False
    first, second = engine.call(), engine.call()
    one.came = {"caller": 10}
    first.close()
    second.query()
    readings = engine.engine.readings()
    assert (readings.workers, readings.workers_wanted, readings.calls) == (1, 2, 1)
    assert (readings.packets, readings.octets) == (20, 20 * 172)
