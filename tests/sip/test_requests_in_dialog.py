"""Requests within a call, and what becomes of the call by their answers (RFC 3261 §12.2)."""

import pytest

from gateway.sip.headers import Field
from gateway.sip.leg_events import Answered, Asked, EndCause, Ended, Responded
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.own_request import TRIES_MAX
from tests.sip.calls import ANSWER, BOB, OFFER, Wire, invitation, losing
from tests.sip.transactions import read

CREDENTIALS: Field = ("Proxy-Authorization", "Digest x")


def credentials(request: SipRequest, response: SipResponse) -> list[Field] | None:
    return [CREDENTIALS]


@pytest.mark.parametrize("method", ["INFO", "REFER", "NOTIFY", "OPTIONS", "MESSAGE"])
def test_request_passes_with_its_body_and_so_does_its_answer(method: str) -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    headers = [("Content-Type", "application/dtmf-relay")]
    own = a_leg.request(method, wire.now, headers, b"Signal=5")
    (asked,) = wire.events(wire.bob, Asked)
    assert (asked.request.method, asked.request.body) == (method, b"Signal=5")
    b_leg.respond(asked.transaction, 202, wire.now)
    (responded,) = wire.events(wire.alice, Responded)
    assert (responded.request, responded.status) == (own, 202)


def test_request_whose_number_goes_back_is_answered_500() -> None:
    wire = Wire()
    a_leg, _ = wire.talk()
    assert a_leg.dialog is not None
    a_leg.dialog.local_sequence -= 5
    a_leg.request("INFO", wire.now)
    wire.carry()
    assert wire.log == ["A INFO", "B 500"]


def test_request_of_another_branch_is_answered_481() -> None:
    wire = Wire()
    a_leg, _ = wire.talk()
    assert a_leg.dialog is not None
    a_leg.dialog.local = a_leg.dialog.local.replace("tag=", "tag=x")
    a_leg.request("INFO", wire.now)
    wire.carry()
    assert wire.log[:2] == ["A INFO", "B 481"]


def test_answer_481_is_the_end_of_the_call() -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    a_leg.request("INFO", wire.now)
    (asked,) = wire.events(wire.bob, Asked)
    b_leg.respond(asked.transaction, 481, wire.now)
    (ended,) = wire.events(wire.alice, Ended)
    assert (ended.cause, ended.status) == (EndCause.LOST, 481)
    assert wire.nothing_stays()


@pytest.mark.parametrize(("method", "ends"), [("INFO", []), ("INVITE", [EndCause.LOST])])
def test_silence_ends_the_call_where_the_session_was_to_change(
    method: str, ends: list[EndCause]
) -> None:
    wire = Wire()
    a_leg, _ = wire.talk()
    wire.passes = losing(method, times=100)
    a_leg.request(method, wire.now)
    wire.run(40)
    assert [event.status for event in wire.events(wire.alice, Responded)] == [408]
    assert wire.ends(wire.alice) == ends


def test_bye_to_a_silent_peer_ends_after_64_t1() -> None:
    wire = Wire()
    a_leg, _ = wire.talk()
    wire.at = {address: made for address, made in wire.at.items() if made is wire.alice}
    a_leg.hang_up(wire.now)
    wire.run(40)
    assert wire.alice.legs == 0


def test_call_is_made_again_with_credentials_where_it_is_challenged() -> None:
    wire = Wire()
    leg = wire.alice.invite(invitation(), BOB, wire.now, credentials)
    asked = read(wire.alice.messages_to_send()[0])
    assert isinstance(asked, SipRequest)
    wire.alice.receive(asked.response(407, to_tag="x"), BOB, wire.now)
    _, again = map(read, wire.alice.messages_to_send())
    assert isinstance(again, SipRequest)
    assert again.headers.get("Proxy-Authorization") == "Digest x"
    assert again.cseq.sequence == asked.cseq.sequence + 1
    assert (again.call_id, again.from_tag, again.to_tag) == (asked.call_id, leg.local_tag, None)
    assert again.branch != asked.branch


def test_challenges_without_end_are_a_rejection() -> None:
    wire = Wire()
    wire.alice.invite(invitation(), BOB, wire.now, credentials)
    for _ in range(TRIES_MAX):
        asked = read(wire.alice.messages_to_send()[-1])
        assert isinstance(asked, SipRequest)
        wire.alice.receive(asked.response(401, to_tag="x"), BOB, wire.now)
    (ended,) = wire.events(wire.alice, Ended)
    assert (ended.cause, ended.status) == (EndCause.REJECTED, 401)


def test_challenge_without_credentials_is_a_rejection() -> None:
    wire = Wire()
    _, b_leg = wire.call()
    b_leg.refuse(407, wire.now)
    assert [event.status for event in wire.events(wire.alice, Ended)] == [407]


def test_challenged_bye_is_said_again_and_ends_the_call() -> None:
    wire = Wire()
    a_leg, b_leg = wire.call(credentials=credentials)
    b_leg.answer(wire.now, ANSWER)
    assert wire.events(wire.alice, Answered)
    a_leg.hang_up(wire.now)
    bye = read(wire.alice.messages_to_send()[0])
    assert isinstance(bye, SipRequest)
    wire.alice.receive(bye.response(407), BOB, wire.now)
    wire.forget()
    assert wire.alice.legs == 0
    assert wire.bob.legs == 0


def test_contact_of_a_reinvite_is_where_the_next_request_goes() -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    a_leg.contact = "<sip:alice@192.0.2.77:5080>"
    a_leg.request("INVITE", wire.now, body=OFFER)
    (asked,) = wire.events(wire.bob, Asked)
    b_leg.respond(asked.transaction, 200, wire.now, body=ANSWER)
    assert (b_leg.destination.host, b_leg.destination.port) == ("192.0.2.77", 5080)


def test_contact_that_cannot_be_read_is_answered_400_and_the_call_goes_on() -> None:
    wire = Wire()
    a_leg, _ = wire.talk()
    a_leg.contact = "<sip:a@[nonsense>"
    a_leg.request("INVITE", wire.now, body=OFFER)
    assert [event.status for event in wire.events(wire.alice, Responded)] == [400]
    assert (wire.events(wire.bob, Asked), wire.ends(wire.bob)) == ([], [])


def test_challenge_that_has_no_answer_is_told() -> None:
    wire = Wire()
    a_leg, b_leg = wire.talk()
    a_leg.credentials = lambda *_: None
    a_leg.request("INFO", wire.now)
    (asked,) = wire.events(wire.bob, Asked)
    b_leg.respond(asked.transaction, 407, wire.now)
    assert [event.status for event in wire.events(wire.alice, Responded)] == [407]
