"""What goes wrong: one line a scenario. The seed draws the carriers; trouble meets the best one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.bench_routing.world import VALUES, CarrierRoute, Line, Trouble, World

LENGTH_S = 1800.0
MIX = {"otp": 0.35, "transactional": 0.45, "promotional": 0.20}
RATE = 12.0


@dataclass(frozen=True)
class Scenario:
    name: str
    troubles: Callable[[str, str, str], list[Trouble]]
    length_s: float = LENGTH_S
    rate: float = RATE
    hourly: float = 0.0
    tps: float = 60.0


def _t(kind: str, route: str, start: float, end: float = 1e9, **more: Any) -> Trouble:
    return Trouble(kind, route, start, end, **more)


# `a` is the best route at the beginning, `b` the next best, `n` the busiest network.
DEVELOPMENT = (
    Scenario("quiet", lambda a, b, n: []),
    Scenario("degrades slowly", lambda a, b, n: [_t("undelivered", a, 300, ramp_s=900, depth=0.6)]),
    Scenario("goes grey", lambda a, b, n: [_t("grey", a, 600)]),
    Scenario("goes grey and recovers", lambda a, b, n: [_t("grey", a, 500, 900)]),
    Scenario("fakes receipts", lambda a, b, n: [_t("fake", a, 600)]),
    Scenario("fakes and recovers", lambda a, b, n: [_t("fake", a, 300, 900)]),
    Scenario("one network fails", lambda a, b, n: [_t("grey", a, 600, network=n)]),
    Scenario("one network refuses", lambda a, b, n: [_t("undelivered", a, 600, 1200, network=n)]),
    Scenario("throttles", lambda a, b, n: [_t("capacity", a, 600, 1200, depth=0.95)]),
    Scenario("loses capacity", lambda a, b, n: [_t("capacity", a, 600, depth=0.6)], tps=16.0),
    Scenario("answers slowly", lambda a, b, n: [_t("slow_answers", a, 600, 1200, depth=6.0)]),
    Scenario("delivers slowly", lambda a, b, n: [_t("slow_delivery", a, 600, 1300, depth=60.0)]),
    Scenario("flaps", lambda a, b, n: [_t("flap", a, 400, 1200, depth=0.3)]),
    Scenario("errs", lambda a, b, n: [_t("errors", a, 500, 1000, depth=0.7)]),
    Scenario("changes price", lambda a, b, n: [_t("price", a, 600, depth=0.8)]),
    Scenario("loses its receipts", lambda a, b, n: [_t("feed", a, 500, 1200)]),
    Scenario("half of its receipts", lambda a, b, n: [_t("feed", a, 500, 1200, depth=0.5)]),
    Scenario("drifts by the hour", lambda a, b, n: [], length_s=5400.0, rate=6.0, hourly=0.08),
    Scenario(
        "grey, then the next too",
        lambda a, b, n: [_t("grey", a, 400, 1000), _t("undelivered", b, 700, 1300, depth=0.5)],
    ),
    Scenario(
        "little traffic", lambda a, b, n: [_t("grey", a, 900, 2100)], length_s=3600.0, rate=1.5
    ),
    Scenario(
        "no receipts, then grey",
        lambda a, b, n: [_t("feed", a, 400, 1500), _t("grey", a, 1000, 1500)],
    ),
    Scenario("half grey", lambda a, b, n: [_t("grey", a, 700, 1300, depth=0.5)]),
)

# Never looked at while the scorer was made: other rates, other mixtures, other depths.
HELD_OUT = (
    Scenario("grey for a minute", lambda a, b, n: [_t("grey", a, 600, 660)]),
    Scenario("fakes in one network", lambda a, b, n: [_t("fake", a, 500, network=n)]),
    Scenario("fakes a third", lambda a, b, n: [_t("fake", a, 500, depth=0.35)], rate=20.0),
    Scenario(
        "network and price",
        lambda a, b, n: [
            _t("undelivered", a, 500, 1100, network=n, depth=0.4),
            _t("price", b, 300, depth=0.5),
        ],
    ),
    Scenario(
        "slow and short",
        lambda a, b, n: [
            _t("slow_delivery", a, 400, 1000, depth=25.0),
            _t("capacity", b, 600, 1400, depth=0.7),
        ],
        tps=16.0,
    ),
    Scenario("silence", lambda a, b, n: [_t("silence", a, 600, 900, depth=0.8)], rate=8.0),
    Scenario(
        "drift and grey",
        lambda a, b, n: [_t("grey", b, 1500, 2100)],
        length_s=3600.0,
        rate=9.0,
        hourly=0.06,
    ),
    Scenario(
        "flaps and errs",
        lambda a, b, n: [_t("flap", a, 300, 700, depth=0.5), _t("errors", b, 500, 1100, depth=0.5)],
    ),
    Scenario("a trickle", lambda a, b, n: [_t("grey", a, 1800, 3600)], length_s=5400.0, rate=0.6),
)


def make_world(scenario: Scenario, seed: int) -> tuple[World, str, str]:
    """The carriers, the route that trouble meets, and the network it may be limited to."""
    random = Random(f"{scenario.name}/{seed}/world")
    networks = {"26201": 0.4, "26202": 0.3, "26203": 0.2, "20801": 0.1}
    routes: dict[str, CarrierRoute] = {}
    for number in range(5):
        level = random.uniform(0.88, 0.975)
        price = random.uniform(0.015, 0.045)
        routes[f"r{number}/1"] = CarrierRoute(
            f"r{number}/1",
            tps=scenario.tps,
            window=60,
            latency_s=random.uniform(0.05, 0.25),
            lines={
                network: Line(
                    min(0.99, max(0.7, random.gauss(level, 0.015))),
                    round(price * random.uniform(0.9, 1.1), 4),
                    random.uniform(3.0, 8.0),
                )
                for network in networks
            },
            hourly=(scenario.hourly * random.uniform(0.4, 1.0), random.random()),
        )
    world = World(routes, networks)

    def worth(route: str) -> float:
        return sum(
            share * part * world.utility(kind, route, network, 0.0)
            for network, share in networks.items()
            for kind, part in MIX.items()
        )

    best, second = sorted(routes, key=worth, reverse=True)[:2]
    world.troubles = scenario.troubles(best, second, "26201")
    assert set(MIX) == set(VALUES)
    return world, best, "26201"
