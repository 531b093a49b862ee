"""Provisional responses that must arrive (RFC 3262)."""

import pytest

from gateway.sip.errors import GrammarError
from gateway.sip.leg_events import (
    Answered,
    Asked,
    EndCause,
    Ended,
    IncomingCall,
    Pracked,
    Provisional,
)
from gateway.sip.message import SipRequest
from gateway.sip.outgoing_leg import Invitation
from gateway.sip.reliable_provisional import (
    WAITING_MAX,
    ProvisionalsFull,
    RAck,
    ReceivedProvisionals,
    ReliableProvisionals,
)
from tests.sip.calls import ANSWER, BOB, OFFER, Wire, losing
from tests.sip.transactions import NOW, request


def ringing() -> Wire:
    wire = Wire()
    _, b_leg = wire.call()
    b_leg.ring(183, wire.now, body=ANSWER, reliable=True)
    return wire


@pytest.mark.parametrize("text", ["1 2", "x 2 INVITE", "1 2 INVITE more", "99999999999 1 INVITE"])
def test_rack_that_is_malformed_is_an_error(text: str) -> None:
    with pytest.raises(GrammarError):
        RAck.of(request("PRACK", headers=[("RAck", text)]))


def test_rack_is_read_as_it_is_written() -> None:
    rack = RAck(776656, 1, "INVITE")
    assert RAck.of(request("PRACK", headers=[("RAck", str(rack))])) == rack


def test_each_response_has_the_number_after_the_last_and_waits_for_it() -> None:
    invite = request(branch="z9hG4bK1")
    provisionals = ReliableProvisionals(41)
    first = provisionals.add(invite.response(183))
    assert first is not None
    assert first.headers.get("RSeq") == "41"
    assert provisionals.add(invite.response(180)) is None
    assert not provisionals.acknowledge(RAck(40, 1, "INVITE"), invite)
    assert provisionals.acknowledge(RAck(41, 1, "INVITE"), invite)
    second = provisionals.next_one()
    assert second is not None
    assert (second.status, second.headers.get("RSeq")) == (180, "42")


def test_too_many_that_wait_are_refused_at_the_call() -> None:
    invite = request(branch="z9hG4bK1")
    provisionals = ReliableProvisionals(1)
    for _ in range(WAITING_MAX + 1):
        provisionals.add(invite.response(183))
    with pytest.raises(ProvisionalsFull):
        provisionals.add(invite.response(183))


@pytest.mark.parametrize(("numbers", "taken"), [([7, 8], 2), ([7, 7], 1), ([7, 9], 1), ([0], 1)])
def test_response_out_of_order_is_not_acknowledged(numbers: list[int], taken: int) -> None:
    received = ReceivedProvisionals()
    invite = request(branch="z9hG4bK1")
    racks = [
        received.take(invite.response(183, headers=[("RSeq", str(number))])) for number in numbers
    ]
    assert sum(rack is not None for rack in racks) == taken


def test_reliable_response_is_acknowledged_by_prack() -> None:
    wire = ringing()
    wire.carry()
    assert wire.log == ["A INVITE", "B 183", "A PRACK", "B 200"]
    assert len(wire.events(wire.alice, Provisional)) == 1
    assert len(wire.events(wire.bob, Pracked)) == 1


def test_it_is_repeated_until_its_prack_comes_and_told_once() -> None:
    wire = Wire()
    _, b_leg = wire.call()
    wire.passes = losing("183", "PRACK", times=2)
    b_leg.ring(183, wire.now, body=ANSWER, reliable=True)
    wire.run(30)
    assert wire.log.count("B 183") + wire.log.count("B 183 lost") >= 3
    assert len(wire.events(wire.alice, Provisional)) == 1
    assert len(wire.events(wire.bob, Pracked)) == 1


def test_call_whose_prack_never_comes_is_refused_by_504() -> None:
    wire = Wire()
    _, b_leg = wire.call()
    wire.passes = losing("PRACK", times=1_000)
    b_leg.ring(183, wire.now, body=ANSWER, reliable=True)
    wire.run(33)
    assert wire.ends(wire.bob) == [EndCause.NO_PRACK]
    assert [event.status for event in wire.events(wire.alice, Ended)] == [504]
    assert wire.nothing_stays()


def test_answer_waits_for_the_prack() -> None:
    wire = Wire()
    _, b_leg = wire.call()
    wire.passes = losing("PRACK")
    b_leg.ring(183, wire.now, body=ANSWER, reliable=True)
    b_leg.answer(wire.now, ANSWER)
    wire.carry()
    assert wire.events(wire.alice, Answered) == []
    wire.run(1)
    assert len(wire.events(wire.alice, Answered)) == 1


def test_second_reliable_response_follows_the_prack_of_the_first() -> None:
    wire = Wire()
    _, b_leg = wire.call()
    b_leg.ring(183, wire.now, body=ANSWER, reliable=True)
    b_leg.ring(180, wire.now, reliable=True)
    wire.carry()
    assert wire.log[1:] == ["B 183", "A PRACK", "B 200", "B 180", "A PRACK", "B 200"]


def test_refusal_does_not_wait_for_the_prack() -> None:
    wire = Wire()
    _, b_leg = wire.call()
    wire.passes = losing("183", times=1_000)
    b_leg.ring(183, wire.now, body=ANSWER, reliable=True)
    b_leg.refuse(486, wire.now)
    assert [event.status for event in wire.events(wire.alice, Ended)] == [486]
    assert wire.nothing_stays()


def test_prack_of_nothing_is_answered_481() -> None:
    wire = Wire()
    a_leg, b_leg = wire.call()
    b_leg.ring(180, wire.now)
    wire.carry()
    assert a_leg.dialog is not None
    prack = a_leg.dialog.request("PRACK", [("RAck", "1 1 INVITE")])
    wire.alice.send_request(prack, BOB, wire.now)
    wire.carry()
    assert wire.log[-2:] == ["A PRACK", "B 481"]


def test_peer_that_requires_it_is_rung_reliably() -> None:
    wire = Wire()
    invitation = Invitation(
        "sip:bob@192.0.2.2", "<sip:a@x.example>", "<sip:b@x.example>", (("Require", "100rel"),)
    )
    wire.alice.invite(invitation, BOB, NOW)
    wire.carry()
    (incoming,) = wire.events(wire.bob, IncomingCall)
    incoming.leg.ring(180, wire.now)
    wire.carry()
    assert wire.log == ["A INVITE", "B 180", "A PRACK", "B 200"]


def test_late_offer_may_be_in_the_reliable_response_and_its_answer_in_the_prack() -> None:
    wire = Wire()
    a_leg, b_leg = wire.call(body=b"")
    b_leg.ring(183, wire.now, body=OFFER, reliable=True)
    (provisional,) = wire.events(wire.alice, Provisional)
    assert provisional.prack
    assert "A PRACK" not in wire.log
    a_leg.prack(wire.now, ANSWER)
    assert [event.request.body for event in wire.events(wire.bob, Pracked)] == [ANSWER]
    b_leg.answer(wire.now)
    (answered,) = wire.events(wire.alice, Answered)
    assert not answered.acknowledge
    wire.carry()
    assert a_leg.may_offer
    assert b_leg.may_offer


def test_session_may_be_changed_by_update_before_the_answer() -> None:
    wire = ringing()
    wire.carry()
    a_leg = wire.events(wire.alice, Provisional)[0].leg
    b_leg = wire.events(wire.bob, IncomingCall)[0].leg
    a_leg.request("UPDATE", wire.now, body=OFFER)
    (asked,) = wire.events(wire.bob, Asked)
    b_leg.respond(asked.transaction, 200, wire.now, body=ANSWER)
    b_leg.answer(wire.now, ANSWER)
    (answered,) = wire.events(wire.alice, Answered)
    assert isinstance(asked.request, SipRequest)
    assert not answered.acknowledge
    assert a_leg.may_offer


def test_ringing_that_is_not_reliable_is_said_again_each_minute() -> None:
    wire = Wire()
    _, b_leg = wire.call()
    b_leg.ring(180, wire.now)
    wire.run(181)
    assert wire.log == ["A INVITE", "B 180", "B 180", "B 180", "B 180"]


def prack(wire: Wire, body: bytes) -> None:
    """Alice's first PRACK is lost; what comes in its place has a description."""
    wire.passes = losing("PRACK")
    wire.carry()
    lost = wire.messages[-1]
    leg = wire.events(wire.alice, Provisional)[0].leg
    assert leg.dialog is not None
    headers = [("RAck", lost.required("RAck")), ("Content-Type", "application/sdp")]
    wire.alice.send_request(leg.dialog.request("PRACK", headers, body), BOB, wire.now)
    wire.carry()


def test_prack_may_offer_and_the_owner_answers() -> None:
    wire = ringing()
    prack(wire, OFFER)
    (asked,) = wire.events(wire.bob, Asked)
    asked.leg.respond(asked.transaction, 200, wire.now, body=ANSWER)
    wire.carry()
    assert (wire.log[-1], wire.messages[-1].body) == ("B 200", ANSWER)


def test_late_offer_whose_prack_has_no_answer_is_no_session_and_another_may_be_offered() -> None:
    wire = Wire()
    a_leg, b_leg = wire.call(body=b"")
    b_leg.ring(183, wire.now, body=OFFER, reliable=True)
    wire.carry()
    a_leg.prack(wire.now)
    assert len(wire.events(wire.bob, Pracked)) == 1
    b_leg.answer(wire.now)
    wire.carry()
    assert b_leg.may_offer


def test_prack_to_the_caller_is_answered_481() -> None:
    wire = Wire()
    _, b_leg = wire.talk()
    assert b_leg.dialog is not None
    request = b_leg.dialog.request("PRACK", [("RAck", "1 1 INVITE")])
    wire.bob.send_request(request, b_leg.destination, wire.now)
    wire.carry()
    assert wire.log == ["B PRACK", "A 481"]
