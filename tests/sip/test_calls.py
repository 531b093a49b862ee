"""Calls of two user agents: how they begin and end, and what is repeated (RFC 3261 §13, §15)."""

import pytest

from gateway.sip.leg_events import (
    Acknowledged,
    Answered,
    EndCause,
    Ended,
    IncomingCall,
    Provisional,
)
from gateway.sip.leg_state import LegState
from gateway.sip.user_agent import LegsFull
from tests.sip.calls import ALICE, ANSWER, BOB, NOW, OFFER, Wire, agent, invitation, losing
from tests.sip.transactions import read, request

CONTACT = ("Contact", "<sip:a@192.0.2.1>")


def test_call_is_rung_for_answered_and_ended() -> None:
    wire = Wire()
    a_leg, b_leg = wire.call()
    b_leg.ring(180, wire.now)
    wire.carry()
    b_leg.answer(wire.now, ANSWER)
    wire.carry()
    a_leg.hang_up(wire.now)
    wire.carry()
    assert wire.log == ["A INVITE", "B 180", "B 200", "A ACK", "A BYE", "B 200"]
    assert (wire.ends(wire.alice), wire.ends(wire.bob)) == ([EndCause.HUNG_UP], [EndCause.BYE])
    assert wire.nothing_stays()


def test_callee_may_hang_up_too() -> None:
    wire = Wire()
    _, b_leg = wire.talk()
    b_leg.hang_up(wire.now)
    assert wire.ends(wire.alice) == [EndCause.BYE]
    assert wire.nothing_stays()


def test_both_may_hang_up_at_once() -> None:
    wire = Wire()
    for leg in wire.talk():
        leg.hang_up(wire.now)
    assert (wire.ends(wire.alice), wire.ends(wire.bob)) == ([EndCause.HUNG_UP], [EndCause.HUNG_UP])
    assert wire.nothing_stays()


def test_descriptions_pass_in_the_events() -> None:
    wire = Wire()
    _, b_leg = wire.call()
    assert wire.events(wire.bob, IncomingCall)[0].request.body == OFFER
    b_leg.ring(183, wire.now, body=ANSWER)
    assert wire.events(wire.alice, Provisional)[0].response.body == ANSWER
    b_leg.answer(wire.now, ANSWER)
    assert wire.events(wire.alice, Answered)[0].response.body == ANSWER


@pytest.mark.parametrize("status", [302, 404, 486, 503, 603])
def test_refused_call_is_over_on_both_sides(status: int) -> None:
    wire = Wire()
    _, b_leg = wire.call()
    b_leg.refuse(status, wire.now)
    (ended,) = wire.events(wire.alice, Ended)
    assert (ended.cause, ended.status) == (EndCause.REJECTED, status)
    assert wire.ends(wire.bob) == [EndCause.REFUSED]
    assert wire.nothing_stays()


def test_silent_callee_is_a_408() -> None:
    wire = Wire()
    wire.passes = lambda _: False
    wire.call()
    wire.run(40)
    assert [(event.cause, event.status) for event in wire.events(wire.alice, Ended)] == [
        (EndCause.REJECTED, 408)
    ]
    assert wire.nothing_stays()


def test_invite_that_cannot_be_sent_is_a_503() -> None:
    wire = Wire()
    wire.alice.invite(invitation(), BOB, NOW)
    wire.alice.transport_error(wire.alice.messages_to_send()[0], NOW)
    assert [event.status for event in wire.events(wire.alice, Ended)] == [503]
    assert wire.nothing_stays()


def test_one_leg_too_many_is_refused_on_either_side() -> None:
    wire = Wire()
    wire.alice = agent(ALICE, "alice", legs_max=1)
    wire.alice.invite(invitation(), BOB, NOW)
    with pytest.raises(LegsFull):
        wire.alice.invite(invitation(), BOB, NOW)
    wire.alice.receive(request(branch="z9hG4bK1", headers=[CONTACT]), BOB, NOW)
    assert read(wire.alice.messages_to_send()[-1]).headers.get("Retry-After") == "5"


# Repetition of 2xx and ACK


def test_2xx_is_repeated_until_its_ack_comes() -> None:
    wire = Wire()
    _, b_leg = wire.call()
    wire.passes = losing("ACK", times=3)
    b_leg.answer(wire.now, ANSWER)
    wire.run(10)
    assert wire.log[1:] == ["B 200", "A ACK lost"] * 3 + ["B 200", "A ACK"]
    assert b_leg.state is LegState.CONFIRMED
    assert len(wire.events(wire.alice, Answered)) == 1
    assert len(wire.events(wire.bob, Acknowledged)) == 1


def test_2xx_is_repeated_at_t1_doubling_to_t2() -> None:
    wire = Wire()
    _, b_leg = wire.call()
    wire.passes = losing("200", times=5)
    start = wire.now
    b_leg.answer(wire.now, ANSWER)
    wire.run(20)
    (answered,) = wire.events(wire.alice, Answered)
    assert answered.response.status == 200
    assert wire.log.count("B 200 lost") == 5
    assert wire.now == start + 20


def test_answer_that_is_never_acknowledged_ends_the_call_by_bye_after_64_t1() -> None:
    wire = Wire()
    _, b_leg = wire.call()
    wire.passes = losing("ACK", times=100)
    b_leg.answer(wire.now, ANSWER)
    wire.run(31)
    assert wire.ends(wire.bob) == []
    wire.run(2)
    assert wire.ends(wire.bob) == [EndCause.NO_ACK]
    assert wire.log[-2:] == ["B BYE", "A 200"]
    assert wire.nothing_stays()


def test_callee_says_no_bye_before_the_ack() -> None:
    wire = Wire()
    _, b_leg = wire.call()
    wire.passes = losing("ACK")
    b_leg.answer(wire.now, ANSWER)
    b_leg.hang_up(wire.now)
    wire.carry()
    assert "B BYE" not in wire.log
    wire.run(1)
    assert wire.log[-3:] == ["A ACK", "B BYE", "A 200"]
    assert wire.nothing_stays()


# CANCEL


def test_ringing_call_is_cancelled() -> None:
    wire = Wire()
    a_leg, b_leg = wire.call()
    b_leg.ring(180, wire.now)
    wire.carry()
    a_leg.hang_up(wire.now)
    wire.carry()
    assert wire.log[2:] == ["A CANCEL", "B 200", "B 487", "A ACK"]
    assert (wire.ends(wire.alice), wire.ends(wire.bob)) == (
        [EndCause.HUNG_UP],
        [EndCause.CANCELLED],
    )
    assert wire.nothing_stays()


def test_call_without_a_provisional_is_cancelled_when_one_comes() -> None:
    wire = Wire()
    a_leg, _ = wire.call()
    a_leg.hang_up(wire.now)
    wire.carry()
    assert "A CANCEL" not in wire.log
    wire.run(1)
    assert wire.log[1:] == ["B 100", "A CANCEL", "B 200", "B 487", "A ACK"]
    assert wire.nothing_stays()


def test_answer_that_crosses_a_cancel_is_acknowledged_and_hung_up() -> None:
    wire = Wire()
    a_leg, b_leg = wire.call()
    b_leg.ring(180, wire.now)
    wire.carry()
    b_leg.answer(wire.now, ANSWER)
    a_leg.hang_up(wire.now)
    wire.carry()
    assert wire.events(wire.alice, Answered) == []
    assert wire.log[2:].count("A BYE") == 1
    assert (wire.ends(wire.alice), wire.ends(wire.bob)) == ([EndCause.HUNG_UP], [EndCause.BYE])
    assert wire.nothing_stays()


def test_cancel_that_is_not_heeded_is_given_up() -> None:
    wire = Wire()
    a_leg, b_leg = wire.call()
    b_leg.ring(180, wire.now)
    wire.carry()
    wire.passes = losing("CANCEL", times=100)
    a_leg.hang_up(wire.now)
    wire.run(40)
    assert wire.alice.legs == 0


def test_bye_before_the_answer_ends_the_invite_by_487() -> None:
    wire = Wire()
    a_leg, b_leg = wire.call()
    b_leg.ring(180, wire.now)
    wire.carry()
    assert a_leg.dialog is not None
    wire.alice.send_request(a_leg.dialog.request("BYE"), BOB, wire.now)
    wire.carry()
    assert wire.log[2:] == ["A BYE", "B 200", "B 487", "A ACK"]
    assert wire.ends(wire.bob) == [EndCause.BYE]
    assert wire.nothing_stays()


# What is for no call


@pytest.mark.parametrize("method", ["BYE", "INFO", "INVITE", "UPDATE"])
def test_request_within_a_dialog_that_is_not_known_is_answered_481(method: str) -> None:
    wire = Wire()
    wire.bob.receive(request(method, branch="z9hG4bK1", to_tag="x"), ALICE, NOW)
    wire.carry()
    assert wire.log == ["B 481"]


def test_ack_of_nothing_is_not_answered() -> None:
    wire = Wire()
    wire.bob.receive(request("ACK", branch="z9hG4bK1", to_tag="x"), ALICE, NOW)
    wire.carry()
    assert wire.log == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([CONTACT, ("Require", "foo")], "B 420"),
        ([], "B 400"),
        ([("Contact", "<sip:a@[nonsense>")], "B 400"),
        (
            [
                CONTACT,
                ("Supported", "timer"),
                ("Session-Expires", "60"),
            ],
            "B 422",
        ),
        ([CONTACT, ("Session-Expires", "soon")], "B 400"),
    ],
)
def test_invite_that_cannot_be_served_is_refused(
    headers: list[tuple[str, str]], status: str
) -> None:
    wire = Wire()
    wire.bob.receive(request(branch="z9hG4bK1", headers=headers), ALICE, NOW)
    wire.carry()
    assert wire.log == [status]
    assert wire.bob.legs == 0
