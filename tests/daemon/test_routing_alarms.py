"""Alarms of routes, as people and programs see them."""

import logging

import pytest

from gateway.daemon.routing_alarms import CLEARED_MAX, RoutingAlarms, topic_of
from gateway.streams.state_board import CLEARED, RAISED, StateBoard
from routing.alarm import Alarm, AlarmKind
from routing.events import BindDown, BindUp
from routing.router import Router
from tests.routing.builders import NOW, a_bind, a_router


class Told:
    def __init__(self) -> None:
        self.router: Router = a_router(a_bind("alpha/1"), a_bind("beta/1"))
        self.board = StateBoard()
        self.alarms = RoutingAlarms(self.router, self.board)

    def down(self, at: float = NOW + 1) -> None:
        self.router.observe(BindDown("alpha/1", at))
        self.alarms.handle()

    def up(self, at: float = NOW + 60) -> None:
        self.router.observe(BindUp("alpha/1", at))
        self.router.tick(at)
        self.alarms.handle()


def an_alarm(kind: AlarmKind, bind: str = "", network: str = "", sender: str = "") -> Alarm:
    return Alarm(kind, bind, network, sender, NOW, NOW, 0.0)


def test_an_alarm_is_logged_counted_and_put_on_the_board(caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    told.down()
    (record,) = caplog.records
    assert (record.levelname, record.message) == ("WARNING", "route alarm raised")
    assert (record.__dict__["kind"], record.__dict__["bind"]) == ("down", "alpha/1")
    assert told.alarms.raised == {AlarmKind.DOWN: 1}
    state = told.board.get("alarms/routing/down/alpha/1")
    assert state is not None
    assert (state.value, state.since) == (RAISED, NOW + 1)
    assert state.detail == "first evidence 2023-11-14T22:13:21.000Z, messages lost 0"


def test_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    told = Told()
    told.down()
    told.up()
    assert caplog.messages == ["route alarm raised", "route alarm cleared"]
    assert told.alarms.raised == {AlarmKind.DOWN: 1}
    state = told.board.get("alarms/routing/down/alpha/1")
    assert state is not None
    assert state.value == CLEARED


def test_each_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    told.down()
    told.alarms.handle()
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("alarm", "topic"),
    [
        (an_alarm(AlarmKind.GREY, "alpha/1", "26201", "long_code"), "grey/alpha/1/26201/long_code"),
        (an_alarm(AlarmKind.OPERATOR, network="26201"), "operator/26201"),
        (an_alarm(AlarmKind.REGIONAL, "alpha/1", "+49"), "regional/alpha/1/49"),
        (an_alarm(AlarmKind.FAKE_RECEIPTS, "alpha/1", "*"), "fake_receipts/alpha/1/*"),
    ],
)
def test_a_topic_names_kind_and_scope_without_wildcards(alarm: Alarm, topic: str) -> None:
    assert topic_of(alarm) == f"alarms/routing/{topic}"


def test_the_board_forgets_the_oldest_of_those_that_are_over() -> None:
    told = Told()
    topics = [f"alarms/routing/grey/alpha/1/{number}" for number in range(CLEARED_MAX + 2)]
    told.alarms.end_those_of_an_earlier_run(topics, NOW)
    assert [told.board.get(topic) is None for topic in topics[:3]] == [True, True, False]


def test_one_that_stands_again_is_not_forgotten() -> None:
    told = Told()
    told.down()
    told.up()
    told.down(NOW + 120)
    told.alarms.end_those_of_an_earlier_run(
        [f"alarms/routing/grey/beta/1/{number}" for number in range(CLEARED_MAX + 2)], NOW
    )
    state = told.board.get("alarms/routing/down/alpha/1")
    assert state is not None
    assert state.value == RAISED
