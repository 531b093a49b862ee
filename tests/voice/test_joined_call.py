"""Calls through the B2BUA: how they begin, are answered and end (RFC 7092)."""

import pytest

from gateway.call import CallStatus, EndedBy
from gateway.sip.leg_events import EndCause
from gateway.sip.message import SipRequest
from tests.voice.world import (
    ANSWER,
    CALLED,
    CUSTOMER,
    OFFER,
    ONE,
    World,
)


def test_call_is_rung_for_answered_and_ended() -> None:
    world = World()
    caller = world.call()
    called = world.called()
    called.ring(180, world.now)
    world.carry()
    called.answer(world.now, ANSWER)
    world.run(60)
    caller.hang_up(world.now)
    world.carry()
    assert world.statuses == ["initiated", "ringing", "in-progress", "completed"]
    assert world.ended(world.one) == [(EndCause.BYE, 0)]
    assert world.nothing_stays()


def test_record_tells_who_hung_up_and_how_long_it_was() -> None:
    world = World()
    _, called = world.talk()
    world.run(60)
    called.hang_up(world.now)
    world.carry()
    record = world.record
    assert (record.ended_by, record.duration_s, record.sip_status) == (EndedBy.CALLED, 60.0, 200)
    assert [(one.trunk, one.status) for one in record.attempts] == [("one/a", 200)]
    assert (record.caller_quality.packets, record.called_quality.packets) == (1, 2)
    assert world.nothing_stays()


def test_descriptions_pass_through_the_media_engine() -> None:
    world = World()
    world.call()
    called = world.called()
    assert called.request_received.body == b"relayed " + OFFER
    called.answer(world.now, ANSWER)
    assert world.answered(world.customer).response.body == b"relayed " + ANSWER


def test_description_in_a_body_of_several_parts_passes_alone() -> None:
    world = World()
    body = b"--x\r\nContent-Type: application/sdp\r\n\r\n" + OFFER + b"\r\n--x--\r\n"
    world.call(body, headers=(("Content-Type", "multipart/mixed;boundary=x"),))
    assert world.called().request_received.body == b"relayed " + OFFER


def test_nothing_of_one_side_is_seen_by_the_other() -> None:
    world = World()
    caller = world.call(headers=(("User-Agent", "secret"), ("X-Secret", "secret")))
    called = world.called()
    called.answer(world.now, ANSWER, [("Server", "hidden"), ("X-Hidden", "hidden")])
    world.carry()
    (invite,) = world.sent(ONE, "INVITE")
    (ok,) = world.sent(CUSTOMER, "200")
    for told, theirs in ((invite, "192.0.2.2"), (ok, "192.0.2.11")):
        octets = told.to_bytes().decode()
        assert theirs not in octets.replace(f"sip:{CALLED}@192.0.2.11", "") or told is ok
        assert "secret" not in octets
        assert "hidden" not in octets
    assert invite.call_id != caller.call_id
    assert invite.from_tag != caller.local_tag
    assert ok.to_tag != called.local_tag
    assert len(invite.vias) == 1


def test_headers_on_the_list_pass() -> None:
    world = World()
    world.call(headers=(("User-to-User", "abc;encoding=hex"), ("Subject", "hello")))
    request = world.called().request_received
    assert request.headers.get("User-to-User") == "abc;encoding=hex"
    assert request.headers.get("Subject") == "hello"


def test_max_forwards_is_one_less() -> None:
    world = World()
    world.call(max_forwards=20)
    assert world.called().request_received.max_forwards == 19


def test_call_without_hops_is_a_483() -> None:
    world = World()
    world.call(max_forwards=0)
    assert world.ended(world.customer) == [(EndCause.REJECTED, 483)]
    assert not world.call_events


def test_own_invite_that_comes_back_is_a_482() -> None:
    world = World()
    world.call()
    (invite,) = world.sent(ONE, "INVITE")
    assert isinstance(invite, SipRequest)
    world.gateway.receive(invite, ONE, world.now)
    world.carry()
    assert [message.status for message in world.sent(ONE, "482")] == [482]  # type: ignore[union-attr]
    assert len(world.call_events) == 1


def test_caller_who_cancels_cancels_the_called_side() -> None:
    world = World()
    caller = world.call()
    world.called().ring(180, world.now)
    world.carry()
    caller.hang_up(world.now)
    assert world.ended(world.one) == [(EndCause.CANCELLED, 487)]
    assert world.record.status is CallStatus.CANCELED
    assert (world.record.sip_status, world.record.ended_by) == (487, EndedBy.CALLER)
    assert [one.status for one in world.record.attempts] == [487]
    assert world.nothing_stays()


def test_answer_and_cancel_that_cross_end_both_sides() -> None:
    world = World()
    caller = world.call()
    called = world.called()
    called.ring(180, world.now)
    world.carry()
    caller.hang_up(world.now)
    called.answer(world.now, ANSWER)
    world.carry()
    assert world.ended(world.one)[-1][0] in (EndCause.BYE, EndCause.CANCELLED)
    assert len(world.statuses) == 3
    assert world.nothing_stays()


def test_call_ends_after_its_longest_time() -> None:
    world = World(call_max_s=600.0)
    world.talk()
    world.run(599)
    assert world.b2bua.calls == 1
    world.run(2)
    assert world.record.duration_s == 600.0
    assert world.record.ended_by is EndedBy.GATEWAY
    (bye,) = world.sent(ONE, "BYE")
    assert "Q.850;cause=102" in (bye.headers.get("Reason") or "")
    assert world.nothing_stays()


def test_call_that_nobody_answers_is_a_480() -> None:
    world = World(no_answer_s=60.0)
    world.call()
    world.called().ring(180, world.now)
    world.run(61)
    assert world.ended(world.customer) == [(EndCause.REJECTED, 480)]
    assert world.ended(world.one) == [(EndCause.CANCELLED, 487)]
    assert world.record.status is CallStatus.NO_ANSWER
    assert world.nothing_stays()


def test_silent_media_ends_the_call() -> None:
    world = World()
    world.talk()
    world.media.sessions[0].fall_silent()
    assert world.woken == 1
    world.run(1)
    assert world.record.ended_by is EndedBy.GATEWAY
    assert world.ended(world.customer) == [(EndCause.BYE, 0)]
    assert world.ended(world.one) == [(EndCause.BYE, 0)]
    assert world.nothing_stays()


def test_reason_of_a_bye_passes() -> None:
    world = World()
    _, called = world.talk()
    called.hang_up(world.now, [("Reason", 'Q.850;cause=16;text="clear"')])
    (bye,) = world.sent(CUSTOMER, "BYE")
    assert bye.headers.get("Reason") == 'Q.850;cause=16;text="clear"'


def test_dead_caller_is_found_by_its_session_timer() -> None:
    world = World()
    world.talk()
    world.passes = lambda message: "customer" not in message.to_bytes().decode()
    world.run(2_000)
    assert world.record.ended_by is EndedBy.GATEWAY
    assert world.ended(world.one) == [(EndCause.BYE, 0)]
    assert world.nothing_stays()


@pytest.mark.parametrize("body", [b"bad", b"v=0 bad"])
def test_offer_that_cannot_be_served_is_a_488(body: bytes) -> None:
    world = World()
    world.call(body)
    assert world.ended(world.customer) == [(EndCause.REJECTED, 488)]
    assert world.record.attempts == ()
    assert world.nothing_stays()


def test_no_room_for_media_is_a_503() -> None:
    world = World()
    world.media.full = True
    world.call()
    assert world.ended(world.customer) == [(EndCause.REJECTED, 503)]
    assert world.nothing_stays()


def test_answer_that_cannot_be_served_ends_both_sides() -> None:
    world = World()
    world.call()
    world.called().answer(world.now, b"bad")
    world.carry()
    assert world.ended(world.customer) == [(EndCause.REJECTED, 502)]
    assert world.ended(world.one) == [(EndCause.BYE, 0)]
    assert world.record.status is CallStatus.FAILED
    assert world.nothing_stays()
