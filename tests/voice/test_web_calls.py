"""Calls that are made over the REST API: what their callers are told, and when they are ended."""

import pytest

from gateway.call import CallEvent
from gateway.sip.headers import Field
from gateway.sip.leg_events import Responded
from gateway.sip.leg_state import RequestPending
from gateway.sip.message import SipRequest
from gateway.sip.sanity import Refusal
from gateway.sip.user_agent import LegsFull
from gateway.voice.web_call import EVENTS_MAX, WebCall
from gateway.voice.web_calls import ANSWER_S, UNHEARD_S
from tests.voice.web_world import WEB, WebWorld, told
from tests.voice.world import ACCOUNT, ANSWER, CALLED, CALLER, OFFER, losing

TALKING = ["initiated", "ringing", "in-progress", "answer: relayed v=0 carrier"]


def talk(world: WebWorld) -> WebCall:
    call = world.place()
    called = world.called()
    called.ring(180, world.now)
    world.carry()
    called.answer(world.now, ANSWER)
    world.carry()
    assert told(call) == TALKING
    return call


def nothing_stays(world: WebWorld) -> bool:
    assert world.nothing_stays()
    assert world.web.user_agent.legs == 0
    assert world.web.next_timer() is None
    return len(world.web) == 0


def leave(world: WebWorld, call: WebCall) -> None:
    assert call.listener is not None
    world.web.leave(call, call.listener, world.now)


def test_caller_is_told_of_the_ringing_the_answer_and_the_end() -> None:
    world = WebWorld()
    call = talk(world)
    world.called().hang_up(world.now)
    world.carry()
    assert told(call, after=len(TALKING)) == ["completed"]
    assert call.over
    leave(world, call)
    assert nothing_stays(world)


def test_offer_goes_to_the_carrier_and_the_source_of_the_call_is_the_account() -> None:
    world = WebWorld()
    world.place()
    assert world.called().request_received.body == b"relayed " + OFFER
    assert world.admission.sources == [WEB]


def test_early_answer_that_is_repeated_is_told_once() -> None:
    world = WebWorld()
    call = world.place()
    for _ in range(2):
        world.called().ring(183, world.now, body=ANSWER)
        world.carry()
    assert told(call) == ["initiated", "ringing", "early: relayed v=0 carrier"]


def test_refusal_of_the_called_side_is_told_with_its_record() -> None:
    world = WebWorld()
    call = world.place()
    world.called().refuse(486, world.now)
    world.carry()
    assert told(call) == ["initiated", "busy"]
    _, last = call.after(1)[0]
    assert isinstance(last, CallEvent)
    assert last.sip_status == 486


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ((("Warning", '399 supernet "no"'),), Refusal(403, "no")),
        ((("Retry-After", "7"),), Refusal(403, "", (("Retry-After", "7"),))),
    ],
)
def test_call_that_is_not_admitted_is_told_why_and_not_kept(
    headers: tuple[Field, ...], refusal: Refusal
) -> None:
    world = WebWorld()
    world.admission.answer = Refusal(403, "x", headers)
    call = world.place()
    assert call.refusal == refusal
    assert len(world.web) == 0


def test_caller_hangs_up_while_it_rings() -> None:
    world = WebWorld()
    call = world.place()
    world.called().ring(180, world.now)
    world.carry()
    world.web.hang_up(call, world.now)
    world.carry()
    assert told(call)[-1] == "canceled"
    leave(world, call)
    assert nothing_stays(world)


def test_caller_who_never_listens_is_hung_up() -> None:
    world = WebWorld()
    call = world.web.place(ACCOUNT, WEB, CALLER, CALLED, OFFER, world.now)
    world.run(UNHEARD_S - 0.1)
    assert not call.over
    world.run(0.2)
    assert told(call)[-1] == "canceled"
    assert nothing_stays(world)


def test_caller_who_goes_and_does_not_come_back_is_hung_up() -> None:
    world = WebWorld()
    call = talk(world)
    world.run(60)
    leave(world, call)
    world.run(UNHEARD_S + 0.1)
    assert told(call)[-1] == "completed"
    assert nothing_stays(world)


def test_caller_who_comes_back_in_time_goes_on_and_hears_what_it_has_missed() -> None:
    world = WebWorld()
    call = world.place()
    heard = len(told(call))
    leave(world, call)
    world.called().ring(180, world.now)
    world.run(UNHEARD_S - 1)
    world.web.listen(call, lambda: None)
    world.run(60)
    assert not call.over
    assert told(call, heard) == ["ringing"]


def test_second_listener_takes_the_place_of_the_first() -> None:
    world = WebWorld()
    call = talk(world)
    calls: list[str] = []

    def first() -> None:
        calls.append("first")

    world.web.listen(call, first)
    world.web.listen(call, lambda: calls.append("second"))
    world.web.leave(call, first, world.now)
    world.run(UNHEARD_S * 2)
    assert not call.over
    assert calls == ["first"]


def test_hold_is_an_offer_that_the_caller_answers() -> None:
    world = WebWorld()
    call = talk(world)
    world.called().request("INVITE", world.now, body=b"v=0 hold")
    world.carry()
    assert told(call)[-1] == "offer: relayed v=0 hold"
    world.web.answer(call, b"v=0 held", world.now)
    (answered,) = world.events(world.one, Responded)
    assert answered.response is not None
    assert answered.response.body == b"relayed v=0 held"
    with pytest.raises(RequestPending):
        world.web.answer(call, b"v=0 again", world.now)


def test_offer_that_the_caller_does_not_answer_leaves_the_session_as_it_was() -> None:
    world = WebWorld()
    call = talk(world)
    world.called().request("INVITE", world.now, body=b"v=0 hold")
    world.run(ANSWER_S + 0.1)
    assert [event.status for event in world.events(world.one, Responded)][-1] == 488
    assert not call.over


def test_new_offer_of_the_caller_is_answered_by_the_other_side() -> None:
    world = WebWorld()
    call = talk(world)
    answers: list[tuple[int, bytes]] = []
    world.web.offer(call, b"v=0 restart", world.now, lambda *answer: answers.append(answer))
    asked = world.asked(world.one)
    assert asked.request.body == b"relayed v=0 restart"
    asked.leg.respond(asked.transaction, 200, world.now, body=ANSWER)
    world.carry()
    assert answers == [(200, b"relayed " + ANSWER)]


def test_new_offer_is_answered_also_where_the_call_ends_meanwhile() -> None:
    world = WebWorld()
    call = talk(world)
    answers: list[int] = []
    world.web.offer(call, b"v=0 restart", world.now, lambda status, _: answers.append(status))
    world.called().hang_up(world.now)
    world.carry()
    assert len(answers) == 1
    assert answers[0] >= 400


def test_new_offer_before_the_answer_is_refused() -> None:
    world = WebWorld()
    call = world.place()
    with pytest.raises(RequestPending):
        world.web.offer(call, b"v=0 restart", world.now, lambda *_: None)


def test_digits_by_info_are_refused() -> None:
    world = WebWorld()
    talk(world)
    world.called().request("INFO", world.now, [("Content-Type", "application/dtmf-relay")], b"1")
    world.carry()
    assert world.events(world.one, Responded)[-1].status == 415


def test_call_is_found_by_its_own_account_only() -> None:
    world = WebWorld()
    call = world.place()
    assert world.web.find(ACCOUNT, 1) is call
    assert world.web.find("AC2", 1) is None
    assert world.web.find(ACCOUNT, 2) is None


def test_more_calls_than_may_be_are_refused() -> None:
    world = WebWorld(calls_max=1)
    world.place()
    with pytest.raises(LegsFull):
        world.place()


def test_of_many_events_the_newest_are_kept() -> None:
    world = WebWorld()
    call = world.place()
    for number in range(EVENTS_MAX + 10):
        world.called().ring(183, world.now, body=b"v=0 %d" % number)
        world.carry()
    assert len(call.after(0)) == EVENTS_MAX
    assert told(call)[-1] == f"early: relayed v=0 {EVENTS_MAX + 9}"


def test_offer_that_is_withdrawn_is_not_to_be_answered() -> None:
    world = WebWorld()
    call = talk(world)
    own = world.called().request("INVITE", world.now, body=b"v=0 hold")
    world.run(1)  # A CANCEL waits for a provisional response (RFC 3261 §9.1).
    world.called().withdraw(own, world.now)
    world.carry()
    assert call.offered is None
    assert not call.over


def test_new_offer_that_rings_first_is_answered_once() -> None:
    world = WebWorld()
    call = talk(world)
    answers: list[int] = []
    world.web.offer(call, b"v=0 restart", world.now, lambda status, _: answers.append(status))
    asked = world.asked(world.one)
    asked.leg.respond(asked.transaction, 183, world.now)
    world.carry()
    asked.leg.respond(asked.transaction, 488, world.now)
    world.carry()
    assert answers == [488]


def test_gateway_that_says_nothing_has_not_taken_the_call() -> None:
    world = WebWorld()
    world.passes = losing("INVITE", times=1)
    call = world.place()
    world.run(60)
    assert call.refusal == Refusal(408, "")
    assert nothing_stays(world)


def test_calls_of_others_are_not_ours() -> None:
    world = WebWorld()
    world.talk()
    assert len(world.web) == 0


def test_what_is_for_no_call_is_answered_481() -> None:
    world = WebWorld()
    message = SipRequest.make(
        "OPTIONS",
        "sip:ac1@rest.invalid",
        from_="<sip:x@gateway.example>;tag=1",
        to="<sip:ac1@rest.invalid>",
        call_id="call-1",
        cseq=1,
        via="SIP/2.0/INSIDE gateway.example;branch=z9hG4bK1",
    )
    world.web.receive(message, WEB, world.now)
    (sent,) = world.web.user_agent.messages_to_send()
    assert sent.octets.startswith(b"SIP/2.0 481 ")
