"""Sessions before the answer: early media, forks, late offers, reliable provisional responses."""

from gateway.call import CallStatus
from gateway.sip.leg_events import Acknowledged, EndCause, Pracked, Provisional
from gateway.sip.message import SipRequest, SipResponse
from tests.voice.world import ANSWER, CUSTOMER, OFFER, ONE, Message, World

REQUIRES = (("Require", "100rel"),)


def test_early_media_passes() -> None:
    world = World()
    world.call()
    world.called().ring(183, world.now, body=ANSWER)
    (event,) = world.events(world.customer, Provisional)
    assert (event.response.status, event.response.body) == (183, b"relayed " + ANSWER)
    assert world.statuses == ["initiated", "ringing"]


def test_answer_without_a_description_repeats_that_of_the_early_media() -> None:
    world = World()
    world.call()
    called = world.called()
    called.ring(183, world.now, body=ANSWER)
    called.answer(world.now)
    assert world.answered(world.customer).response.body == b"relayed " + ANSWER


def test_provisional_with_a_bad_description_still_rings() -> None:
    world = World()
    world.call()
    world.called().ring(183, world.now, body=b"bad")
    (event,) = world.events(world.customer, Provisional)
    assert (event.response.status, event.response.body) == (183, b"")


def test_forks_of_the_carrier_are_one_dialog_to_the_caller() -> None:
    world = World()
    world.call()
    (invite,) = world.sent(ONE, "INVITE")
    for tag, body in (("f1", b"v=0 first"), ("f2", b"v=0 second")):
        world.gateway.receive(provisional(invite, tag, body), ONE, world.now)
    events = world.events(world.customer, Provisional)
    assert len({event.response.to_tag for event in events}) == 1
    assert [event.response.body for event in events] == [
        b"relayed v=0 first",
        b"relayed v=0 second",
    ]


def provisional(invite: Message, tag: str, body: bytes) -> SipResponse:
    assert isinstance(invite, SipRequest)
    return invite.response(
        183,
        to_tag=tag,
        headers=[("Contact", f"<sip:{tag}@192.0.2.11:5060>")],
        body=body,
        content_type="application/sdp",
    )


# Reliable provisional responses, on either side by itself


def test_carriers_reliable_response_is_acknowledged_by_us() -> None:
    world = World()
    world.call()
    world.called().ring(183, world.now, body=ANSWER, reliable=True)
    assert len(world.events(world.one, Pracked)) == 1
    assert "RSeq" not in world.events(world.customer, Provisional)[0].response.headers


def test_caller_who_requires_reliable_responses_gets_them() -> None:
    world = World()
    world.call(headers=REQUIRES)
    world.called().ring(180, world.now)
    (event,) = world.events(world.customer, Provisional)
    assert "RSeq" in event.response.headers
    assert not world.events(world.one, Pracked)


def test_caller_who_does_not_acknowledge_them_ends_the_call() -> None:
    world = World()
    world.call(headers=REQUIRES)
    world.passes = lambda message: message.cseq.method != "PRACK"
    world.called().ring(180, world.now)
    world.run(40)
    assert world.ended(world.customer) == [(EndCause.REJECTED, 504)]
    assert (world.record.sip_status, world.record.status) == (504, CallStatus.FAILED)
    assert world.nothing_stays()


def test_other_answer_than_the_acknowledged_one_is_offered_after_the_call_is_up() -> None:
    world = World()
    world.call(headers=REQUIRES)
    called = world.called()
    called.ring(183, world.now, body=b"v=0 early")
    world.carry()
    called.answer(world.now, ANSWER)
    world.carry()
    assert world.answered(world.customer).response.body == b"relayed v=0 early"
    asked = world.asked(world.customer)
    assert asked.request.body == b"relayed " + ANSWER
    asked.leg.respond(asked.transaction, 200, world.now, body=OFFER)
    world.carry()
    assert world.media.sessions[0].log[-2:] == [
        f"called offer {ANSWER.decode()}",
        f"caller answer {OFFER.decode()}",
    ]


# Late offer


def test_late_offer_passes_in_the_200_and_its_answer_in_the_ack() -> None:
    world = World()
    caller = world.call(b"")
    called = world.called()
    assert called.request_received.body == b""
    called.answer(world.now, b"v=0 offer of the carrier")
    answered = world.answered(world.customer)
    assert answered.acknowledge
    assert answered.response.body == b"relayed v=0 offer of the carrier"
    caller.acknowledge_answer(world.now, b"v=0 answer of the customer")
    (event,) = world.events(world.one, Acknowledged)
    assert event.request.body == b"relayed v=0 answer of the customer"
    caller.hang_up(world.now)
    assert world.nothing_stays()


def test_late_offer_without_an_answer_ends_the_call() -> None:
    world = World()
    caller = world.call(b"")
    world.called().answer(world.now, b"v=0 offer")
    world.carry()
    caller.acknowledge_answer(world.now)
    world.carry()
    assert world.ended(world.customer) == [(EndCause.BYE, 0)]
    assert world.ended(world.one) == [(EndCause.BYE, 0)]
    assert world.sent(ONE, "ACK")
    assert world.nothing_stays()


def test_late_offer_in_a_reliable_response_is_answered_by_prack() -> None:
    world = World()
    caller = world.call(b"")
    called = world.called()
    called.ring(183, world.now, body=b"v=0 early offer", reliable=True)
    (event,) = world.events(world.customer, Provisional)
    assert event.prack
    assert event.response.body == b"relayed v=0 early offer"
    caller.prack(world.now, b"v=0 early answer")
    (pracked,) = world.events(world.one, Pracked)
    assert pracked.request.body == b"relayed v=0 early answer"
    called.answer(world.now)
    assert not world.answered(world.customer).acknowledge
    assert world.statuses[-1] is CallStatus.IN_PROGRESS


def test_carrier_does_not_ring_reliably_for_who_can_not_answer_early() -> None:
    world = World()
    world.call(b"", plain=True)
    called = world.called()
    called.ring(183, world.now, body=b"v=0 early offer", reliable=True)
    (event,) = world.events(world.customer, Provisional)
    assert (event.response.status, event.response.body) == (183, b"")
    called.answer(world.now, b"v=0 offer")
    assert world.answered(world.customer).acknowledge


def test_after_that_nobody_else_is_tried() -> None:
    world = World()
    caller = world.call(b"")
    called = world.called()
    called.ring(183, world.now, body=b"v=0 early offer", reliable=True)
    world.carry()
    caller.prack(world.now, b"v=0 early answer")
    world.carry()
    called.refuse(503, world.now)
    assert world.ended(world.customer) == [(EndCause.REJECTED, 503)]
    assert len(world.record.attempts) == 1


def test_answer_without_any_session_ends_both_sides() -> None:
    world = World()
    world.call()
    world.called().answer(world.now)
    assert world.ended(world.customer) == [(EndCause.REJECTED, 502)]
    assert world.ended(world.one) == [(EndCause.BYE, 0)]
    assert world.nothing_stays()


def test_cancel_while_an_answer_is_owed_leaves_nothing() -> None:
    world = World()
    caller = world.call(b"")
    world.called().ring(183, world.now, body=b"v=0 early offer", reliable=True)
    world.carry()
    caller.hang_up(world.now)
    assert world.nothing_stays()


def test_hang_up_while_an_ack_is_owed_acknowledges_first() -> None:
    world = World()
    world.call(b"")
    called = world.called()
    called.answer(world.now, b"v=0 offer")
    world.run(40)
    assert world.sent(ONE, "ACK")
    assert world.sent(CUSTOMER, "BYE")
    assert world.nothing_stays()


def test_early_offer_that_the_engine_refuses_ends_the_attempt() -> None:
    world = World()
    world.call(b"")
    world.called().ring(183, world.now, body=b"bad", reliable=True)
    world.run(1)
    assert world.ended(world.customer) == [(EndCause.REJECTED, 488)]
    assert world.ended(world.one) == [(EndCause.CANCELLED, 487)]
    assert world.nothing_stays()


def test_other_provisional_responses_than_18x_are_not_passed() -> None:
    world = World()
    world.call()
    world.called().ring(199, world.now)
    assert not world.events(world.customer, Provisional)
    assert world.statuses == ["initiated"]


def test_late_offer_that_is_answered_without_a_session_ends_both_sides() -> None:
    world = World()
    world.call(b"")
    world.called().answer(world.now)
    assert world.ended(world.customer) == [(EndCause.REJECTED, 502)]
    assert world.ended(world.one) == [(EndCause.BYE, 0)]
    assert world.nothing_stays()
