"""The bounds of all calls, admission, the way to places, and the end in good order."""

from gateway.call import CallStatus, EndedBy
from gateway.sip.leg_events import EndCause
from gateway.sip.sanity import Refusal
from tests.voice.world import ACCOUNT, ANSWER, CALLED, CALLER, CUSTOMER, ONE, TWO, FakeTarget, World


def test_call_is_recorded_as_admitted() -> None:
    world = World()
    leg = world.call()
    call = world.call_events[0].call
    assert (call.account_sid, call.caller, call.called) == (ACCOUNT, CALLER, CALLED)
    assert (call.source, call.call_id, call.started_at) == ("trunk/pbx", leg.call_id, world.now)
    assert world.admission.sources == [CUSTOMER]


def test_refusal_of_admission_is_answered_and_no_call() -> None:
    world = World()
    world.admission.answer = Refusal(407, "who", (("Proxy-Authenticate", "Digest realm=x"),))
    world.call()
    (refusal,) = world.sent(CUSTOMER, "407")
    assert refusal.headers.get("Proxy-Authenticate") == "Digest realm=x"
    assert not world.call_events
    assert world.nothing_stays()


def test_one_call_too_many_is_a_503_with_retry_after() -> None:
    world = World(calls_max=1)
    world.call()
    world.call()
    (refusal,) = world.sent(CUSTOMER, "503")
    assert refusal.headers.get("Retry-After") == "5"
    assert world.b2bua.calls == 1


def test_call_whose_record_has_no_place_is_a_503() -> None:
    world = World()
    world.accepting = False
    world.call()
    assert world.ended(world.customer) == [(EndCause.REJECTED, 503)]
    assert not world.call_events


def test_places_are_tried_in_turn() -> None:
    world = World()
    world.admission.targets = tuple(
        FakeTarget(f"phone/{name}", f"sip:{name}@host", TWO, ("<sip:192.0.2.12;lr>",))
        for name in ("desk", "mobile")
    )
    caller = world.call()
    world.called(world.two).refuse(503, world.now)
    called = world.called(world.two)
    request = called.request_received
    assert (request.uri, request.headers.get("Route")) == ("sip:mobile@host", "<sip:192.0.2.12;lr>")
    assert str(request.from_.uri) == f"sip:{CALLER}@gateway.example"
    called.answer(world.now, ANSWER)
    world.carry()
    caller.hang_up(world.now)
    world.carry()
    assert [one.trunk for one in world.record.attempts] == ["phone/desk", "phone/mobile"]
    assert not world.router.heard
    assert world.nothing_stays()


def test_caller_who_is_private_is_anonymous_to_an_account() -> None:
    world = World()
    world.admission.private = True
    world.admission.targets = (FakeTarget("phone/desk", "sip:desk@host", TWO),)
    world.call()
    assert CALLER not in world.sent(TWO, "INVITE")[0].to_bytes().decode()


def test_drained_gateway_takes_no_new_calls_and_lets_the_others_go_on() -> None:
    world = World()
    world.talk()
    world.b2bua.drain(world.now + 30)
    world.call()
    assert world.ended(world.customer) == [(EndCause.REJECTED, 503)]
    world.run(29)
    assert world.b2bua.calls == 1
    world.run(2)
    assert world.ended(world.customer)[-1] == (EndCause.BYE, 0)
    assert world.record.ended_by is EndedBy.GATEWAY
    assert world.nothing_stays()


def test_drain_refuses_calls_that_still_ring_at_its_deadline() -> None:
    world = World()
    world.call()
    world.called().ring(180, world.now)
    world.b2bua.drain(world.now + 30)
    world.run(31)
    assert world.ended(world.customer) == [(EndCause.REJECTED, 503)]
    assert world.ended(world.one) == [(EndCause.CANCELLED, 487)]
    assert world.record.status is CallStatus.FAILED
    assert world.nothing_stays()


def test_header_that_cannot_be_read_is_a_400() -> None:
    world = World()
    (invite,) = [m for _, _, m in (world.call(), world.messages)[1] if m.cseq.method == "INVITE"][
        :1
    ]
    world.forget()
    headers = invite.headers.replacing("Max-Forwards", "many").replacing("Call-ID", "other")
    headers = headers.replacing("Via", "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKother")
    world.gateway.receive(invite.with_headers(headers), CUSTOMER, world.now)
    assert world.sent(CUSTOMER, "400")


def test_request_that_crosses_the_end_of_the_call_is_a_481() -> None:
    world = World()
    caller, called = world.talk()
    caller.hang_up(world.now)
    called.request("INFO", world.now)
    world.carry()
    assert world.sent(ONE, "481 INFO")
    assert world.nothing_stays()


def test_silence_that_is_told_twice_or_late_changes_nothing() -> None:
    world = World()
    caller, _ = world.talk()
    (session,) = world.media.sessions
    caller.hang_up(world.now)
    world.carry()
    session.fall_silent()
    session.fall_silent()
    world.run(1)
    assert world.record.ended_by is EndedBy.CALLER
    assert world.nothing_stays()


def test_silence_while_it_rings_is_none() -> None:
    world = World()
    world.call()
    world.called().ring(180, world.now)
    world.carry()
    world.media.sessions[0].fall_silent()
    world.run(1)
    assert world.b2bua.calls == 1
