"""Digits by SIP INFO, into the media and out of it."""

import pytest

from gateway.sip.leg_events import Asked, Responded
from gateway.voice.dtmf_info import ALONE, RELAY
from gateway.voice.media_session import Digit, Side
from tests.voice.world import CUSTOMER, ONE, World


@pytest.mark.parametrize(
    ("kind", "body", "digit"),
    [
        (RELAY, b"Signal=5\r\nDuration=160\r\n", "5"),
        (RELAY, b"signal= #\nduration= 100", "#"),
        (RELAY, b"Duration=160\r\nSignal=a", "A"),
        (RELAY, b"Signal=10", "*"),
        (f"{ALONE}; charset=x", b" 7 ", "7"),
        (ALONE, b"11", "#"),
    ],
)
def test_digit_goes_on_in_the_media_and_is_answered_by_us(
    kind: str, body: bytes, digit: str
) -> None:
    world = World()
    caller, _ = world.talk()
    caller.request("INFO", world.now, [("Content-Type", kind)], body)
    assert [one.status for one in world.events(world.customer, Responded)] == [200]
    assert world.media.sessions[0].log[-1] == f"digits {digit} to called"
    assert not world.events(world.one, Asked)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (RELAY, b"Signal=55"),
        (RELAY, b"Signal=x"),
        (RELAY, b""),
        (ALONE, b"16"),
        ("text/plain", b"Signal=5"),
    ],
)
def test_what_is_no_digit_passes_as_it_is(kind: str, body: bytes) -> None:
    world = World()
    caller, _ = world.talk()
    caller.request("INFO", world.now, [("Content-Type", kind)], body)
    assert world.asked(world.one).request.body == body


def test_digit_that_the_media_cannot_take_passes_as_it_is() -> None:
    world = World()
    caller, _ = world.talk()
    world.media.sessions[0].stuck = True
    caller.request("INFO", world.now, [("Content-Type", ALONE)], b"5")
    assert world.asked(world.one).request.body == b"5"


def test_who_tells_digits_by_info_is_told_them_so() -> None:
    world = World()
    caller, called = world.talk()
    caller.request("INFO", world.now, [("Content-Type", ALONE)], b"5")
    world.carry()
    session = world.media.sessions[0]
    assert session.log[-2:] == ["tell digits to caller", "digits 5 to called"]
    session.tell(Digit(Side.CALLED, "9", 120, passed=False))
    world.run(0)
    (info,) = world.sent(CUSTOMER, "INFO")
    assert info.body == b"Signal=9\r\nDuration=120\r\n"
    called.hang_up(world.now)
    world.carry()
    assert world.nothing_stays()


def test_digit_that_has_passed_is_told_by_nobody() -> None:
    world = World()
    world.talk()
    world.media.sessions[0].tell(Digit(Side.CALLER, "9", 120, passed=True))
    world.run(0)
    assert not world.sent(ONE, "INFO")
