"""Calls of which one side is not heard: who is told, and whose fault it is."""

import pytest

from gateway.call import Quality
from gateway.voice.call_session import NEVER_HEARD_S
from gateway.voice.media_session import OneWay, Qualities, Side
from routing.events import CallEnded
from tests.voice.fake_media import QUALITIES
from tests.voice.world import ANSWER, World


def fall_silent(world: World, side: Side) -> None:
    """As many packets had come from it as will have come in the end."""
    session = world.media.sessions[0]
    session.known = QUALITIES
    session.tell(OneWay(side))
    world.carry()


@pytest.mark.parametrize("side", Side)
def test_side_that_is_not_heard_is_told_and_is_in_the_record(side: Side) -> None:
    world = World()
    caller, _ = world.talk()
    fall_silent(world, side)
    caller.hang_up(world.now)
    world.carry()
    (told,) = world.one_way
    assert (told.call.id, told.silent, told.trunk) == (1, side, "one/a")
    assert world.record.silent == side
    assert world.record.called_quality.one_way is (side is Side.CALLED)


@pytest.mark.parametrize(("side", "blamed"), [(Side.CALLED, True), (Side.CALLER, False)])
def test_trunk_is_blamed_for_its_own_side_alone(side: Side, blamed: bool) -> None:
    world = World()
    caller, _ = world.talk()
    fall_silent(world, side)
    caller.hang_up(world.now)
    world.carry()
    ended = world.router.heard[-1]
    assert isinstance(ended, CallEnded)
    assert ended.one_way is blamed


def test_side_that_was_heard_again_is_not_in_the_record() -> None:
    world = World()
    caller, _ = world.talk()
    world.media.sessions[0].tell(OneWay(Side.CALLED))
    world.carry()
    caller.hang_up(world.now)
    world.carry()
    assert len(world.one_way) == 1
    assert world.record.silent == ""


def test_who_hears_the_called_side_ring_need_not_speak() -> None:
    world = World()
    caller = world.call()
    world.called().ring(183, world.now, (), ANSWER)
    world.carry()
    fall_silent(world, Side.CALLER)
    caller.hang_up(world.now)
    world.carry()
    assert world.one_way == []
    assert world.record.silent == ""


@pytest.mark.parametrize(
    ("talk_s", "answer", "silent"),
    [
        (NEVER_HEARD_S, ANSWER, "called"),
        (NEVER_HEARD_S - 1, ANSWER, ""),
        (NEVER_HEARD_S, ANSWER + b"\r\na=inactive", ""),
    ],
)
def test_side_that_was_never_heard_is_missed_in_a_call_that_was_soon_over(
    talk_s: float, answer: bytes, silent: str
) -> None:
    world = World()
    caller = world.call()
    world.called().answer(world.now, answer)
    world.carry()
    world.media.sessions[0].heard_last = Qualities(Quality(packets=90), Quality())
    world.run(talk_s)
    caller.hang_up(world.now)
    world.carry()
    assert world.record.silent == silent


def test_nobody_is_missed_where_nobody_was_heard() -> None:
    world = World()
    caller, _ = world.talk()
    world.media.sessions[0].heard_last = Qualities()
    world.run(60)
    caller.hang_up(world.now)
    world.carry()
    assert world.record.silent == ""


def test_side_that_was_missed_is_in_what_a_call_tells_while_it_stands() -> None:
    world = World()
    world.talk()
    fall_silent(world, Side.CALLED)
    known: list[Qualities] = []
    assert world.b2bua.query(1, known.append, world.now)
    assert [one.called.one_way for one in known] == [True]
