"""Blind transfers: the third side, and what who referred is told (RFC 3515, RFC 5589 §6.1)."""

import pytest

from gateway.call import CallDirection, CallStatus
from gateway.sip.incoming_leg import IncomingLeg
from gateway.sip.leg import Leg
from gateway.sip.leg_events import Asked, EndCause, IncomingCall, Responded
from gateway.sip.sanity import Refusal
from tests.voice.world import CUSTOMER, OFFER, ONE, World

THIRD = "sip:+14155550199@gateway.example"
THIRDS = b"v=0 third"


def refer(world: World, leg: Leg, target: str = THIRD) -> None:
    leg.request("REFER", world.now, [("Refer-To", f"<{target}>")])
    world.carry()


def referred() -> tuple[World, Leg, IncomingLeg, IncomingLeg]:
    """The customer has referred who it talks to, and the third is called."""
    world = World()
    caller, called = world.talk()
    world.events(world.one, IncomingCall)
    refer(world, caller)
    return world, caller, called, world.called()


def notified(world: World) -> list[str]:
    """What the customer was told, which it confirms."""
    told = []
    for asked in world.events(world.customer, Asked):
        if asked.request.method == "NOTIFY":
            told.append(asked.request.body.decode().strip())
            asked.leg.respond(asked.transaction, 200, world.now)
    world.carry()
    return told


def test_third_is_offered_what_the_remaining_side_describes() -> None:
    _, _, _, third = referred()
    assert third.request_received.body == b"relayed v=0 carrier"
    assert "+14155550199" in third.request_received.uri


def test_remaining_side_is_joined_with_the_third() -> None:
    world, _, called, third = referred()
    third.ring(180, world.now)
    world.carry()
    third.answer(world.now, THIRDS)
    world.carry()
    assert notified(world) == ["SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK"]
    assert world.ended(world.customer) == [(EndCause.BYE, 0)]
    asked = world.asked(world.one)
    assert asked.leg is called
    assert asked.request.body == b"relayed " + THIRDS
    asked.leg.respond(asked.transaction, 200, world.now, body=b"v=0 carrier again")
    world.run(60)
    assert world.b2bua.calls == 1
    called.hang_up(world.now)
    world.carry()
    assert world.ended(world.one)[-1] == (EndCause.BYE, 0)
    assert [one.status for one in world.record.attempts] == [200, 200]
    assert world.nothing_stays()


def test_one_who_was_referred_may_hold_the_third() -> None:
    world, _, called, third = referred()
    third.answer(world.now, THIRDS)
    asked = world.asked(world.one)
    asked.leg.respond(asked.transaction, 200, world.now, body=b"v=0 again")
    world.forget()
    called.request("INVITE", world.now, body=b"v=0 sendonly")
    asked = world.asked(world.one)
    assert asked.leg is third
    assert asked.request.body == b"relayed v=0 sendonly"


def test_call_goes_on_where_the_third_is_busy() -> None:
    world, caller, _, third = referred()
    third.refuse(486, world.now)
    world.carry()
    assert notified(world) == ["SIP/2.0 100 Trying", "SIP/2.0 486 Busy Here"]
    assert world.b2bua.calls == 1
    caller.request("INFO", world.now)
    assert world.asked(world.one).request.method == "INFO"
    caller.hang_up(world.now)
    assert world.nothing_stays()


def test_third_is_hunted_for_over_other_trunks_too() -> None:
    world, _, _, third = referred()
    third.refuse(503, world.now)
    world.called(world.two).answer(world.now, THIRDS)
    world.carry()
    assert notified(world)[-1] == "SIP/2.0 200 OK"
    assert world.channels() == {"one/a": 1, "two/a": 1}


def test_who_refers_may_leave_at_once() -> None:
    world, caller, called, third = referred()
    caller.hang_up(world.now)
    third.answer(world.now, THIRDS)
    world.carry()
    assert world.b2bua.calls == 1
    assert not called.over
    third.hang_up(world.now)
    assert world.nothing_stays()


def test_call_ends_where_who_referred_has_left_and_the_third_is_busy() -> None:
    world, caller, _, third = referred()
    caller.hang_up(world.now)
    third.refuse(486, world.now)
    world.carry()
    assert world.ended(world.one)[-1] == (EndCause.BYE, 0)
    assert world.record.status is CallStatus.COMPLETED
    assert world.nothing_stays()


def test_remaining_side_that_leaves_ends_the_hunt() -> None:
    world, _, called, _ = referred()
    called.hang_up(world.now)
    world.run(1)
    assert world.ended(world.one)[-1] == (EndCause.CANCELLED, 487)
    assert world.ended(world.customer) == [(EndCause.BYE, 0)]
    assert world.nothing_stays()


def test_third_that_does_not_answer_is_given_up() -> None:
    world, _, _, third = referred()
    third.ring(180, world.now)
    world.run(121)
    assert notified(world)[-1] == "SIP/2.0 408 Request Timeout"
    assert world.b2bua.calls == 1


def test_second_refer_meanwhile_is_a_491() -> None:
    world, caller, _, _ = referred()
    refer(world, caller)
    assert world.sent(CUSTOMER, "491 REFER")


def test_offer_meanwhile_is_a_491() -> None:
    world, _, called, _ = referred()
    called.request("INVITE", world.now, body=b"v=0 sendonly")
    world.carry()
    assert world.sent(ONE, "491 INVITE")


@pytest.mark.parametrize(
    "target", [f"{THIRD}?Replaces=abc", "sip:+14155550199@gateway.example;method=BYE", "http://a/"]
)
def test_other_than_a_blind_transfer_is_declined(target: str) -> None:
    world = World()
    caller, _ = world.talk()
    refer(world, caller, target)
    assert world.events(world.customer, Responded)[0].status == 603


def test_refer_without_a_target_is_a_400() -> None:
    world = World()
    caller, _ = world.talk()
    caller.request("REFER", world.now)
    assert world.events(world.customer, Responded)[0].status == 400


def test_transfer_that_admission_refuses_is_declined() -> None:
    world = World()
    world.admission.transfer_answer = Refusal(403, "not there")
    caller, _ = world.talk()
    refer(world, caller)
    assert world.events(world.customer, Responded)[0].status == 603
    caller.hang_up(world.now)
    assert world.nothing_stays()


def test_carrier_may_not_transfer_our_customer() -> None:
    world = World()
    _, called = world.talk()
    refer(world, called)
    assert world.sent(ONE, "603 REFER")


def test_called_customer_may_transfer_its_caller() -> None:
    world = World()
    world.admission.direction = CallDirection.INBOUND
    caller, called = world.talk()
    refer(world, called)
    third = world.called()
    assert third.request_received.body == b"relayed " + OFFER
    third.answer(world.now, THIRDS)
    asked = world.asked(world.customer)
    assert asked.leg is caller
    asked.leg.respond(asked.transaction, 200, world.now, body=OFFER)
    caller.hang_up(world.now)
    assert world.nothing_stays()


@pytest.mark.parametrize("body", [b"bad", b""])
def test_third_whose_session_is_of_no_use_is_left(body: bytes) -> None:
    world, _, _, third = referred()
    third.answer(world.now, body)
    world.carry()
    assert notified(world)[-1] == "SIP/2.0 488 Not Acceptable Here"
    assert world.ended(world.one)[-1] == (EndCause.BYE, 0)
    assert world.b2bua.calls == 1


def test_transfer_to_where_no_trunk_leads_fails() -> None:
    world = World()
    caller, _ = world.talk()
    refer(world, caller, "sip:+81312345678@gateway.example")
    assert notified(world)[-1] == "SIP/2.0 404 Not Found"
    caller.hang_up(world.now)
    assert world.nothing_stays()


def test_remaining_side_whose_session_cannot_be_offered_again_is_not_transferred() -> None:
    world = World()
    caller, _ = world.talk()
    world.media.sessions[0].stuck = True
    refer(world, caller)
    assert notified(world)[-1] == "SIP/2.0 500 Server Internal Error"
    assert world.b2bua.calls == 1


def test_remaining_side_is_offered_the_session_once_it_may_be() -> None:
    world, _, called, third = referred()
    called.request("INFO", world.now)
    world.passes = lambda message: message.cseq.method != "INVITE" or message is None
    third.answer(world.now, THIRDS)
    world.run(1)
    world.passes = lambda _: True
    world.run(2)
    assert world.asked(world.one).request.body == b"relayed " + THIRDS
