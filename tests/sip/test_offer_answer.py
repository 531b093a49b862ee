"""Who may offer when (RFC 3264; RFC 3261 §13.2.1, §14; RFC 3311 §5)."""

from itertools import product

import pytest

from gateway.sip.leg_events import Acknowledged, Answered, Asked, Responded, Withdrawn
from gateway.sip.leg_requests import ACKS_KEPT_MAX
from gateway.sip.leg_state import RequestPending
from gateway.sip.offer_answer_state import TRANSITIONS, Description, OfferAnswerState, received
from tests.sip.calls import ANSWER, OFFER, Wire, losing

STATES = """
idle         | we offer         | local offer
idle         | the peer offers  | remote offer
local offer  | the peer answers | stable
local offer  | the offer's request was refused | stable
remote offer | we answer        | stable
remote offer | the offer's request was refused | stable
stable       | we offer         | local offer
stable       | the peer offers  | remote offer
"""


def test_each_state_and_description_is_as_the_rules_have_it() -> None:
    rows = (line.split("|") for line in STATES.strip().splitlines())
    drawn = {(state.strip(), what.strip()): then.strip() for state, what, then in rows}
    for state, what in product(OfferAnswerState, Description):
        following = TRANSITIONS.get((state, what))
        assert (following and following.value) == drawn.get((state.value, what.value))


@pytest.mark.parametrize(
    ("state", "what"),
    [
        (OfferAnswerState.IDLE, Description.OFFER_RECEIVED),
        (OfferAnswerState.LOCAL_OFFER, Description.ANSWER_RECEIVED),
        (OfferAnswerState.REMOTE_OFFER, None),
    ],
)
def test_description_in_a_response_answers_ours_if_there_is_one(
    state: OfferAnswerState, what: Description | None
) -> None:
    assert received(state) is what


# Late offer


def test_late_offer_is_in_the_2xx_and_its_answer_in_the_ack() -> None:
    wire = Wire()
    a_leg, b_leg = wire.call(body=b"")
    b_leg.answer(wire.now, OFFER)
    (answered,) = wire.events(wire.alice, Answered)
    assert answered.acknowledge
    assert "A ACK" not in wire.log
    a_leg.acknowledge_answer(wire.now, ANSWER)
    assert [event.request.body for event in wire.events(wire.bob, Acknowledged)] == [ANSWER]
    assert a_leg.may_offer
    assert b_leg.may_offer


def test_2xx_that_comes_again_before_the_late_answer_is_not_told_again() -> None:
    wire = Wire()
    a_leg, b_leg = wire.call(body=b"")
    b_leg.answer(wire.now, OFFER)
    wire.run(2)
    assert wire.log.count("B 200") == 3
    assert len(wire.events(wire.alice, Answered)) == 1
    a_leg.acknowledge_answer(wire.now, ANSWER)
    wire.run(10)
    assert wire.log.count("B 200") == 3


# re-INVITE and UPDATE


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_session_is_changed_within_the_dialog(method: str) -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    own = a_leg.request(method, wire.now, body=OFFER)
    (asked,) = wire.events(wire.bob, Asked)
    b_leg.respond(asked.transaction, 200, wire.now, body=ANSWER)
    (responded,) = wire.events(wire.alice, Responded)
    assert (responded.request, responded.status) == (own, 200)
    assert responded.response is not None
    assert responded.response.body == ANSWER
    assert ("A ACK" in wire.log) == (method == "INVITE")
    assert a_leg.may_offer
    assert b_leg.may_offer


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_refused_change_leaves_the_session_and_a_new_one_may_be_offered(method: str) -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    a_leg.request(method, wire.now, body=OFFER)
    (asked,) = wire.events(wire.bob, Asked)
    b_leg.respond(asked.transaction, 488, wire.now)
    assert [event.status for event in wire.events(wire.alice, Responded)] == [488]
    assert a_leg.may_offer
    assert b_leg.may_offer


def test_reinvite_without_an_offer_is_answered_by_one() -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    own = a_leg.request("INVITE", wire.now)
    (asked,) = wire.events(wire.bob, Asked)
    b_leg.respond(asked.transaction, 200, wire.now, body=OFFER)
    (responded,) = wire.events(wire.alice, Responded)
    assert responded.acknowledge
    a_leg.acknowledge(own, wire.now, ANSWER)
    assert wire.events(wire.bob, Acknowledged)[0].request.body == ANSWER


def test_callee_may_offer_too() -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    b_leg.request("INVITE", wire.now, body=OFFER)
    (asked,) = wire.events(wire.alice, Asked)
    a_leg.respond(asked.transaction, 200, wire.now, body=ANSWER)
    assert [event.status for event in wire.events(wire.bob, Responded)] == [200]


def test_second_offer_of_ours_waits_for_the_first() -> None:
    wire = Wire()
    a_leg, _ = wire.talk()
    a_leg.request("INVITE", wire.now, body=OFFER)
    for method in ("INVITE", "UPDATE"):
        with pytest.raises(RequestPending):
            a_leg.request(method, wire.now, body=OFFER)


def test_offer_is_not_made_while_the_peers_awaits_its_answer() -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    a_leg.request("UPDATE", wire.now, body=OFFER)
    wire.carry()
    with pytest.raises(RequestPending):
        b_leg.request("INVITE", wire.now, body=OFFER)


def test_nothing_is_asked_before_there_is_a_dialog() -> None:
    wire = Wire()
    a_leg, _ = wire.call()
    with pytest.raises(RequestPending):
        a_leg.request("INFO", wire.now)


# Glare


def test_both_who_offer_at_once_are_told_491_and_the_callee_tries_first() -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    for leg in (a_leg, b_leg):
        leg.request("INVITE", wire.now, body=OFFER)
    wire.carry()
    assert (wire.log.count("A 491"), wire.log.count("B 491")) == (1, 1)
    wire.run(2.05)
    (asked,) = wire.events(wire.alice, Asked)
    a_leg.respond(asked.transaction, 200, wire.now, body=ANSWER)
    wire.run(4)
    (asked,) = wire.events(wire.bob, Asked)
    b_leg.respond(asked.transaction, 200, wire.now, body=ANSWER)
    wire.carry()
    for made in (wire.alice, wire.bob):
        assert [event.status for event in wire.events(made, Responded)] == [200]


def test_update_that_meets_an_offer_of_ours_is_told_491() -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    b_leg.request("UPDATE", wire.now, body=OFFER)
    a_leg.request("UPDATE", wire.now, body=OFFER)
    wire.carry()
    assert "A 491" in wire.log
    assert "B 491" in wire.log


def test_second_offer_of_a_peer_that_does_not_wait_is_told_500_with_retry_after() -> None:
    wire = Wire()
    a_leg, _ = wire.talk()
    a_leg.request("INVITE", wire.now, body=OFFER)
    wire.carry()
    assert a_leg.dialog is not None
    contact = ("Contact", a_leg.contact)
    wire.alice.send_request(a_leg.dialog.request("INVITE", [contact], OFFER), a_leg.destination, 0)
    wire.carry()
    (refused,) = [message for message in wire.messages if message.start_line().endswith("Error")]
    assert 0 <= int(refused.required("Retry-After")) <= 10


def test_withdrawn_reinvite_is_answered_487() -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    own = a_leg.request("INVITE", wire.now, body=OFFER)
    wire.run(0.3)
    a_leg.withdraw(own, wire.now)
    wire.carry()
    assert len(wire.events(wire.bob, Withdrawn)) == 1
    assert [event.status for event in wire.events(wire.alice, Responded)] == [487]
    assert a_leg.may_offer
    assert b_leg.may_offer


def test_reinvite_that_is_repeated_is_told_once() -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    wire.passes = losing("ACK", "200")
    a_leg.request("INVITE", wire.now, body=OFFER)
    (asked,) = wire.events(wire.bob, Asked)
    b_leg.respond(asked.transaction, 200, wire.now, body=ANSWER)
    wire.run(10)
    assert len(wire.events(wire.bob, Asked)) == 1
    assert len(wire.events(wire.alice, Responded)) == 1
    assert len(wire.events(wire.bob, Acknowledged)) == 1


def test_provisional_response_to_a_reinvite_is_told() -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    a_leg.request("INVITE", wire.now, body=OFFER)
    (asked,) = wire.events(wire.bob, Asked)
    for status, body in ((180, b""), (200, ANSWER)):
        b_leg.respond(asked.transaction, status, wire.now, body=body)
    assert [event.status for event in wire.events(wire.alice, Responded)] == [180, 200]


def test_invite_that_meets_an_update_that_we_have_not_answered_is_told_500() -> None:
    wire = Wire()
    a_leg, _ = wire.talk()
    a_leg.request("UPDATE", wire.now, body=OFFER)
    wire.carry()
    assert a_leg.dialog is not None
    invite = a_leg.dialog.request("INVITE", [("Contact", a_leg.contact)])
    wire.alice.send_request(invite, a_leg.destination, wire.now)
    wire.carry()
    assert wire.log == ["A UPDATE", "A INVITE", "B 500", "A ACK"]


def test_answer_to_a_reinvite_that_comes_after_our_bye_is_acknowledged() -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    a_leg.request("INVITE", wire.now, body=OFFER)
    (asked,) = wire.events(wire.bob, Asked)
    b_leg.respond(asked.transaction, 200, wire.now, body=ANSWER)
    a_leg.hang_up(wire.now)
    wire.carry()
    assert "A ACK" in wire.log
    assert wire.nothing_stays()


def test_offer_that_cannot_be_made_again_after_a_glare_is_told_491() -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    for leg in (a_leg, b_leg):
        leg.request("INVITE", wire.now, body=OFFER)
    wire.run(5)
    assert [event.status for event in wire.events(wire.alice, Responded)] == [491]
    (asked,) = wire.events(wire.alice, Asked)
    a_leg.respond(asked.transaction, 200, wire.now, body=ANSWER)
    assert [event.status for event in wire.events(wire.bob, Responded)] == [200]


def test_acks_are_kept_of_the_last_invites_only() -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    for _ in range(ACKS_KEPT_MAX + 2):
        a_leg.request("INVITE", wire.now, body=OFFER)
        asked = wire.events(wire.bob, Asked)[-1]
        b_leg.respond(asked.transaction, 200, wire.now, body=ANSWER)
        wire.carry()
    assert len(a_leg._acks) == ACKS_KEPT_MAX
    assert a_leg.may_offer
