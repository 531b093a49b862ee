"""What is kept of a call goes as soon as nothing of it is awaited: a gateway that leaves that to
the garbage collector keeps a million objects until it comes by."""

from collections.abc import Callable

import pytest

from tests.garbage import left_to_the_collector
from tests.sip.calls import Wire


def rejected(wire: Wire) -> None:
    _, b_leg = wire.call()
    b_leg.refuse(486, wire.now)


def cancelled(wire: Wire) -> None:
    a_leg, _ = wire.call()
    wire.carry()
    a_leg.hang_up(wire.now)


def ended_at_once(wire: Wire) -> None:
    wire.talk()[0].hang_up(wire.now)


def ended_after_its_invite_was_forgotten(wire: Wire) -> None:
    legs = wire.talk()
    wire.run(60)
    legs[1].hang_up(wire.now)


def with_a_new_session(wire: Wire) -> None:
    a_leg, _ = wire.talk()
    a_leg.request("INVITE", wire.now, body=b"v=0\r\n")
    wire.run(60)
    a_leg.hang_up(wire.now)


def never_answered(wire: Wire) -> None:
    wire.passes = lambda _: False
    wire.call()


@pytest.mark.parametrize(
    "happen",
    [
        rejected,
        cancelled,
        ended_at_once,
        ended_after_its_invite_was_forgotten,
        with_a_new_session,
        never_answered,
    ],
)
def test_call_leaves_nothing_to_the_collector(happen: Callable[[Wire], None]) -> None:
    wire = Wire()
    with left_to_the_collector() as found:
        happen(wire)
        assert wire.nothing_stays()
        wire.forget()
    assert found == []
