"""What a user agent does beside calls, and the bounds of what it is given."""

import pytest

from gateway.sip.errors import ValueRefused
from gateway.sip.leg_events import Answered, Asked, EndCause, Ended, OutsideDialog, OutsideResponse
from gateway.sip.leg_state import RequestPending
from gateway.sip.message import SipRequest
from gateway.sip.next_hop import locate
from gateway.sip.outgoing_leg import Invitation
from gateway.sip.session_timer import SessionInterval
from gateway.sip.transaction import Destination
from gateway.sip.transaction_layer import TransactionsFull
from tests.sip.calls import ALICE, ANSWER, BOB, NOW, OFFER, Wire, agent, invitation, losing
from tests.sip.transactions import read, request

FLOW = Destination("WS", "203.0.113.9", 4_711, 5)
PUBLIC = Destination("UDP", "203.0.113.9", 5060)
NATTED, LOCAL = Destination("UDP", "8.8.8.8", 5060), Destination("UDP", "10.0.0.1", 5060)


# Requests that are for no call


def test_request_outside_of_calls_is_the_owners_to_answer() -> None:
    wire = Wire()
    wire.alice.send_request(request("OPTIONS"), BOB, NOW, "ping")
    (asked,) = wire.events(wire.bob, OutsideDialog)
    wire.bob.respond(asked.transaction, 200, NOW)
    (answer,) = wire.events(wire.alice, OutsideResponse)
    assert (answer.user, answer.status) == ("ping", 200)


def test_request_outside_of_calls_that_hears_nothing_is_a_408() -> None:
    wire = Wire()
    wire.passes = losing("OPTIONS", times=100)
    wire.alice.send_request(request("OPTIONS"), BOB, NOW, "ping")
    wire.run(40)
    assert wire.events(wire.alice, OutsideResponse) == [OutsideResponse("ping", 408, None)]


def test_lost_connection_is_a_503_to_what_awaits_its_answer_over_it() -> None:
    made = agent(ALICE, "alice")
    made.invite(invitation(), FLOW, NOW)
    made.connection_lost(FLOW, NOW)
    assert [event.status for event in made.events() if isinstance(event, Ended)] == [503]


# Bounds and values of the owner's


@pytest.mark.parametrize(
    "bad",
    [
        Invitation("sip:b@x\r\nEvil: 1", "<sip:a@x>", "<sip:b@x>"),
        Invitation("sip:b@x y", "<sip:a@x>", "<sip:b@x>"),
        Invitation("sip:b@x", "<sip:a@x>\r\nEvil: 1", "<sip:b@x>"),
        Invitation("sip:b@x", "<sip:a@x>", "<sip:b@x>\nEvil: 1"),
        Invitation("sip:b@x", "<sip:a@x>", "<sip:b@x>", routes=("<sip:p>\r\nEvil: 1",)),
        Invitation("sip:b@x", "<sip:a@x>", "<sip:b@x>", (("Subject", "x\r\nEvil: 1"),)),
    ],
)
def test_value_that_would_begin_a_line_of_its_own_is_refused_at_the_call(bad: Invitation) -> None:
    made = agent(ALICE, "alice")
    with pytest.raises(ValueRefused):
        made.invite(bad, BOB, NOW)
    assert (made.legs, made.messages_to_send()) == (0, [])


def full(transactions_max: int) -> Wire:
    wire = Wire()
    wire.alice.layer._transactions_max = transactions_max
    return wire


def test_call_that_is_one_request_too_many_is_refused_at_the_call() -> None:
    wire = full(1)
    wire.alice.invite(invitation(), BOB, NOW)
    with pytest.raises(TransactionsFull):
        wire.alice.invite(invitation(), BOB, NOW)
    assert wire.alice.legs == 1


def test_challenge_that_cannot_be_answered_for_want_of_room_is_a_rejection() -> None:
    wire = full(1)
    wire.alice.invite(invitation(), BOB, NOW, lambda *_: [("Authorization", "x")])
    asked = read(wire.alice.messages_to_send()[0])
    assert isinstance(asked, SipRequest)
    wire.alice.receive(asked.response(401, to_tag="x"), BOB, NOW)
    assert [event.status for event in wire.events(wire.alice, Ended)] == [401]


def test_prack_without_a_response_that_asks_for_it_is_refused_at_the_call() -> None:
    a_leg, _ = Wire().call()
    with pytest.raises(RequestPending):
        a_leg.prack(NOW)


def test_what_comes_after_the_end_of_a_leg_goes_nowhere() -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    a_leg.request("INFO", wire.now)
    (asked,) = wire.events(wire.bob, Asked)
    a_leg.hang_up(wire.now)
    wire.forget()
    for leg in (a_leg, b_leg):
        leg.hang_up(wire.now)
    b_leg.respond(asked.transaction, 200, wire.now)
    b_leg.ring(180, wire.now)
    b_leg.answer(wire.now)
    b_leg.refuse(486, wire.now)
    wire.carry()
    assert (wire.log, wire.ends(wire.alice), wire.ends(wire.bob)) == ([], [], [])


def test_update_that_awaits_its_answer_when_we_hang_up_is_told_481() -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    a_leg.request("UPDATE", wire.now, body=OFFER)
    (asked,) = wire.events(wire.bob, Asked)
    wire.passes = losing("BYE")
    b_leg.hang_up(wire.now)
    wire.carry()
    b_leg.respond(asked.transaction, 200, wire.now, body=ANSWER)
    wire.carry()
    assert "B 481" in wire.log
    assert wire.nothing_stays()


def test_request_within_a_call_that_we_leave_is_told_481() -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    wire.passes = losing("BYE")
    b_leg.hang_up(wire.now)
    wire.carry()
    a_leg.request("INVITE", wire.now, body=OFFER)
    wire.carry()
    assert "B 481" in wire.log
    assert wire.ends(wire.alice) == [EndCause.LOST]
    assert wire.nothing_stays()


def test_reinvite_with_too_short_an_interval_is_told_422_and_asked_again() -> None:
    wire = Wire(SessionInterval(120, 90))
    a_leg, b_leg = wire.talk()
    b_leg.session_timer = type(b_leg.session_timer)(SessionInterval(600, 300))
    a_leg.request("INVITE", wire.now, body=OFFER)
    (asked,) = wire.events(wire.bob, Asked)
    assert asked.request.headers.get("Session-Expires") == "300;refresher=uas"


def test_2xx_whose_routes_cannot_be_read_is_a_rejection() -> None:
    wire = Wire()
    wire.alice.invite(invitation(), BOB, NOW)
    asked = read(wire.alice.messages_to_send()[0])
    assert isinstance(asked, SipRequest)
    routes = [("Record-Route", "<<<")]
    for status in (180, 200):
        wire.alice.receive(asked.response(status, to_tag="x", headers=routes), BOB, NOW)
    assert [event.status for event in wire.events(wire.alice, Ended)] == [502]
    assert wire.events(wire.alice, Answered) == []


# Where the next hop is


@pytest.mark.parametrize(
    ("uri", "known", "destination"),
    [
        ("sip:b@203.0.113.7:5070", PUBLIC, Destination("UDP", "203.0.113.7", 5070)),
        ("sip:203.0.113.7;transport=tcp", PUBLIC, Destination("TCP", "203.0.113.7", 5060)),
        ("sips:203.0.113.7", PUBLIC, Destination("TLS", "203.0.113.7", 5061)),
        ("sip:[2001:db8::1]:5070", PUBLIC, Destination("UDP", "2001:db8::1", 5070)),
        ("sip:b@b.example", PUBLIC, PUBLIC),
        (
            "sip:b@10.0.0.7",
            NATTED,
            NATTED,
        ),
        (
            "sip:b@10.0.0.7",
            LOCAL,
            Destination("UDP", "10.0.0.7", 5060),
        ),
        ("sip:b@203.0.113.7", FLOW, FLOW),
        ("tel:+4930", PUBLIC, PUBLIC),
    ],
)
def test_next_hop_is_the_address_in_the_uri_or_where_the_peer_was_heard(
    uri: str, known: Destination, destination: Destination
) -> None:
    assert locate(uri, known) == destination
