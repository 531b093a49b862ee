"""Who sends how much, and how long others wait for it: the whole dispatcher in virtual time."""

import sys
from collections.abc import Callable
from functools import partial
from random import Random

import pytest

from gateway.messaging.lane import Lane
from gateway.smpp.constants import CommandStatus
from tests.messaging.market import Behaviour, Market, jain, p99, takes_all
from tests.messaging.traffic_world import Written, to
from tests.support.virtual_time import virtual_time

SLOW = {"alpha/1": (to("+1"),), "slow/1": (to("+49"),)}


def overloaded(market: Market, *accounts: tuple[str, int]) -> list[Lane]:
    """Accounts with so many senders each, of which every one has more to send than can go."""
    lanes = [market.lane(name, str(n + 1)) for name, senders in accounts for n in range(senders)]
    for lane in lanes:
        market.send(lane, 1_500)
    return lanes


# Fair shares


@pytest.mark.parametrize(("tps", "window", "latency_s"), [(400.0, 100, 0.02), (10_000.0, 20, 0.05)])
@virtual_time
async def test_accounts_that_wait_get_equal_shares_however_many_senders_they_have(
    tps: float, window: int, latency_s: float
) -> None:
    """On a bind whose rate is short, and on one whose window is."""
    market = Market(behaviours={"alpha/1": takes_all(latency_s)}, tps=tps, window=window)
    overloaded(market, ("1", 1), ("2", 1), ("3", 5), ("4", 2), ("5", 1))
    await market.run(5)
    shares = market.segments()
    assert sum(shares.values()) > 1_900
    assert jain([float(share) for share in shares.values()]) > 0.99


@virtual_time
async def test_long_messages_count_by_their_segments() -> None:
    market = Market(tps=400.0, window=100)
    market.send(market.lane("1"), 1_500)
    market.send(market.lane("2"), 1_000, segments=3)
    await market.run(5)
    shares = market.segments()
    assert jain([float(share) for share in shares.values()]) > 0.99


@virtual_time
async def test_who_was_silent_for_long_has_saved_nothing_up() -> None:
    market = Market(tps=400.0, window=100)
    overloaded(market, ("1", 1))
    await market.run(1)
    overloaded(market, ("2", 1))
    await market.run(4)
    shares = market.segments(since=1)
    assert jain([float(share) for share in shares.values()]) > 0.99


@virtual_time
async def test_no_room_is_left_unused_while_anybody_waits() -> None:
    """Two binds of which one is awaited by all, and the other by half."""
    market = Market({"alpha/1": (to("+1"),), "beta/1": (to("+1500"),)}, tps=200.0, window=50)
    overloaded(market, ("1", 3), ("2", 1))
    await market.run(5)
    assert sum(market.segments().values()) > 0.96 * 5 * 400


@virtual_time
async def test_senders_under_the_cap_of_their_account_take_turns_and_use_it_up() -> None:
    market = Market(window=100)
    lanes = [market.lane("1", str(n), mps_max=100.0) for n in range(20)]
    for lane in lanes:
        market.send(lane, 100)
    await market.run(10)
    sent = [
        sum(1 for each, who in market.senders.items() if who is lane and each in market.went)
        for lane in lanes
    ]
    assert sum(sent) > 980
    assert max(sent) - min(sent) <= 1


# Classes of traffic


@virtual_time
async def test_codes_go_at_once_past_27000_segments_of_promotion() -> None:
    market = Market(tps=300.0, window=100)
    for name in "abcdefghi":
        for sender in ("1", "2"):
            market.send(market.lane(name, sender), 500, segments=3, traffic_type="promotional")
    codes = market.lane("1")
    await market.run(2)
    market.every(1 / 60, lambda: market.send(codes, traffic_type="otp"))
    await market.run(30)
    waits = market.waits(codes)
    assert len(waits) == 1_801
    assert (waits[len(waits) // 2] < 0.02, p99(waits) < 0.1) == (True, True)


@virtual_time
async def test_a_flood_of_codes_starves_nobody() -> None:
    """Half as much again as the bind takes: the rest is shared by 3 to 1."""
    market = Market(tps=300.0, window=100)
    for name, traffic_type in (("c", "otp"), ("n", "transactional"), ("b", "promotional")):
        lane = market.lane(name)
        market.send(lane, 1_900, traffic_type=traffic_type)
    codes = market.lane("c", "2")
    market.every(1 / 450, lambda: market.send(codes, traffic_type="otp"))
    await market.run(8)
    shares = market.segments(since=2)
    total = sum(shares.values())
    assert shares["c"] / total == pytest.approx(0.71, abs=0.02)
    assert shares["n"] / total == pytest.approx(0.22, abs=0.02)
    assert shares["b"] / total >= 0.05


@virtual_time
async def test_what_says_no_class_goes_by_that_of_its_sender_and_before_promotion() -> None:
    market = Market(tps=100.0, window=100)
    bulk, plain = market.lane("1"), market.lane("2")
    market.send(bulk, 900, traffic_type="marketing")
    market.send(plain, 900)
    await market.run(4)
    shares = market.segments()
    assert shares["2"] / shares["1"] == pytest.approx(3, rel=0.1)


# Nobody waits for a carrier that is not theirs


def send_some(market: Market, lane: Lane, random: Random) -> None:
    market.send(lane, random.randrange(6))


@virtual_time
async def test_a_bind_at_half_a_segment_a_second_delays_nobody_else() -> None:
    async def others(disturb: Callable[[Market], None]) -> float:
        market = Market(SLOW, {"slow/1": takes_all(2.0)}, window=50, tps=500.0)
        disturb(market)
        lanes = [market.lane(str(n)) for n in range(8)]
        random = Random(1)
        for lane in lanes:
            market.every(0.08, partial(send_some, market, lane, random))
        await market.run(20)
        return max(p99(market.waits(lane)) for lane in lanes)

    def slow(market: Market) -> None:
        market.send(market.lane("9"), 200, country="4915")

    undisturbed = await others(lambda market: None)
    assert abs(await others(slow) - undisturbed) < 0.01


def test_a_million_queued_messages_of_one_account_cost_the_others_nothing() -> None:
    """Counted in calls, which is not a matter of the machine."""

    @virtual_time
    async def calls(queued: int) -> int:
        market = Market()
        long = market.lane("9")
        for number in range(queued):
            long.queue.hold(1)
            long.queue.set_aside(number, 1, market.clock.now() + 1_000_000)
        made = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal made
            made += event == "call"

        sys.setprofile(count)
        market.send(market.lane("1"), 100)
        await market.run(10)
        sys.setprofile(None)
        assert market.segments() == {"1": 100}
        return made

    assert calls(1_000_000) == pytest.approx(calls(0), rel=0.01)


# Order


def unruly(seed: int) -> Behaviour:
    """Throttles in spells, refuses a few, and takes its time."""
    random = Random(seed)

    def answer(written: Written) -> tuple[int, float]:
        chance = random.random()
        if written.at % 7 < 1.5 and chance < 0.5:
            return CommandStatus.ESME_RTHROTTLED, 0.01
        if chance < 0.02:
            return CommandStatus.ESME_RSYSERR, 0.02
        return CommandStatus.ESME_ROK, random.uniform(0.005, 0.2)

    return answer


@pytest.mark.parametrize("seed", range(3))
@virtual_time
async def test_each_sender_sends_in_the_order_of_acceptance_whatever_carriers_do(seed: int) -> None:
    market = Market(
        {"alpha/1": (to("", 1),), "beta/1": (to("", 2),)},
        {"alpha/1": unruly(seed), "beta/1": unruly(seed + 100)},
        tps=100.0,
        window=20,
    )
    lanes = overloaded(market, ("1", 2), ("2", 1))
    market.loop.call_later(3, market.down, "alpha/1")
    market.loop.call_later(6, market.up, "alpha/1")
    await market.run(20)
    for lane in lanes:
        went = [each for each in market.went if market.senders[each] is lane]
        assert len(went) > 100
        assert went == sorted(went)
