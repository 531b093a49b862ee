"""What the router makes of hours of traffic: which trouble it finds, how soon, and what it does."""

import pytest

from routing.alarm import Alarm, AlarmKind
from routing.carrier_bind import RouteEntry
from routing.estimate import Scope
from routing.events import Fault, Outcome, ReceiptSeen, SubmitResult, Submitted
from routing.flight import Flight
from routing.ranking import Block, Mode
from routing.router import Router
from routing.scorer import Scorer
from routing.traffic_class import TrafficClasses
from tests.routing.builders import NOW, a_bind, a_request, a_router, order
from tests.routing.traffic import TELEKOM, VODAFONE, Fate, Traffic

CHEAP, DEAR, DEAREST = "alpha/1", "beta/1", "gamma/1"


def three_carriers() -> Router:
    """The cheap one is best while it delivers."""
    return a_router(
        a_bind(CHEAP, RouteEntry(price=0.005), window=10_000),
        a_bind(DEAR, RouteEntry(price=0.03), window=10_000),
        a_bind(DEAREST, RouteEntry(price=0.04), window=10_000),
    )


def fails(bind: str, how: str, network: str = "") -> Fate:
    return lambda on, into, _: how if on == bind and into in (network or into,) else "delivered"


def everything(how: str, network: str) -> Fate:
    return lambda on, into, _: how if into == network else "delivered"


def found(router: Router, kind: AlarmKind) -> list[Alarm]:
    return [alarm for alarm in router.alarms() if alarm.kind is kind]


def healthy_traffic(**options: object) -> Traffic:
    traffic = Traffic(three_carriers(), **options)  # type: ignore[arg-type]
    traffic.play(300)
    assert traffic.router.alarms() == ()
    return traffic


def share(sent: dict[tuple[str, str], int], bind: str, network: str = "") -> float:
    of_network = {key: n for key, n in sent.items() if network in ("", key[1])}
    return sum(n for key, n in of_network.items() if key[0] == bind) / sum(of_network.values())


def test_traffic_goes_the_cheap_way_while_it_delivers() -> None:
    traffic = healthy_traffic()
    assert share(traffic.play(60), CHEAP) > 0.9


def test_a_grey_route_is_left_within_half_a_minute() -> None:
    traffic = healthy_traffic()
    traffic.play(30, fails(CHEAP, "silent"))
    assert share(traffic.play(60, fails(CHEAP, "silent")), CHEAP) < 0.1
    alarms = [*found(traffic.router, AlarmKind.GREY), *found(traffic.router, AlarmKind.REGIONAL)]
    assert {alarm.bind for alarm in alarms} == {CHEAP}
    assert all(alarm.since - traffic.now < 30 and alarm.lost > 3 for alarm in alarms)


def test_a_route_that_recovers_is_found_by_cheap_messages_and_has_its_traffic_again() -> None:
    traffic = healthy_traffic()
    traffic.play(120, fails(CHEAP, "silent"))
    traffic.modes.clear()
    traffic.play(120)
    assert traffic.modes[Mode.PROBE] > 2
    assert share(traffic.play(60), CHEAP) > 0.8
    assert traffic.router.alarms() == ()


def test_probes_are_never_one_time_passwords() -> None:
    router = three_carriers()
    traffic = Traffic(router)
    traffic.play(300)
    traffic.play(60, fails(CHEAP, "silent"))
    probed = [
        router.explain(message_id) or {}
        for message_id in range(1, 4000)
        if router.explain(message_id)
    ]
    kinds = {record["class"] for record in probed if record["mode"] in ("probe", "explore")}
    assert kinds
    assert "otp" not in kinds


def test_a_route_that_fails_in_one_network_keeps_the_others() -> None:
    traffic = healthy_traffic()
    failing = fails(CHEAP, "undelivered", TELEKOM)
    traffic.play(30, failing)
    sent = traffic.play(60, failing)
    assert share(sent, CHEAP, TELEKOM) < 0.1
    assert share(sent, CHEAP, VODAFONE) > 0.8
    assert [alarm.network for alarm in found(traffic.router, AlarmKind.REGIONAL)] == [TELEKOM]


def test_a_network_that_fails_over_every_route_is_not_shopped_around_for() -> None:
    traffic = healthy_traffic()
    traffic.play(240, everything("silent", TELEKOM))
    sent = traffic.play(60, everything("silent", TELEKOM))
    assert [alarm.network for alarm in found(traffic.router, AlarmKind.OPERATOR)] == [TELEKOM]
    assert share(sent, DEAREST, TELEKOM) < 0.5
    traffic.play(120)
    assert found(traffic.router, AlarmKind.OPERATOR) == []


def test_receipts_that_are_not_true_are_found_by_what_customers_say() -> None:
    traffic = healthy_traffic()
    traffic.play(150, fails(CHEAP, "fake"))
    assert {alarm.bind for alarm in found(traffic.router, AlarmKind.FAKE_RECEIPTS)} == {CHEAP}
    assert share(traffic.play(60, fails(CHEAP, "fake")), CHEAP) < 0.1


def test_a_route_whose_receipts_are_true_again_is_believed_again() -> None:
    traffic = healthy_traffic()
    traffic.play(200, fails(CHEAP, "fake"))
    traffic.play(600)
    assert found(traffic.router, AlarmKind.FAKE_RECEIPTS) == []
    assert share(traffic.play(60), CHEAP) > 0.8


def test_a_lost_receipt_feed_is_told_from_a_lost_route() -> None:
    traffic = healthy_traffic()
    traffic.play(120, fails(CHEAP, "unseen"))
    assert [alarm.bind for alarm in found(traffic.router, AlarmKind.RECEIPT_FEED)] == [CHEAP]
    assert share(traffic.play(60, fails(CHEAP, "unseen")), CHEAP) > 0.7
    traffic.play(240)
    assert found(traffic.router, AlarmKind.RECEIPT_FEED) == []


def test_without_receipts_from_anybody_silence_says_nothing() -> None:
    traffic = Traffic(three_carriers(), converting=False)
    sent = traffic.play(300, lambda *_: "silent")
    assert traffic.router.alarms() == ()
    assert share(sent, CHEAP) > 0.9


def test_dead_numbers_are_not_the_routes_fault() -> None:
    traffic = healthy_traffic()
    half = {"n": 0}

    def fate(bind: str, network: str, elapsed_s: float) -> str:
        half["n"] += 1
        return "number" if half["n"] // 2 % 2 else "delivered"  # of each network

    sent = traffic.play(120, fate)
    assert share(sent, CHEAP) > 0.8


def test_a_drop_in_conversions_everywhere_is_the_customers_feed() -> None:
    traffic = healthy_traffic()
    traffic._converting = False
    traffic.play(200)
    assert len(found(traffic.router, AlarmKind.FAKE_RECEIPTS)) <= 1


def test_a_second_code_to_a_number_takes_another_route() -> None:
    traffic = healthy_traffic()
    router, now = traffic.router, traffic.now
    request = a_request("+491520000001", mccmnc=TELEKOM)._replace(
        message_id=90_001, traffic_class="otp"
    )
    first = router.rank(request, now)
    assert first.best is not None
    router.observe(Submitted(first.best.route, now, ranking=first))
    second = router.rank(request._replace(message_id=90_002), now + 30.0).best
    assert second is not None
    assert second.bind != first.best.bind
    late = router.rank(request._replace(message_id=90_003), now + 700.0).best
    assert late is not None
    assert late.bind == first.best.bind


def test_a_number_that_gets_many_codes_is_no_person_waiting() -> None:
    traffic = healthy_traffic()
    router, now = traffic.router, traffic.now
    binds = []
    for n in range(12):
        request = a_request("+491520000001", mccmnc=TELEKOM)._replace(
            message_id=90_000 + n, traffic_class="otp"
        )
        ranking = router.rank(request, now + n)
        assert ranking.best is not None
        binds.append(ranking.best.bind)
        router.observe(Submitted(ranking.best.route, now + n, ranking=ranking))
    assert len(set(binds[:3])) > 1
    assert len(set(binds[6:])) == 1


def test_a_sick_route_is_used_where_there_is_no_other() -> None:
    router = a_router(a_bind(CHEAP, window=10_000))
    traffic = Traffic(router)
    traffic.play(300)
    traffic.play(120, fails(CHEAP, "silent"))
    ranking = router.rank(a_request(mccmnc=TELEKOM), traffic.now)
    assert (ranking.mode, ranking.best is not None) == (Mode.FORCED, True)


def test_a_later_priority_takes_over_from_a_sick_route() -> None:
    router = a_router(
        a_bind(CHEAP, RouteEntry(price=0.02), window=10_000),
        a_bind(DEAR, RouteEntry(priority=2, price=0.01), window=10_000),
    )
    traffic = Traffic(router)
    assert share(traffic.play(300), CHEAP) == 1.0
    traffic.play(30, fails(CHEAP, "silent"))
    assert share(traffic.play(60, fails(CHEAP, "silent")), DEAR) > 0.9


@pytest.mark.parametrize("network", ["", TELEKOM])
def test_a_state_that_is_restored_ranks_as_before(network: str) -> None:
    traffic = healthy_traffic()
    traffic.play(60, fails(CHEAP, "silent", network))
    later = three_carriers()
    later.restore(traffic.router.state(), age_s=20.0)
    for into in (TELEKOM, VODAFONE):
        request = a_request(mccmnc=into)._replace(traffic_class="otp")
        before = traffic.router.rank(request, traffic.now).best
        after = later.rank(request, NOW + 1.0).best
        assert before is not None
        assert after is not None
        assert before.bind == after.bind


def test_a_state_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 99"):
        three_carriers().restore([{"version": 99}], 0.0)


def test_the_record_of_a_decision_counts_what_was_consulted() -> None:
    traffic = healthy_traffic()
    record = traffic.router.explain(2005)
    assert record is not None
    assert record["data_points"] > 100
    assert {one["bind"] for one in record["candidates"]} == {CHEAP, DEAR, DEAREST}
    assert (record["chosen"], record["network"], record["class"]) == (CHEAP, TELEKOM, "otp")
    assert "beats" in record["why"]
    assert traffic.router.explain(10**9) is None


def test_evidence_without_ids_finds_a_grey_bind_too() -> None:
    router = three_carriers()
    taken: list[str] = []
    pending: list[ReceiptSeen] = []
    for n in range(1600):
        now = NOW + n / 4
        for receipt in [one for one in pending if one.at <= now]:
            pending.remove(receipt)
            router.observe(receipt)
        router.tick(now)
        best = router.rank(a_request(), now).best
        assert best is not None
        taken.append(best.bind)
        router.observe(Submitted(best.route, now))
        router.observe(SubmitResult(best.bind, Outcome.OK, 0.1, now))
        if n < 1200 or best.bind != CHEAP:
            pending.append(ReceiptSeen(best.bind, True, 3.0, now + 3.0))
    assert taken[:1200].count(CHEAP) > 1100
    assert taken[1320:].count(CHEAP) < 40


def test_of_two_equal_routes_one_that_goes_silent_raises_an_alarm_though_traffic_leaves_it() -> (
    None
):
    entry = RouteEntry(price=0.01)
    traffic = Traffic(a_router(a_bind(CHEAP, entry), a_bind(DEAR, entry)), rate=1.0)
    traffic.play(400)
    traffic.play(60, fails(CHEAP, "silent"))
    assert {alarm.bind for alarm in found(traffic.router, AlarmKind.GREY)} == {CHEAP}


def test_a_bind_with_little_traffic_everywhere_is_found_by_all_of_it_together() -> None:
    traffic = healthy_traffic(rate=0.5)
    traffic.play(40, fails(CHEAP, "silent"))
    alarms = [alarm for alarm in traffic.router.alarms() if not alarm.network]
    assert [(alarm.kind, alarm.bind) for alarm in alarms] == [(AlarmKind.GREY, CHEAP)]


def test_the_first_evidence_of_silence_is_when_it_began() -> None:
    traffic = healthy_traffic()
    began = traffic.now
    traffic.play(30, fails(CHEAP, "silent"))
    assert all(-5 < alarm.first_evidence_at - began < 10 for alarm in traffic.router.alarms())


def test_a_sender_type_that_a_carrier_does_not_know_goes_elsewhere_for_a_while() -> None:
    router = three_carriers()
    for number in range(3):
        refuse(router, number, NOW + number)
    blocked = router.rank(a_request(), NOW + 3.0).blocked
    assert [(one.bind, one.block) for one in blocked] == [(CHEAP, Block.SENDER_TYPE)]
    assert CHEAP in order(router, a_request(sender_type="short_code"), NOW + 3.0)
    assert CHEAP in order(router, a_request(), NOW + 63.0)


def test_a_refused_sender_type_has_no_other_way_and_still_goes() -> None:
    router = a_router(a_bind(CHEAP))
    for number in range(3):
        refuse(router, number, NOW + number)
    assert router.rank(a_request(), NOW + 3.0).mode is Mode.FORCED


def refuse(router: Router, message_id: int, at: float) -> None:
    """The carrier of the cheap bind says that it does not know the sender."""
    ranking = router.rank(a_request(pinned=CHEAP)._replace(message_id=message_id + 1), at)
    assert ranking.best is not None
    router.observe(Submitted(ranking.best.route, at, ranking=ranking))
    result = SubmitResult(
        CHEAP, Outcome.PERMANENT, 0.1, at + 0.1, message_id + 1, Fault.CONFIGURATION
    )
    router.observe(result)


def test_late_receipts_of_before_the_trouble_bring_no_probes_sooner() -> None:
    traffic = healthy_traffic()
    late = traffic.router.rank(a_request(mccmnc=TELEKOM)._replace(message_id=10**6), traffic.now)
    assert late.best is not None
    traffic.router.observe(Submitted(late.best.route, traffic.now, ranking=late))
    traffic.router.observe(SubmitResult(CHEAP, Outcome.OK, 0.0, traffic.now, 10**6))
    traffic.play(60, fails(CHEAP, "silent"))
    before = [alarm.lost for alarm in traffic.router.alarms()]
    traffic.router.observe(ReceiptSeen(CHEAP, True, 60.0, traffic.now, 10**6))
    traffic.router.tick(traffic.now + 1.0)
    assert [alarm.lost for alarm in traffic.router.alarms()] == pytest.approx(before, abs=0.5)


def test_a_confirmation_that_comes_before_its_answer_is_kept() -> None:
    bind = a_bind(CHEAP)
    scorer = Scorer((bind,), TrafficClasses(), int(NOW), lambda: None)
    flight = Flight(scorer.tree.leaf(Scope(CHEAP, "262", TELEKOM, "long_code")), "AC1", int(NOW))
    scorer.flights.take_off(1, flight)
    scorer.converted(1, NOW)
    scorer.accepted(CHEAP, 1, NOW + 1.0)
    assert flight.converted
    assert scorer.conversions.is_live("AC1")
