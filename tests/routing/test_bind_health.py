"""What blocks a bind, for how long, and what health pages read."""

import pytest

from routing.bind_health import QUALITY_MIN, BindSnapshot
from routing.circuit_breaker import CircuitState
from routing.events import (
    BindDown,
    BindUp,
    Outcome,
    ReceiptSeen,
    SubmitResult,
    Submitted,
    WindowIs,
)
from routing.ranking import Block
from routing.router import Router
from tests.routing.builders import (
    NOW,
    a_bind,
    a_request,
    a_router,
    blocks,
    order,
    route_to,
    send,
    send_and_answer,
)


def reading(router: Router, now: float = NOW) -> BindSnapshot:
    return router.snapshot(now)[0]


def test_a_bind_is_down_until_it_is_up() -> None:
    router = Router([a_bind()])
    assert blocks(router) == {"alpha/1": Block.DOWN}
    router.observe(BindUp("alpha/1", NOW))
    assert order(router) == ["alpha/1"]


def test_a_full_window_blocks_until_an_answer() -> None:
    router = a_router(a_bind(window=1))
    send(router, NOW)
    assert blocks(router, NOW + 1.0) == {"alpha/1": Block.WINDOW_FULL}
    router.observe(SubmitResult("alpha/1", Outcome.OK, 1.0, NOW + 1.0))
    assert order(router, now=NOW + 1.0) == ["alpha/1"]


def test_a_lost_bind_comes_back_with_an_empty_window() -> None:
    router = a_router(a_bind(window=1))
    send(router, NOW)
    router.observe(BindDown("alpha/1", NOW + 1.0))
    router.observe(BindUp("alpha/1", NOW + 2.0))
    assert order(router, now=NOW + 2.0) == ["alpha/1"]


def test_the_window_of_a_bind_follows_its_sessions() -> None:
    """One of two is lost, with one of the two segments that were under way."""
    router = a_router(a_bind(window=2))
    send(router, NOW)
    send(router, NOW)
    router.observe(WindowIs("alpha/1", 1, 1, 0.0))
    assert blocks(router, NOW + 1.0) == {"alpha/1": Block.WINDOW_FULL}
    assert (reading(router).window, reading(router).window_used) == (1, 1)
    router.observe(SubmitResult("alpha/1", Outcome.OK, 1.0, NOW + 1.0))
    assert order(router, now=NOW + 1.0) == ["alpha/1"]


def test_an_answer_to_a_lost_session_frees_no_place_in_the_new_window() -> None:
    router = a_router(a_bind(window=1))
    send(router, NOW)
    router.observe(BindDown("alpha/1", NOW + 1.0))
    router.observe(BindUp("alpha/1", NOW + 2.0))
    send(router, NOW + 3.0)
    router.observe(SubmitResult("alpha/1", Outcome.TIMEOUT, 10.0, NOW + 10.0))
    assert blocks(router, NOW + 10.0) == {"alpha/1": Block.WINDOW_FULL}


def test_unanswered_segments_of_a_lost_session_do_not_open_the_circuit() -> None:
    router = a_router(a_bind())
    for _ in range(5):
        send(router, NOW)
    router.observe(BindDown("alpha/1", NOW + 1.0))
    for _ in range(5):
        router.observe(SubmitResult("alpha/1", Outcome.TIMEOUT, 1.5, NOW + 1.5))
    assert reading(router, NOW + 2.0).circuit is CircuitState.CLOSED


def test_an_answer_to_nothing_leaves_the_window_empty() -> None:
    router = a_router(a_bind())
    router.observe(SubmitResult("alpha/1", Outcome.OK, 0.0, NOW))
    assert reading(router).window_used == 0


def test_the_contracted_rate_blocks_until_the_next_token() -> None:
    router = a_router(a_bind(tps=10.0))
    send(router, NOW)
    blocked = router.rank(a_request(), NOW).blocked[0]
    assert blocked.block is Block.RATE
    assert blocked.retry_at == pytest.approx(NOW + 0.082)


def test_a_token_is_there_at_the_time_that_was_told() -> None:
    router = a_router(a_bind(tps=10.0))
    send(router, NOW)
    retry_at = router.rank(a_request(), NOW).retry_at
    assert retry_at is not None
    assert order(router, now=retry_at) == ["alpha/1"]


@pytest.mark.parametrize("outcome", [Outcome.THROTTLED, Outcome.QUEUE_FULL])
def test_a_throttled_bind_rests_and_then_goes_slower(outcome: Outcome) -> None:
    router = a_router(a_bind(tps=100.0))
    send_and_answer(router, "alpha/1", outcome, NOW, latency_s=0.05)
    blocked = router.rank(a_request(), NOW + 0.05).blocked[0]
    assert blocked.block is Block.THROTTLED
    assert blocked.retry_at == pytest.approx(NOW + 0.15)
    assert reading(router, NOW + 1.0).tps == pytest.approx(80.0)


def test_ticks_bring_an_idle_bind_back_to_its_contract() -> None:
    router = a_router(a_bind(tps=100.0))
    send_and_answer(router, "alpha/1", Outcome.THROTTLED, NOW)
    throttled = reading(router, NOW + 1.0).quality
    for second in range(60):
        router.tick(NOW + second)
    assert reading(router, NOW + 60.0).quality == pytest.approx(throttled / 0.8)


def test_three_hard_errors_open_the_circuit() -> None:
    router = a_router(a_bind())
    for outcome in (Outcome.TEMPORARY, Outcome.TIMEOUT, Outcome.TEMPORARY):
        send_and_answer(router, "alpha/1", outcome, NOW)
    blocked = router.rank(a_request(), NOW + 1.0).blocked[0]
    assert blocked.block is Block.CIRCUIT_OPEN
    assert blocked.retry_at == pytest.approx(NOW + 5.1)


def test_a_message_at_fault_does_not_open_the_circuit() -> None:
    router = a_router(a_bind())
    for n in range(20):
        send_and_answer(router, "alpha/1", Outcome.PERMANENT, NOW + n)
    assert order(router, now=NOW + 30.0) == ["alpha/1"]


def test_a_throttle_does_not_open_the_circuit() -> None:
    router = a_router(a_bind())
    for n in range(20):
        send_and_answer(router, "alpha/1", Outcome.THROTTLED, NOW + n)
    assert order(router, now=NOW + 40.0) == ["alpha/1"]


def test_only_one_trial_goes_out_after_the_block() -> None:
    router = a_router(a_bind())
    for _ in range(3):
        send_and_answer(router, "alpha/1", Outcome.TEMPORARY, NOW)
    send(router, NOW + 6.0)
    assert blocks(router, NOW + 6.0) == {"alpha/1": Block.CIRCUIT_OPEN}
    router.observe(SubmitResult("alpha/1", Outcome.OK, 0.1, NOW + 6.1))
    assert order(router, now=NOW + 6.1) == ["alpha/1"]


def test_a_peak_of_latency_counts_at_once_and_is_forgotten_slowly() -> None:
    router = a_router(a_bind())
    send_and_answer(router, "alpha/1", Outcome.OK, NOW, latency_s=3.0)
    at_once = reading(router, NOW + 3.0).latency_s
    send_and_answer(router, "alpha/1", Outcome.OK, NOW + 12.9, latency_s=0.1)
    ten_seconds_on = reading(router, NOW + 13.0).latency_s
    assert at_once == 3.0
    assert ten_seconds_on == pytest.approx(0.1 + 2.9 * 0.3679, abs=0.001)


def test_a_time_out_counts_as_the_time_it_waited() -> None:
    router = a_router(a_bind())
    send_and_answer(router, "alpha/1", Outcome.TIMEOUT, NOW, latency_s=10.0)
    assert reading(router, NOW + 10.0).latency_s == 10.0


def test_a_bind_in_the_worst_health_keeps_a_twentieth_of_its_share() -> None:
    router = a_router(a_bind())
    send_and_answer(router, "alpha/1", Outcome.TIMEOUT, NOW, latency_s=60.0)
    assert reading(router, NOW + 60.0).quality == QUALITY_MIN


def test_an_overfull_window_is_no_worse_than_a_full_one() -> None:
    router = a_router(a_bind(window=1))
    route = route_to(router, "alpha/1")
    for _ in range(3):
        router.observe(Submitted(route, NOW))
    assert reading(router).quality == pytest.approx(0.1 / 1.1)


def test_receipts_are_counted_and_do_not_change_the_share() -> None:
    router = a_router(a_bind())
    before = reading(router).quality
    router.observe(ReceiptSeen("alpha/1", delivered=True, delay_s=10.0, at=NOW))
    router.observe(ReceiptSeen("alpha/1", delivered=False, delay_s=0.0, at=NOW))
    after = reading(router)
    assert (after.receipts_delivered, after.receipts_undelivered) == (1, 1)
    assert after.receipt_delay_s == pytest.approx(0.9)
    assert after.quality == before


def test_a_reading_tells_the_whole_state() -> None:
    router = a_router(a_bind(window=5, tps=50.0))
    send_and_answer(router, "alpha/1", Outcome.OK, NOW, latency_s=0.2)
    send(router, NOW + 1.0)
    seen = reading(router, NOW + 1.0)
    assert (seen.bind, seen.carrier, seen.up, seen.since) == ("alpha/1", "alpha", True, NOW)
    assert (seen.window, seen.window_used, seen.submitted) == (5, 1, 2)
    assert (seen.tps_contract, seen.tps, seen.error_share) == (50.0, 50.0, 0.0)
    assert seen.results[Outcome.OK] == 1
    assert (seen.block, seen.drops) == (Block.RATE, 0)


def test_a_loss_is_counted_once_however_often_it_is_told() -> None:
    router = a_router(a_bind())
    router.observe(BindDown("alpha/1", NOW))
    router.observe(BindDown("alpha/1", NOW + 1.0))
    assert reading(router).drops == 1


def test_a_reading_of_a_free_bind_shows_no_block() -> None:
    seen = reading(a_router(a_bind()))
    assert (seen.block, seen.retry_at) == (None, None)
