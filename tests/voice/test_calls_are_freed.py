"""A call that is over is gone: nothing of it waits for the garbage collector, which comes by after
a hundred thousand others."""

from collections.abc import Callable

import pytest

from tests.garbage import left_to_the_collector
from tests.voice.world import World


def completed(world: World) -> None:
    caller, _ = world.talk()
    caller.hang_up(world.now)


def refused(world: World) -> None:
    world.call()
    world.called().refuse(486, world.now)


def cancelled(world: World) -> None:
    caller = world.call()
    world.called().ring(180, world.now)
    world.carry()
    caller.hang_up(world.now)


def rung_for_too_long(world: World) -> None:
    world.call()
    world.called().ring(180, world.now)
    world.run(1_000)


def held_and_hung_up(world: World) -> None:
    caller, called = world.talk()
    caller.request("INVITE", world.now, body=b"v=0\r\n")
    world.carry()
    asked = world.asked(world.one)
    called.respond(asked.transaction, 200, world.now, body=b"v=0\r\n")
    world.run(60)
    called.hang_up(world.now)


@pytest.mark.parametrize(
    "happen", [completed, refused, cancelled, rung_for_too_long, held_and_hung_up]
)
def test_call_leaves_nothing_to_the_collector(happen: Callable[[World], None]) -> None:
    world = World()
    with left_to_the_collector() as found:
        happen(world)
        assert world.nothing_stays()
        world.forget()
        world.media.sessions.clear()
    assert found == []
