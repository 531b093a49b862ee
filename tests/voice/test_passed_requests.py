"""Requests within a call: passed to the other side, or answered by us."""

import pytest

from gateway.sip.leg_events import (
    Acknowledged,
    Answered,
    Asked,
    EndCause,
    IncomingCall,
    Responded,
    Withdrawn,
)
from gateway.sip.leg_state import LegState
from tests.voice.world import ANSWER, CUSTOMER, OFFER, ONE, World

HOLD, HELD = b"v=0 sendonly", b"v=0 recvonly"


def test_hold_and_its_answer_pass() -> None:
    world = World()
    caller, _ = world.talk()
    caller.request("INVITE", world.now, body=HOLD)
    asked = world.asked(world.one)
    assert (asked.request.method, asked.request.body) == ("INVITE", b"relayed " + HOLD)
    asked.leg.respond(asked.transaction, 200, world.now, body=HELD)
    (responded,) = world.events(world.customer, Responded)
    assert responded.response is not None
    assert (responded.status, responded.response.body) == (200, b"relayed " + HELD)
    caller.hang_up(world.now)
    assert world.nothing_stays()


def test_hold_by_the_called_side_passes_too() -> None:
    world = World()
    _, called = world.talk()
    called.request("INVITE", world.now, body=HOLD)
    asked = world.asked(world.customer)
    asked.leg.respond(asked.transaction, 200, world.now, body=HELD)
    (responded,) = world.events(world.one, Responded)
    assert responded.status == 200
    assert world.media.sessions[0].log[-2:] == [
        f"called offer {HOLD.decode()}",
        f"caller answer {HELD.decode()}",
    ]


def test_update_passes_as_update() -> None:
    world = World()
    caller, _ = world.talk()
    caller.request("UPDATE", world.now, body=HOLD)
    asked = world.asked(world.one)
    assert asked.request.method == "UPDATE"
    asked.leg.respond(asked.transaction, 200, world.now, body=HELD)
    assert world.events(world.customer, Responded)[0].status == 200


def test_update_passes_as_invite_to_who_does_not_know_it() -> None:
    world = World()
    caller = world.call()
    world.called().answer(world.now, ANSWER)
    (answered,) = world.events(world.gateway, Answered)
    answered.leg.peer_allows = frozenset({"invite", "ack", "bye", "cancel"})
    caller.request("UPDATE", world.now, body=HOLD)
    asked = world.asked(world.one)
    assert asked.request.method == "INVITE"
    asked.leg.respond(asked.transaction, 200, world.now, body=HELD)
    assert world.events(world.customer, Responded)[0].status == 200


def test_offer_while_it_rings_passes_by_update() -> None:
    world = World()
    caller = world.call()
    called = world.called()
    called.ring(183, world.now, body=ANSWER, reliable=True)
    world.carry()
    world.sent(CUSTOMER, "183")
    caller.request("UPDATE", world.now)
    assert world.events(world.customer, Responded)[-1].status == 200
    assert not world.events(world.one, Asked)


@pytest.mark.parametrize("status", [488, 603])
def test_refusal_of_an_offer_is_told(status: int) -> None:
    world = World()
    caller, _ = world.talk()
    caller.request("INVITE", world.now, body=HOLD)
    asked = world.asked(world.one)
    asked.leg.respond(asked.transaction, status, world.now)
    assert world.events(world.customer, Responded)[0].status == status
    assert world.b2bua.calls == 1


def test_offer_that_the_engine_refuses_is_a_488() -> None:
    world = World()
    caller, _ = world.talk()
    caller.request("INVITE", world.now, body=b"bad")
    assert world.events(world.customer, Responded)[0].status == 488
    assert not world.events(world.one, Asked)


def test_answer_that_the_engine_refuses_is_a_488() -> None:
    world = World()
    caller, _ = world.talk()
    caller.request("INVITE", world.now, body=HOLD)
    asked = world.asked(world.one)
    asked.leg.respond(asked.transaction, 200, world.now, body=b"bad")
    assert world.events(world.customer, Responded)[0].status == 488


def test_offer_that_repeats_what_was_agreed_is_answered_by_us() -> None:
    world = World()
    caller, _ = world.talk()
    caller.request("INVITE", world.now, body=OFFER)
    (responded,) = world.events(world.customer, Responded)
    assert responded.response is not None
    assert (responded.status, responded.response.body) == (200, b"relayed " + ANSWER)
    assert not world.events(world.one, Asked)


def test_reinvite_without_an_offer_asks_the_other_for_one() -> None:
    world = World()
    caller, _ = world.talk()
    own = caller.request("INVITE", world.now)
    asked = world.asked(world.one)
    assert asked.request.body == b""
    asked.leg.respond(asked.transaction, 200, world.now, body=b"v=0 offer")
    (responded,) = world.events(world.customer, Responded)
    assert responded.acknowledge
    caller.acknowledge(own, world.now, b"v=0 answer")
    (event,) = world.events(world.one, Acknowledged)
    assert event.request.body == b"relayed v=0 answer"
    caller.hang_up(world.now)
    assert world.nothing_stays()


def test_offers_of_both_sides_that_meet_are_refused_and_tried_again() -> None:
    world = World()
    caller, called = world.talk()
    caller.request("INVITE", world.now, body=HOLD)
    called.request("INVITE", world.now, body=b"v=0 other")
    world.carry()
    assert world.sent(ONE, "491 INVITE") or world.sent(CUSTOMER, "491 INVITE")
    for _ in range(8):
        for made in (world.customer, world.one):
            for asked in world.events(made, Asked):
                asked.leg.respond(asked.transaction, 200, world.now, body=HELD)
        world.forget()
        world.run(2)
    assert world.b2bua.calls == 1
    caller.hang_up(world.now)
    assert world.nothing_stays()


def test_reinvite_that_is_withdrawn_is_withdrawn_on_the_other_side() -> None:
    world = World()
    caller, _ = world.talk()
    own = caller.request("INVITE", world.now, body=HOLD)
    asked = world.asked(world.one)
    asked.leg.respond(asked.transaction, 180, world.now)
    world.run(1)
    caller.withdraw(own, world.now)
    assert len(world.events(world.one, Withdrawn)) == 1
    assert world.events(world.customer, Responded)[-1].status == 487
    assert world.b2bua.calls == 1
    caller.hang_up(world.now)
    assert world.nothing_stays()


def test_info_and_its_answer_pass() -> None:
    world = World()
    caller, _ = world.talk()
    flash = [("Content-Type", "application/hook-flash"), ("X-Secret", "1")]
    caller.request("INFO", world.now, flash, b"Signal=hf")
    asked = world.asked(world.one)
    assert asked.request.body == b"Signal=hf"
    assert asked.request.content_type == "application/hook-flash"
    assert "X-Secret" not in asked.request.headers
    asked.leg.respond(asked.transaction, 415, world.now)
    assert world.events(world.customer, Responded)[0].status == 415


def test_more_infos_than_may_wait_are_a_503() -> None:
    world = World()
    caller, _ = world.talk()
    for _ in range(9):
        caller.request("INFO", world.now)
        world.carry()
    assert [event.status for event in world.events(world.customer, Responded)] == [503]
    caller.hang_up(world.now)
    assert world.nothing_stays()


def test_options_within_a_call_are_answered_by_us() -> None:
    world = World()
    caller, _ = world.talk()
    caller.request("OPTIONS", world.now)
    (responded,) = world.events(world.customer, Responded)
    assert responded.response is not None
    assert responded.status == 200
    assert "INVITE" in (responded.response.headers.get("Allow") or "")


@pytest.mark.parametrize(("method", "status"), [("NOTIFY", 481), ("SUBSCRIBE", 405)])
def test_what_is_not_for_a_call_is_refused(method: str, status: int) -> None:
    world = World()
    _, called = world.talk()
    called.request(method, world.now)
    world.carry()
    assert world.sent(ONE, f"{status} {method}")


def test_request_that_waits_when_the_call_ends_is_a_487() -> None:
    world = World()
    caller, called = world.talk()
    caller.request("INFO", world.now)
    world.carry()
    called.hang_up(world.now)
    world.carry()
    assert world.sent(CUSTOMER, "487 INFO")
    assert world.nothing_stays()


def test_side_that_knows_nothing_of_the_call_ends_it() -> None:
    world = World()
    caller, _ = world.talk()
    caller.request("INFO", world.now)
    asked = world.asked(world.one)
    asked.leg.respond(asked.transaction, 481, world.now)
    world.carry()
    assert world.ended(world.customer) == [(EndCause.BYE, 0)]
    assert world.nothing_stays()


def test_offer_before_anybody_rings_is_a_491() -> None:
    world = World()
    caller = world.call(headers=(("Require", "100rel"),))
    world.called().refuse(503, world.now)
    (second,) = [event.leg for event in world.events(world.two, IncomingCall)]
    assert second.state is LegState.INVITED
    (call,) = world.events(world.gateway, IncomingCall)
    call.leg.ring(183, world.now, body=b"v=0 ours")
    world.carry()
    caller.request("UPDATE", world.now, body=HOLD)
    world.carry()
    assert world.sent(CUSTOMER, "491 UPDATE")


def test_requests_of_ours_that_are_too_many_are_a_500_or_503() -> None:
    world = World()
    caller, _ = world.talk()
    world.gateway.layer._transactions_max = 6
    world.passes = lambda message: "192.0.2.11" not in message.to_bytes().decode()
    for _ in range(7):
        caller.request("INFO", world.now)
        world.carry()
    caller.request("UPDATE", world.now, body=HOLD)
    world.carry()
    assert world.sent(CUSTOMER, "503 INFO")
    assert world.sent(CUSTOMER, "500 UPDATE")


def test_answer_without_a_description_is_a_488() -> None:
    world = World()
    caller, _ = world.talk()
    caller.request("UPDATE", world.now, body=HOLD)
    asked = world.asked(world.one)
    asked.leg.respond(asked.transaction, 200, world.now)
    assert world.events(world.customer, Responded)[0].status == 488


def test_progress_of_a_reinvite_is_not_passed() -> None:
    world = World()
    caller, _ = world.talk()
    caller.request("INVITE", world.now, body=HOLD)
    asked = world.asked(world.one)
    asked.leg.respond(asked.transaction, 183, world.now)
    world.carry()
    assert not world.events(world.customer, Responded)


def test_offer_of_a_reinvite_that_was_withdrawn_is_answered_as_before() -> None:
    world = World()
    caller, _ = world.talk()
    own = caller.request("INVITE", world.now)
    asked = world.asked(world.one)
    asked.leg.respond(asked.transaction, 183, world.now)
    world.run(1)
    caller.withdraw(own, world.now)
    asked.leg.respond(asked.transaction, 200, world.now, body=b"v=0 offer")
    (event,) = world.events(world.one, Acknowledged)
    assert event.request.body == b"relayed " + OFFER
    caller.hang_up(world.now)
    assert world.nothing_stays()


def test_offer_in_a_200_that_the_engine_refuses_is_a_488() -> None:
    world = World()
    caller, _ = world.talk()
    caller.request("INVITE", world.now)
    asked = world.asked(world.one)
    asked.leg.respond(asked.transaction, 200, world.now, body=b"bad")
    world.carry()
    assert world.sent(ONE, "ACK")
    assert world.events(world.customer, Responded)[0].status == 488
