"""Alarms that a bind's own health raises, and the board that keeps them."""

from routing import alarm as alarm_module
from routing.alarm import Alarm, AlarmBoard, AlarmKind
from routing.events import BindDown, BindUp, Outcome
from routing.router import Router
from tests.routing.builders import NOW, a_bind, a_request, a_router, send_and_answer


def an_alarm(bind: str = "alpha/1", lost: float = 0.0) -> Alarm:
    return Alarm(AlarmKind.GREY, bind, "", "", NOW, NOW, lost)


def test_an_alarm_is_told_once_and_its_loss_grows() -> None:
    board = AlarmBoard()
    board.raise_(an_alarm())
    board.raise_(an_alarm(lost=7.0))
    board.raise_(an_alarm(lost=3.0))
    assert [alarm.lost for alarm in board.changes()] == [0.0]
    assert [alarm.lost for alarm in board.standing()] == [7.0]
    assert board.changes() == []


def test_an_alarm_that_is_cleared_is_told_with_the_time() -> None:
    board = AlarmBoard()
    board.raise_(an_alarm())
    board.clear(AlarmKind.GREY, NOW + 9.0, "alpha/1")
    board.clear(AlarmKind.GREY, NOW + 10.0, "alpha/1")
    assert [alarm.cleared_at for alarm in board.changes()] == [None, NOW + 9.0]
    assert board.standing() == ()


def test_the_board_is_bounded() -> None:
    board = AlarmBoard()
    for number in range(alarm_module.ALARMS_MAX + 5):
        board.raise_(an_alarm(f"alpha/{number}"))
    assert len(board.standing()) == alarm_module.ALARMS_MAX
    assert len(board.changes()) == alarm_module.CHANGES_MAX


def kinds(router: Router) -> list[str]:
    return [alarm.kind.value for alarm in router.alarms()]


def test_a_lost_bind_is_told_at_once_and_until_it_is_back() -> None:
    router = a_router(a_bind())
    assert kinds(router) == []
    router.observe(BindDown("alpha/1", NOW))
    assert kinds(router) == ["down"]
    router.observe(BindUp("alpha/1", NOW + 5.0))
    router.tick(NOW + 6.0)
    assert kinds(router) == []
    assert [alarm.cleared_at for alarm in router.events()] == [None, NOW + 6.0]


def test_a_bind_that_comes_and_goes_flaps_and_one_time_passwords_keep_away() -> None:
    router = a_router(a_bind("alpha/1"), a_bind("beta/1"))
    for n in range(4):
        router.observe(BindDown("alpha/1", NOW + 10.0 * n))
        router.observe(BindUp("alpha/1", NOW + 10.0 * n + 5.0))
    now = NOW + 36.0
    router.tick(now)
    assert kinds(router) == ["flapping"]
    urgent = router.rank(a_request()._replace(traffic_class="otp"), now)
    assert [one.bind for one in urgent.candidates] == ["beta/1"]
    assert len(router.rank(a_request(), now).candidates) == 2
    router.tick(NOW + 1500.0)
    assert kinds(router) == []


def test_a_carrier_that_takes_much_less_than_its_contract_is_told() -> None:
    router = a_router(a_bind(tps=100.0))
    for n in range(3):
        send_and_answer(router, "alpha/1", Outcome.THROTTLED, NOW + 2.0 * n, 0.01)
    router.tick(NOW + 6.0)
    assert kinds(router) == ["throttling"]
    for second in range(60):
        router.tick(NOW + 7.0 + second)
    assert kinds(router) == []


def test_answers_far_slower_than_usual_are_told() -> None:
    router = a_router(a_bind())
    send_and_answer(router, "alpha/1", Outcome.OK, NOW, latency_s=4.0)
    router.tick(NOW + 5.0)
    assert kinds(router) == ["latency"]
    for n in range(40):
        send_and_answer(router, "alpha/1", Outcome.OK, NOW + 6.0 + n, latency_s=0.1)
    router.tick(NOW + 50.0)
    assert kinds(router) == []
