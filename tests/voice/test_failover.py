"""Which trunk is tried next, which not, and what the caller is told in the end."""

import pytest

from gateway.call import Call, CallAttempt, CallDirection, CallStatus, EndedBy
from gateway.sip.leg_events import EndCause
from gateway.sip.transaction import Destination
from gateway.voice.media_session import Side
from gateway.voice.trunk_choice import ATTEMPTS_MAX, NoWay, TrunkChoice, Way
from routing.carrier_bind import CarrierBind, Kind, RouteEntry
from routing.events import BindUp, CallEnded, CallResult, Submitted
from routing.router import Router
from tests.voice.world import ANSWER, CUSTOMER, NOW, ONE, FakeTrunk, World


def tried(world: World) -> list[tuple[str, int]]:
    return [(attempt.trunk, attempt.status) for attempt in world.record.attempts]


@pytest.mark.parametrize("status", [401, 407, 408, 500, 502, 503, 504, 580])
def test_trouble_of_the_way_leads_to_the_next_trunk(status: int) -> None:
    world = World()
    caller = world.call()
    world.called().refuse(status, world.now)
    world.called(world.two).answer(world.now, ANSWER)
    world.carry()
    caller.hang_up(world.now)
    world.carry()
    assert tried(world) == [("one/a", status), ("two/a", 200)]
    assert world.record.status is CallStatus.COMPLETED
    assert world.nothing_stays()


@pytest.mark.parametrize(
    ("status", "told", "call_status"),
    [
        (302, 480, CallStatus.FAILED),
        (400, 480, CallStatus.FAILED),
        (403, 403, CallStatus.FAILED),
        (404, 404, CallStatus.FAILED),
        (480, 480, CallStatus.NO_ANSWER),
        (484, 484, CallStatus.FAILED),
        (486, 486, CallStatus.BUSY),
        (488, 488, CallStatus.FAILED),
        (600, 600, CallStatus.BUSY),
        (603, 603, CallStatus.BUSY),
        (604, 604, CallStatus.FAILED),
        (607, 607, CallStatus.FAILED),
        (699, 503, CallStatus.FAILED),
    ],
)
def test_what_is_of_the_called_is_told_and_nobody_else_is_tried(
    status: int, told: int, call_status: CallStatus
) -> None:
    world = World()
    world.call()
    world.called().refuse(status, world.now)
    assert world.ended(world.customer) == [(EndCause.REJECTED, told)]
    assert tried(world) == [("one/a", status)]
    assert (world.record.status, world.record.sip_status) == (call_status, told)
    assert world.record.ended_by is EndedBy.CALLED
    assert world.nothing_stays()


def test_status_on_the_trunks_own_list_is_the_end() -> None:
    world = World()
    world.trunks["one/a"].no_failover = (500,)
    world.call()
    world.called().refuse(500, world.now)
    world.carry()
    assert tried(world) == [("one/a", 500)]
    assert world.ended(world.customer) == [(EndCause.REJECTED, 503)]


def test_status_taken_from_that_list_leads_on_no_more_than_the_rule() -> None:
    world = World()
    world.trunks["one/a"].no_failover = ()
    world.call()
    world.called().refuse(603, world.now)
    world.carry()
    assert tried(world) == [("one/a", 603)]


def test_trunk_that_does_not_ring_in_time_is_left() -> None:
    world = World()
    world.call()
    world.run(5.9)
    assert not world.sent(ONE, "CANCEL")
    world.run(0.2)
    assert world.ended(world.one) == [(EndCause.CANCELLED, 487)]
    assert world.trunks["one/a"].found_unreachable == []  # It has said 100.
    world.called(world.two).answer(world.now, ANSWER)
    world.run(1)
    assert world.statuses == ["initiated", "in-progress"]


def test_ringing_stops_that_clock() -> None:
    world = World()
    world.call()
    world.called().ring(180, world.now)
    world.run(60)
    world.called().answer(world.now, ANSWER)
    world.carry()
    assert world.statuses[-1] is CallStatus.IN_PROGRESS
    assert world.channels() == {"one/a": 1, "two/a": 0}


def test_black_hole_is_a_408_in_the_record_and_silence_to_the_router() -> None:
    world = World()
    world.passes = lambda message: "192.0.2.11" not in message.to_bytes().decode()
    world.call()
    world.run(7)
    world.called(world.two).refuse(486, world.now)
    world.carry()
    assert tried(world) == [("one/a", 408), ("two/a", 486)]
    results = [event for event in world.router.heard if isinstance(event, CallResult)]
    assert [(result.bind, result.status) for result in results] == [("one/a", 0), ("two/a", 486)]
    assert world.trunks["one/a"].found_unreachable == [ONE]
    assert world.nothing_stays()


def test_transport_error_is_a_503_and_leads_to_the_next_trunk() -> None:
    world = World()
    world.unreachable.add(ONE)
    world.call()
    world.called(world.two).answer(world.now, ANSWER)
    world.carry()
    assert world.statuses[-1] is CallStatus.IN_PROGRESS
    assert world.channels() == {"one/a": 0, "two/a": 1}
    assert world.trunks["one/a"].found_unreachable == [ONE]


def test_one_more_address_of_a_trunk_is_tried_where_the_first_is_dead() -> None:
    world = World()
    dead = [Destination("UDP", f"192.0.2.{number}", 5060) for number in (21, 22)]
    world.unreachable.update(dead)
    world.trunks["one/a"].destinations = [dead[0], ONE]
    caller = world.call()
    world.called().answer(world.now, ANSWER)
    world.carry()
    caller.hang_up(world.now)
    world.carry()
    assert tried(world) == [("one/a", 503), ("one/a", 200)]
    assert world.nothing_stays()


def test_another_trunk_comes_before_a_third_address() -> None:
    world = World()
    dead = [Destination("UDP", f"192.0.2.{number}", 5060) for number in (21, 22)]
    world.unreachable.update(dead)
    world.trunks["one/a"].destinations = [*dead, ONE]
    world.call()
    world.called(world.two).refuse(486, world.now)
    world.carry()
    assert tried(world) == [("one/a", 503), ("one/a", 503), ("two/a", 486)]


def test_refusal_is_of_all_addresses() -> None:
    world = World()
    world.trunks["one/a"].destinations = [ONE, Destination("UDP", "192.0.2.21", 5060)]
    world.call()
    world.called().refuse(500, world.now)
    world.called(world.two).refuse(486, world.now)
    world.carry()
    assert tried(world) == [("one/a", 500), ("two/a", 486)]


def test_nobody_else_is_tried_once_the_called_side_is_heard() -> None:
    world = World()
    world.call()
    called = world.called()
    called.ring(183, world.now, body=ANSWER)
    world.carry()
    world.media.sessions[0].heard.add(Side.CALLED)
    called.refuse(503, world.now)
    assert world.ended(world.customer) == [(EndCause.REJECTED, 503)]
    assert tried(world) == [("one/a", 503)]


def test_last_failure_is_told_when_no_trunk_is_left() -> None:
    world = World()
    world.call()
    world.called().refuse(500, world.now, [("Reason", "Q.850;cause=38")])
    world.called(world.two).refuse(502, world.now)
    world.carry()
    assert world.ended(world.customer) == [(EndCause.REJECTED, 503)]
    (refusal,) = world.sent(CUSTOMER, "503")
    assert refusal.headers.get("Reason") == 'SIP;cause=502;text="Bad Gateway"'


def test_number_that_no_trunk_leads_to_is_a_404() -> None:
    world = World()
    world.admission.called = "+81312345678"
    world.call()
    assert world.ended(world.customer) == [(EndCause.REJECTED, 404)]
    assert world.record.attempts == ()
    assert world.nothing_stays()


def test_all_trunks_busy_is_a_503_with_retry_after() -> None:
    world = World(channels=1)
    world.talk()
    world.call()
    world.called(world.two).answer(world.now, ANSWER)
    world.carry()
    assert world.channels() == {"one/a": 1, "two/a": 1}
    world.call()
    assert world.ended(world.customer) == [(EndCause.REJECTED, 503)]
    (refusal,) = world.sent(CUSTOMER, "503")
    assert refusal.headers.get("Retry-After") == "5"


def test_trunk_whose_name_is_not_known_is_passed_over() -> None:
    world = World()
    world.trunks["one/a"].destinations = []
    world.call()
    assert world.called(world.two).request_received


def test_router_hears_of_each_attempt_once() -> None:
    world = World()
    caller = world.call()
    world.run(1)
    world.called().refuse(503, world.now)
    world.carry()
    world.run(2)
    called = world.called(world.two)
    called.ring(180, world.now)
    world.run(3)
    called.answer(world.now, ANSWER)
    world.run(60)
    caller.hang_up(world.now)
    world.carry()
    heard = world.router.heard
    assert [type(event) for event in heard] == [
        Submitted,
        CallResult,
        Submitted,
        CallResult,
        CallEnded,
    ]
    assert heard[3] == CallResult("two/a", 200, 2.0, world.now - 60.0, 1, True)
    assert heard[4] == CallEnded("two/a", 60.0, world.now, 4.0, 1, False)
    explained = world.router.explain(1)
    assert explained is not None
    assert (explained["chosen"], explained["attempt"]) == ("two/a", 2)


def test_trunk_that_is_gone_while_it_is_tried_makes_way_for_the_next() -> None:
    world = World()
    world.call()
    del world.trunks["one/a"]
    world.called().refuse(503, world.now)
    world.carry()
    world.called(world.two).answer(world.now, ANSWER)
    world.carry()
    assert world.statuses[-1] is CallStatus.IN_PROGRESS


def test_attempts_tell_when_they_began_rang_and_ended() -> None:
    world = World()
    world.call()
    began = world.now
    world.run(1)
    world.called().ring(180, world.now)
    world.run(2)
    called = world.called()
    called.refuse(486, world.now)
    world.carry()
    (attempt,) = world.record.attempts
    assert attempt == CallAttempt(
        "one/a", 486, "Busy Here", began, began + 1, began + 3, called.call_id
    )


def test_invite_that_cannot_be_written_leads_to_the_next_trunk() -> None:
    world = World()
    world.trunks["one/a"].headers = (("Subject", "two\r\nlines"),)
    world.call()
    world.called(world.two).answer(world.now, ANSWER)
    world.carry()
    assert world.channels() == {"one/a": 0, "two/a": 1}


def test_call_is_a_503_where_the_user_agent_has_no_room_for_its_second_leg() -> None:
    world = World(legs_max=1)
    world.call()
    assert world.ended(world.customer) == [(EndCause.REJECTED, 503)]
    assert world.record.attempts == ()
    assert world.nothing_stays()


def test_no_more_trunks_are_tried_than_may_be() -> None:
    call = Call(1, "AC1", CallDirection.OUTBOUND, "+1", "+4930901820", "trunk/pbx", NOW)
    names = [f"carrier/{number}" for number in range(ATTEMPTS_MAX + 1)]
    router = Router([CarrierBind(n, (RouteEntry("+49"),), kind=Kind.CALL) for n in names], now=NOW)
    for name in names:
        router.observe(BindUp(name, NOW))
    choice = TrunkChoice(router, dict.fromkeys(names, FakeTrunk(ONE)), call)
    ways = [choice.next(NOW) for _ in names]
    assert all(isinstance(way, Way) for way in ways[:-1])
    assert ways[-1] == NoWay(503, 5)


def test_time_until_a_trunk_is_free_is_told() -> None:
    world = World(cps=0.1)
    for _ in range(2):
        world.call()
    world.call()
    (refusal,) = world.sent(CUSTOMER, "503")
    assert refusal.headers.get("Retry-After") in ("10", "11")
