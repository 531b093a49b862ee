"""SIP trunks: what calls teach, and which trunk takes the next one."""

from itertools import count

import pytest

from routing.alarm import AlarmKind
from routing.carrier_bind import CarrierBind, Kind, RouteEntry
from routing.events import BindDown, BindUp, CallEnded, CallResult, Outcome, Submitted
from routing.ranking import Block, Ranking, RouteRequest
from routing.router import Router
from routing.sip_status import outcome
from tests.routing.builders import NOW, a_bind

ALPHA, BETA = "alpha/1", "beta/1"
ids = count(1)


def a_trunk(name: str, price: float = 0.01, channels: int = 100) -> CarrierBind:
    return CarrierBind(name, (RouteEntry("+49", price=price),), channels, 50.0, kind=Kind.CALL)


def two_trunks(**options: float) -> Router:
    router = Router([a_trunk(ALPHA), a_trunk(BETA, **options), a_bind("sms/1")], now=NOW)  # type: ignore[arg-type]
    for bind in (ALPHA, BETA, "sms/1"):
        router.observe(BindUp(bind, NOW))
    return router


def a_call(router: Router, now: float) -> Ranking:
    request = RouteRequest(next(ids), "+4930123456", "long_code", kind=Kind.CALL)
    return router.rank(request, now)


def calls(
    router: Router,
    start: float,
    seconds: int,
    status: dict[str, int] | None = None,
    mos: dict[str, float] | None = None,
    pdd_s: dict[str, float] | None = None,
    duration_s: dict[str, float] | None = None,
    one_way: str = "",
) -> list[str]:
    """Two calls a second, each over before the next one; the trunks that took them."""
    taken = []
    for step in range(2 * seconds):
        now = NOW + start + step / 2
        router.tick(now)
        ranking = a_call(router, now)
        assert ranking.best is not None
        trunk, call = ranking.best.bind, ranking.request.message_id
        taken.append(trunk)
        final, delay_s = (status or {}).get(trunk, 200), (pdd_s or {}).get(trunk, 1.0)
        router.observe(Submitted(ranking.best.route, now - delay_s, ranking=ranking))
        router.observe(CallResult(trunk, final, delay_s, now, call))
        if final == 200:
            length_s = (duration_s or {}).get(trunk, 90.0 + 60.0 * (step % 2))
            heard = (mos or {}).get(trunk, 4.2)
            router.observe(CallEnded(trunk, length_s, now, heard, call, trunk == one_way))
    return taken


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Outcome.OK),
        (486, Outcome.OK),
        (603, Outcome.OK),
        (480, Outcome.OK),
        (404, Outcome.PERMANENT),
        (488, Outcome.PERMANENT),
        (503, Outcome.THROTTLED),
        (500, Outcome.TEMPORARY),
        (408, Outcome.TIMEOUT),
        (0, Outcome.TIMEOUT),
    ],
)
def test_what_a_person_does_is_the_networks_success(status: int, expected: Outcome) -> None:
    assert outcome(status)[0] is expected


@pytest.mark.parametrize(("rings", "counted"), [(True, 20.0), (False, 0.0)])
def test_who_gives_up_before_it_rings_says_nothing_of_the_trunk(
    rings: bool, counted: float
) -> None:
    router = Router([a_trunk(ALPHA)], now=NOW)
    router.observe(BindUp(ALPHA, NOW))
    prior = a_call(router, NOW).candidates[0].estimate.n
    for step in range(20):
        now = NOW + step
        router.tick(now)
        ranking = a_call(router, now)
        assert ranking.best is not None
        router.observe(Submitted(ranking.best.route, now - 3.0, ranking=ranking))
        call = ranking.request.message_id
        router.observe(CallResult(ALPHA, 487, 3.0, now, call, progress=rings))
    router.tick(NOW + 20.0)
    learnt = a_call(router, NOW + 20.0).candidates[0].estimate.n - prior
    assert learnt == pytest.approx(counted, abs=0.5)
    assert [one.window_used for one in router.snapshot(NOW + 20.0)] == [0]


def test_calls_go_over_trunks_and_messages_over_binds() -> None:
    router = two_trunks()
    assert {one.bind for one in a_call(router, NOW).candidates} == {ALPHA, BETA}
    message = RouteRequest(1, "+4930123456", "long_code")
    assert [one.bind for one in router.rank(message, NOW).candidates] == ["sms/1"]
    assert router.reachable("+4930123456", "long_code", Kind.CALL)
    assert not router.reachable("+33612345678", "long_code", Kind.CALL)


def test_a_channel_is_taken_until_the_call_ends() -> None:
    router = Router([a_trunk(ALPHA, channels=1)], now=NOW)
    router.observe(BindUp(ALPHA, NOW))
    ranking = a_call(router, NOW)
    assert ranking.best is not None
    router.observe(Submitted(ranking.best.route, NOW, ranking=ranking))
    router.observe(CallResult(ALPHA, 200, 1.0, NOW + 1.0))
    assert [one.block for one in a_call(router, NOW + 2.0).blocked] == [Block.WINDOW_FULL]
    router.observe(CallEnded(ALPHA, 60.0, NOW + 61.0))
    assert a_call(router, NOW + 61.0).best is not None


def test_calls_of_a_second_may_come_at_once_for_they_cannot_wait() -> None:
    bind = CarrierBind(ALPHA, (RouteEntry("+49"),), window=100, tps=10.0, kind=Kind.CALL)
    router = Router([bind], now=NOW)
    router.observe(BindUp(ALPHA, NOW))
    for _ in range(10):
        ranking = a_call(router, NOW)
        assert ranking.best is not None
        router.observe(Submitted(ranking.best.route, NOW, ranking=ranking))
    assert [one.block for one in a_call(router, NOW + 0.9).blocked] == [Block.RATE]
    assert a_call(router, NOW + 0.9).retry_at == NOW + 1.0
    assert a_call(router, NOW + 1.0).best is not None


def test_a_call_that_is_refused_frees_its_channel() -> None:
    router = Router([a_trunk(ALPHA, channels=1)], now=NOW)
    router.observe(BindUp(ALPHA, NOW))
    ranking = a_call(router, NOW)
    assert ranking.best is not None
    router.observe(Submitted(ranking.best.route, NOW, ranking=ranking))
    router.observe(CallResult(ALPHA, 486, 1.0, NOW + 1.0))
    assert a_call(router, NOW + 2.0).best is not None


@pytest.mark.parametrize("rings_until", [1.0, 4.0])
def test_channels_of_calls_that_stand_outlast_the_trunks_own_troubles(rings_until: float) -> None:
    router = Router([a_trunk(ALPHA, channels=2)], now=NOW)
    router.observe(BindUp(ALPHA, NOW))
    ranking = a_call(router, NOW)
    assert ranking.best is not None
    for at in (0.0, 0.5):
        router.observe(Submitted(ranking.best.route, NOW + at, ranking=ranking))
    router.observe(BindDown(ALPHA, NOW + 2.0))
    router.observe(BindUp(ALPHA, NOW + 3.0))
    router.observe(CallResult(ALPHA, 200, 1.0, NOW + rings_until))
    router.observe(CallResult(ALPHA, 200, 1.0, NOW + 9.0))
    assert [one.window_used for one in router.snapshot(NOW + 9.0)] == [2]
    router.observe(CallEnded(ALPHA, 60.0, NOW + 61.0))
    router.observe(CallEnded(ALPHA, 60.0, NOW + 61.0))
    assert [one.window_used for one in router.snapshot(NOW + 61.0)] == [0]


def test_the_cheaper_trunk_takes_the_calls() -> None:
    assert calls(two_trunks(price=0.03), 0, 60).count(ALPHA) > 114


def test_a_trunk_whose_calls_fail_is_left() -> None:
    router = two_trunks(price=0.03)
    calls(router, 0, 120)
    taken = calls(router, 120, 60, status={ALPHA: 500})
    assert taken[20:].count(ALPHA) < 10


def test_busy_people_are_not_the_trunks_fault() -> None:
    router = two_trunks(price=0.03)
    assert calls(router, 0, 120, status={ALPHA: 486}).count(ALPHA) > 230


def test_a_trunk_that_sounds_bad_is_left() -> None:
    router = two_trunks(price=0.012)
    calls(router, 0, 60)
    assert calls(router, 60, 120, mos={ALPHA: 2.2})[-40:].count(ALPHA) < 5


def test_a_trunk_whose_calls_go_one_way_is_left_and_told() -> None:
    router = two_trunks(price=0.03)
    calls(router, 0, 60)
    assert calls(router, 60, 120, one_way=ALPHA)[-40:].count(ALPHA) < 5
    assert [(alarm.kind, alarm.bind) for alarm in router.alarms()] == [(AlarmKind.ONE_WAY, ALPHA)]
    explained = router.explain_ranking(a_call(router, NOW + 181.0))
    left = next(one for one in explained["candidates"] if one["bind"] == ALPHA)
    assert left["one_way"] > 0.15
    assert left["clearness"] < 0.8
    assert explained["why"].endswith("% go one way")


def test_a_trunk_that_was_left_for_one_way_calls_has_another_chance() -> None:
    router = two_trunks(price=0.03)
    calls(router, 0, 60)
    calls(router, 60, 120, one_way=ALPHA)
    day_s = 86_400
    assert calls(router, day_s, 60)[-40:].count(ALPHA) > 35
    assert router.alarms() == ()


def test_a_trunk_that_is_slow_to_ring_is_left() -> None:
    router = two_trunks(price=0.012)
    assert calls(router, 0, 60, pdd_s={ALPHA: 9.0})[-40:].count(ALPHA) < 5


def test_false_answers_are_found_by_how_short_the_calls_are() -> None:
    router = two_trunks(price=0.03)
    calls(router, 0, 200)
    taken = calls(router, 200, 60, duration_s={ALPHA: 2.0})
    assert taken[-40:].count(ALPHA) < 5
    assert {alarm.kind for alarm in router.alarms()} == {AlarmKind.FAKE_RECEIPTS}


def test_what_a_call_costs_follows_how_long_calls_are() -> None:
    router = two_trunks(price=0.012)
    calls(router, 0, 120)
    best = a_call(router, NOW + 121.0).best
    assert best is not None
    assert best.estimate.units == pytest.approx(2.0, abs=0.3)
