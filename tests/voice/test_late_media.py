"""A media engine that replies late, refuses late or never replies, and what comes meanwhile."""

from msgspec.structs import replace

from gateway.call import CallStatus, EndedBy, Quality
from gateway.config.trunk import Srtp
from gateway.sip.leg_events import Asked, EndCause, Provisional, Responded
from gateway.voice.media_session import MEDIA_REPLY_S, Lost, Qualities
from gateway.voice.steps import LINE_MAX
from media.profile import Profile
from tests.voice.test_transfer import THIRD, THIRDS, refer
from tests.voice.world import ANSWER, CUSTOMER, OFFER, ONE, TWO, FakeTarget, World

HOLD, HELD = b"v=0 sendonly", b"v=0 recvonly"


def late() -> World:
    world = World()
    world.media.late = True
    return world


def reply(world: World) -> None:
    world.media.reply()
    world.run(0)


def ended_after_all(world: World) -> bool:
    """And it is told once."""
    while world.media.owed:
        reply(world)
    assert world.record
    return world.nothing_stays()


# Before the answer


def test_called_side_is_tried_when_the_offer_is_ready() -> None:
    world = late()
    world.call()
    assert not world.sent(ONE, "INVITE")
    reply(world)
    assert world.called().request_received.body == b"relayed " + OFFER


def test_caller_who_cancels_before_that_is_never_called_for() -> None:
    world = late()
    caller = world.call()
    caller.hang_up(world.now)
    world.run(1)  # Nobody cancels before 100 Trying.
    reply(world)
    assert not world.sent(ONE, "INVITE")
    assert ended_after_all(world)
    assert world.record.status is CallStatus.CANCELED


def test_late_refusal_of_an_offer_is_a_488() -> None:
    world = late()
    world.call(b"bad")
    reply(world)
    assert world.ended(world.customer) == [(EndCause.REJECTED, 488)]
    assert ended_after_all(world)


def test_cancel_and_refusal_that_cross_end_it_once() -> None:
    world = late()
    caller = world.call(b"bad")
    caller.hang_up(world.now)
    world.run(1)  # Nobody cancels before 100 Trying.
    reply(world)
    assert ended_after_all(world)


def test_engine_that_never_replies_to_an_offer_is_a_503() -> None:
    world = late()
    world.call()
    world.run(MEDIA_REPLY_S - 1)
    assert not world.ended(world.customer)
    world.run(2)
    assert world.ended(world.customer) == [(EndCause.REJECTED, 503)]
    world.run(MEDIA_REPLY_S)
    assert world.record.status is CallStatus.FAILED
    assert ended_after_all(world)


def test_other_calls_go_on_while_one_waits() -> None:
    world = late()
    world.call()
    world.media.late = False
    world.talk()
    assert world.b2bua.calls == 2


def test_what_rings_and_answers_meanwhile_is_told_in_order() -> None:
    world = late()
    world.call()
    reply(world)
    called = world.called()
    called.ring(183, world.now, body=ANSWER)
    world.carry()
    called.answer(world.now, ANSWER)
    world.carry()
    assert not world.events(world.customer, Provisional)
    reply(world)
    assert len(world.events(world.customer, Provisional)) == 1
    reply(world)
    assert world.statuses == ["initiated", "ringing", "in-progress"]


def test_caller_who_cancels_while_the_answer_is_awaited_ends_both_sides() -> None:
    world = late()
    caller = world.call()
    reply(world)
    world.called().answer(world.now, ANSWER)
    world.carry()
    caller.hang_up(world.now)
    world.run(1)  # Nobody cancels before 100 Trying.
    reply(world)
    assert world.ended(world.one) == [(EndCause.BYE, 0)]
    assert ended_after_all(world)
    assert world.record.status is CallStatus.CANCELED


def test_called_side_that_leaves_while_its_answer_is_awaited_was_reached() -> None:
    world = late()
    world.call()
    reply(world)
    called = world.called()
    called.answer(world.now, ANSWER)
    world.carry()
    called.hang_up(world.now)
    world.carry()
    reply(world)
    assert ended_after_all(world)
    assert (world.record.status, world.record.ended_by) == (CallStatus.COMPLETED, EndedBy.CALLED)
    assert not world.sent(TWO, "INVITE")


def test_engine_that_never_replies_to_an_answer_ends_both_sides() -> None:
    world = late()
    world.call()
    reply(world)
    world.called().answer(world.now, ANSWER)
    world.run(MEDIA_REPLY_S + 1)
    assert world.ended(world.customer) == [(EndCause.REJECTED, 502)]
    assert world.ended(world.one) == [(EndCause.BYE, 0)]
    assert ended_after_all(world)


def test_time_to_ring_that_ends_while_the_answer_is_awaited_is_not_over() -> None:
    world = late()
    world.call()
    reply(world)
    called = world.called()
    world.run(5.5)
    called.answer(world.now, ANSWER)
    world.run(1)
    reply(world)
    assert world.statuses[-1] is CallStatus.IN_PROGRESS


def test_whether_it_was_heard_is_asked_where_it_may_have_been() -> None:
    world = World()
    world.call()
    called = world.called()
    called.ring(183, world.now, body=ANSWER)
    world.carry()
    world.media.late = True
    called.refuse(503, world.now)
    world.carry()
    assert not world.sent(TWO, "INVITE")
    reply(world)
    assert world.sent(TWO, "INVITE")


def test_whether_it_was_heard_is_not_asked_without_early_media() -> None:
    world = World()
    world.call()
    world.media.late = True
    world.called().refuse(503, world.now)
    assert world.sent(TWO, "INVITE")


def test_caller_who_cancels_while_that_is_asked_is_called_for_no_more() -> None:
    world = World()
    caller = world.call()
    called = world.called()
    called.ring(183, world.now, body=ANSWER)
    world.carry()
    world.media.late = True
    called.refuse(503, world.now)
    world.carry()
    caller.hang_up(world.now)
    world.run(1)  # Nobody cancels before 100 Trying.
    reply(world)
    assert not world.sent(TWO, "INVITE")
    assert ended_after_all(world)


# While they talk


def test_hold_that_is_withdrawn_meanwhile_is_not_passed() -> None:
    world = World()
    caller, _ = world.talk()
    world.media.late = True
    own = caller.request("INVITE", world.now, body=HOLD)
    world.carry()
    caller.withdraw(own, world.now)
    world.run(1)  # Nobody cancels before 100 Trying.
    reply(world)
    assert [one.status for one in world.events(world.customer, Responded)] == [487]
    assert not world.events(world.one, Asked)


def test_hold_that_is_withdrawn_while_its_answer_is_awaited_is_answered_once() -> None:
    world = World()
    caller, _ = world.talk()
    own = caller.request("INVITE", world.now, body=HOLD)
    asked = world.asked(world.one)
    world.media.late = True
    asked.leg.respond(asked.transaction, 200, world.now, body=HELD)
    world.carry()
    caller.withdraw(own, world.now)
    world.run(1)  # Nobody cancels before 100 Trying.
    reply(world)
    assert [one.status for one in world.events(world.customer, Responded)] == [487]
    assert world.b2bua.calls == 1


def test_bye_while_a_hold_is_awaited_ends_both_sides() -> None:
    world = World()
    caller, called = world.talk()
    world.media.late = True
    caller.request("INVITE", world.now, body=HOLD)
    world.carry()
    called.hang_up(world.now)
    world.carry()
    reply(world)
    assert world.ended(world.customer) == [(EndCause.BYE, 0)]
    assert ended_after_all(world)


def test_late_refusal_of_a_hold_is_a_488() -> None:
    world = World()
    caller, _ = world.talk()
    world.media.late = True
    caller.request("INVITE", world.now, body=b"bad")
    world.carry()
    reply(world)
    assert world.events(world.customer, Responded)[0].status == 488


def test_engine_that_never_replies_to_a_hold_is_a_503_and_the_call_goes_on() -> None:
    world = World()
    caller, _ = world.talk()
    world.media.late = True
    caller.request("INVITE", world.now, body=HOLD)
    world.run(MEDIA_REPLY_S + 1)
    assert world.events(world.customer, Responded)[0].status == 503
    assert world.b2bua.calls == 1


def test_longest_time_that_ends_while_a_hold_is_awaited_ends_the_call_after_it() -> None:
    world = World(call_max_s=600.0)
    caller, _ = world.talk()
    world.media.late = True
    world.run(599)
    caller.request("INVITE", world.now, body=HOLD)
    world.run(2)
    assert not world.ended(world.one)
    reply(world)
    assert world.ended(world.one) == [(EndCause.BYE, 0)]
    assert ended_after_all(world)


def test_more_requests_than_may_stand_in_line_are_a_503() -> None:
    world = World()
    caller, _ = world.talk()
    world.media.late = True
    caller.request("INVITE", world.now, body=HOLD)
    for _ in range(LINE_MAX + 1):
        caller.request("INFO", world.now)
        world.carry()
    told = world.events(world.customer, Responded)
    assert [(one.request.method, one.status) for one in told] == [("INFO", 503)]
    caller.hang_up(world.now)
    world.carry()
    reply(world)
    assert ended_after_all(world)


def test_referrer_who_leaves_while_the_third_is_joined_leaves_the_others_talking() -> None:
    world = World()
    caller, called = world.talk()
    refer(world, caller, THIRD)
    third = world.called()
    world.media.late = True
    third.answer(world.now, THIRDS)
    world.carry()
    caller.hang_up(world.now)
    world.carry()
    while world.media.owed:
        reply(world)
    assert world.b2bua.calls == 1
    assert world.asked(world.one).leg is called
    called.hang_up(world.now)
    world.carry()
    assert ended_after_all(world)


# The end


def test_record_waits_for_the_qualities_and_tells_when_the_call_ended() -> None:
    world = World()
    caller, _ = world.talk()
    world.media.late = True
    caller.hang_up(world.now)
    world.carry()
    ended_at = world.now
    world.run(1)
    assert world.ended(world.one) == [(EndCause.BYE, 0)]
    assert world.statuses[-1] is CallStatus.IN_PROGRESS
    reply(world)
    assert world.record.ended_at == ended_at
    assert world.record.called_quality.packets == 2
    assert world.nothing_stays()


def test_record_goes_out_with_what_is_known_where_the_engine_never_replies() -> None:
    world = World()
    caller, _ = world.talk()
    world.media.late = True
    world.media.sessions[0].known = Qualities(Quality(packets=7), Quality(packets=8))
    caller.hang_up(world.now)
    world.run(MEDIA_REPLY_S + 1)
    assert (world.record.caller_quality.packets, world.record.called_quality.packets) == (7, 8)
    assert world.nothing_stays()


def test_request_that_comes_after_the_end_has_begun_is_a_481() -> None:
    world = World()
    caller, called = world.talk()
    world.media.late = True
    caller.hang_up(world.now)
    called.request("INFO", world.now)
    world.carry()
    assert world.sent(ONE, "481 INFO")
    assert ended_after_all(world)


def test_lost_media_ends_both_sides_with_a_reason() -> None:
    world = World()
    world.talk()
    world.media.sessions[0].lose()
    world.run(1)
    for side in (ONE, CUSTOMER):
        (bye,) = world.sent(side, "BYE")
        assert "Q.850;cause=41" in (bye.headers.get("Reason") or "")
    assert world.record.ended_by is EndedBy.MEDIA
    assert world.nothing_stays()


def test_lost_media_of_a_call_that_rings_is_a_503() -> None:
    world = World()
    world.call()
    world.called().ring(180, world.now)
    world.carry()
    world.media.sessions[0].tell(Lost())
    world.run(1)
    assert world.ended(world.customer) == [(EndCause.REJECTED, 503)]
    assert world.ended(world.one) == [(EndCause.CANCELLED, 487)]
    assert world.nothing_stays()


# What others are spoken to in


def test_browser_is_offered_media_as_one_and_a_pbx_as_it_was() -> None:
    world = World()
    world.admission.targets = (
        FakeTarget("phone/browser", "sip:browser@host", replace(TWO, transport="WSS")),
        FakeTarget("phone/desk", "sip:desk@host", TWO),
    )
    world.call()
    world.run(11)
    assert world.media.sessions[0].profiles == [Profile.WEBRTC, Profile.PLAIN]
    assert world.called(world.two).request_received.uri == "sip:desk@host"


def test_trunk_that_is_spoken_to_otherwise_is_offered_anew() -> None:
    world = World()
    world.trunks["two/a"].srtp = Srtp.MUST
    world.call()
    world.called().refuse(503, world.now)
    world.called(world.two)
    assert world.media.sessions[0].profiles == [Profile.PLAIN, Profile.SDES]


def test_one_offer_is_for_all_trunks_that_are_spoken_to_alike() -> None:
    world = World()
    world.call()
    world.called().refuse(503, world.now)
    world.called(world.two)
    assert world.media.sessions[0].log == [f"caller offer {OFFER.decode()}"]
