"""A trunk is up while its selected target answers."""

import pytest
from msgspec.structs import replace

from gateway.config.trunk import SipTransport
from tests.carriers.trunks import FIRST, NOW, PLAIN, SECOND, THIRD, Line


def test_a_trunk_is_down_until_its_ping_is_answered() -> None:
    line = Line(PLAIN, FIRST)
    ping = line.one()
    assert (ping.request.method, ping.request.uri) == ("OPTIONS", "sip:sip.carrier.example")
    assert (ping.destination, line.told) == (FIRST, [])
    line.answer(ping, 200)
    assert line.told == ["up"]
    assert line.wait() == PLAIN.options_s


def test_a_trunk_without_a_known_address_asks_nothing() -> None:
    line = Line(PLAIN)
    assert (line.sent(), line.trunk.next_timer(), line.trunk.destinations) == ([], None, ())
    line.trunk.resolved([], NOW)
    assert line.sent() == []


@pytest.mark.parametrize("status", [404, 405, 407, 483, 500])
def test_any_final_answer_is_a_sign_of_life(status: int) -> None:
    line = Line(PLAIN, FIRST)
    line.answer(line.one(), status)
    assert line.trunk.up


@pytest.mark.parametrize("status", [408, 503])
def test_two_pings_in_a_row_without_an_answer_and_the_trunk_is_down(status: int) -> None:
    line = Line(PLAIN, FIRST)
    line.answer(line.one(), 200)
    line.wait()
    line.answer_nothing(line.one(), status)
    assert line.told == ["up"]
    line.wait()
    line.answer_nothing(line.one(), status)
    assert line.told == ["up", "down"]
    line.wait()
    line.answer(line.one(), 200)
    assert line.told == ["up", "down", "up"]


def test_an_answer_after_four_seconds_is_none() -> None:
    line = Line(PLAIN, FIRST)
    late = line.one()
    assert line.wait() == 4.0
    line.trunk.handle_timer(line.now)
    line.answer(late, 200)
    assert line.told == []


def test_a_target_that_does_not_answer_makes_way_for_the_next() -> None:
    line = Line(PLAIN, FIRST, SECOND)
    line.answer_nothing(line.one())
    assert line.trunk.destinations == (SECOND, FIRST)
    line.wait()
    ping = line.one()
    assert ping.destination == SECOND
    line.answer(ping, 200)
    assert (line.told, line.trunk.destinations[0]) == (["up"], SECOND)


def test_each_target_is_tried_at_once_before_they_wait_for_their_turn() -> None:
    line = Line(PLAIN, FIRST, SECOND, THIRD)
    waits = []
    for _ in range(4):
        line.answer_nothing(line.one())
        waits.append(line.wait())
    assert waits == [1.0, 1.0, 30.0, 30.0]


def test_a_call_that_could_not_be_sent_makes_way_for_the_next_target() -> None:
    line = Line(PLAIN, FIRST, SECOND)
    line.answer(line.one(), 200)
    line.trunk.unreachable(SECOND, NOW)
    assert line.trunk.destinations[0] == FIRST
    line.trunk.unreachable(FIRST, NOW)
    assert line.trunk.destinations[0] == SECOND
    assert line.one().destination == SECOND


def test_a_target_that_was_left_is_gone_back_to_when_it_lives_again() -> None:
    line = Line(PLAIN, FIRST, SECOND)
    line.answer_nothing(line.one())
    line.wait()
    line.answer(line.one(), 200)
    line.trunk.resolved([FIRST, SECOND], line.now)
    assert line.trunk.destinations[0] == SECOND
    scout = line.one()
    assert scout.destination == FIRST
    line.answer(scout, 200)
    assert line.trunk.destinations[0] == FIRST


def test_a_target_that_is_still_dead_is_not_gone_back_to() -> None:
    line = Line(PLAIN, FIRST, SECOND)
    line.answer_nothing(line.one())
    line.wait()
    line.answer(line.one(), 200)
    line.trunk.resolved([FIRST, SECOND], line.now)
    line.answer_nothing(line.one())
    assert line.trunk.destinations[0] == SECOND
    assert line.told == ["up"]


def test_another_order_of_a_look_up_moves_nothing() -> None:
    line = Line(PLAIN, FIRST, SECOND)
    line.answer(line.one(), 200)
    line.trunk.resolved([SECOND, FIRST], NOW)
    assert line.trunk.destinations[0] == FIRST
    assert line.sent() == []


def test_a_target_that_was_left_and_is_not_found_any_more_is_forgotten() -> None:
    line = Line(PLAIN, FIRST, SECOND)
    line.answer_nothing(line.one())
    line.wait()
    line.answer(line.one(), 200)
    line.trunk.resolved([SECOND, THIRD], line.now)
    assert line.trunk.destinations == (SECOND, THIRD)
    assert line.sent() == []


def test_a_look_up_that_finds_nothing_leaves_what_was_found() -> None:
    line = Line(PLAIN, FIRST)
    line.trunk.resolved([], NOW)
    assert line.trunk.destinations == (FIRST,)


def test_a_target_that_is_not_found_any_more_is_left() -> None:
    line = Line(PLAIN, FIRST)
    line.answer(line.one(), 200)
    line.trunk.resolved([SECOND], line.now)
    assert line.one().destination == SECOND
    assert line.told == ["up"]


def test_without_pings_a_trunk_is_up_when_its_address_is_known() -> None:
    line = Line(replace(PLAIN, options_s=0.0), FIRST, SECOND)
    assert (line.told, line.sent(), line.trunk.next_timer()) == (["up"], [], None)
    line.trunk.unreachable(FIRST, NOW)
    assert line.trunk.destinations[0] == SECOND
    line.trunk.resolved([FIRST, SECOND], NOW)
    assert line.trunk.destinations[0] == FIRST


def test_a_ping_says_how_it_goes_and_who_asks() -> None:
    line = Line(replace(PLAIN, port=5080, transport=SipTransport.TLS), FIRST)
    request = line.one().request
    assert request.uri == "sip:sip.carrier.example:5080;transport=tls"
    assert str(request.from_.uri) == "sip:198.51.100.1"
    assert request.headers.get("Contact") == "<sip:198.51.100.1:5060>"


def test_a_drained_trunk_asks_no_more() -> None:
    line = Line(PLAIN, FIRST)
    line.trunk.drain(NOW)
    assert (line.sent(), line.trunk.next_timer()) == ([], None)


def test_a_trunk_tells_calls_its_patience_and_its_last_words() -> None:
    trunk = Line(replace(PLAIN, no_answer_s=9.0, no_failover=(486,))).trunk
    assert (trunk.no_answer_s, trunk.no_failover) == (9.0, (486,))


def test_a_snapshot_tells_what_health_wants_to_know() -> None:
    line = Line(PLAIN, FIRST, SECOND)
    line.answer(line.one(), 200)
    reading = line.trunk.snapshot(NOW)
    assert (reading.id, reading.up, reading.target) == ("alpha/1", True, "UDP 192.0.2.200:5060")
    assert (reading.targets, reading.ping_failures, reading.registered) == (2, 0, None)
    assert Line(PLAIN).trunk.snapshot(NOW).target == ""
