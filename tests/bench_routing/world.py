"""The carriers of a scenario: what they would do with a message at a moment, and for what price."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import erf, exp, inf, log, sin, sqrt, tau
from random import Random

OTP_DEADLINE_S = 30.0
VALUES = {"otp": 0.60, "transactional": 0.25, "promotional": 0.06}
LATE_SHARE = {"otp": 0.45, "transactional": 1.0, "promotional": 1.0}
# Phones that are off: their messages arrive, but much later.
TAIL = 0.07
TAIL_MEDIAN_S = 900.0
NUMBER_FAULTS = 0.03


@dataclass(frozen=True)
class Trouble:
    """Something that befalls one route from `start` to `end`. `depth` is how bad it is, `ramp_s`
    how long it takes to get so bad. `network` "": all of them."""

    kind: str
    route: str
    start: float
    end: float = inf
    depth: float = 1.0
    network: str = ""
    ramp_s: float = 0.0

    def strength(self, now: float, network: str) -> float:
        if not self.start <= now < self.end or (self.network and network != self.network):
            return 0.0
        return self.depth * (min(1.0, (now - self.start) / self.ramp_s) if self.ramp_s else 1.0)


@dataclass
class Line:
    """One route into one network in good times."""

    delivered: float
    price: float
    median_s: float
    spread: float = 0.6


@dataclass
class CarrierRoute:
    name: str
    tps: float
    window: int
    latency_s: float
    lines: dict[str, Line]
    hourly: tuple[float, float] = (0.0, 0.0)
    free_at: float = 0.0


@dataclass(frozen=True)
class Fate:
    """What really becomes of a message that a route takes: `arrives` after the answer, inf: never;
    `receipt`: what the carrier says, and when; "" for nothing."""

    arrives: float
    receipt: str
    receipt_after: float


@dataclass
class World:
    routes: dict[str, CarrierRoute]
    networks: dict[str, float]
    troubles: list[Trouble] = field(default_factory=list)
    _utilities: dict[tuple[str, str, str], tuple[int, float]] = field(default_factory=dict)

    def strength(self, kind: str, route: str, now: float, network: str = "") -> float:
        strength = 0.0
        for one in self.troubles:
            if one.kind == kind and one.route == route:
                strength = max(strength, one.strength(now, network))
        return strength

    def up(self, route: str, now: float) -> bool:
        """Flapping: away for `depth` of every minute."""
        away = self.strength("flap", route, now)
        return not (away and (now % 60.0) < 60.0 * away)

    def price(self, route: str, network: str, now: float) -> float:
        return self.routes[route].lines[network].price * (
            1.0 + self.strength("price", route, now, network)
        )

    def tps(self, route: str, now: float) -> float:
        return self.routes[route].tps * (1.0 - self.strength("capacity", route, now))

    def latency(self, route: str, now: float) -> float:
        return self.routes[route].latency_s + self.strength("slow_answers", route, now)

    def delivered(self, route: str, network: str, now: float) -> float:
        """The chance that a message arrives at all."""
        one = self.routes[route]
        chance = one.lines[network].delivered
        size, phase = one.hourly
        if size:
            chance = min(0.995, chance + size * sin(tau * (now / 3600.0 + phase)))
        for kind in ("grey", "fake", "undelivered"):
            chance *= 1.0 - self.strength(kind, route, now, network)
        return chance

    def median_s(self, route: str, network: str, now: float) -> float:
        base = self.routes[route].lines[network].median_s
        return base + self.strength("slow_delivery", route, now, network)

    def on_time(self, route: str, network: str, now: float) -> float:
        """Of what arrives, how much does within the deadline of a one-time password."""
        median = self.median_s(route, network, now)
        spread = self.routes[route].lines[network].spread
        left = OTP_DEADLINE_S - self.latency(route, now)
        if left <= 0:
            return 0.0
        return (1.0 - TAIL) * 0.5 * (1.0 + erf(log(left / median) / spread / sqrt(2.0)))

    def utility(self, kind: str, route: str, network: str, now: float) -> float:
        """Expected money of a message that this route takes now; it is kept for a second."""
        known = self._utilities.get((kind, route, network))
        if known is not None and known[0] == int(now):
            return known[1]
        utility = self._utility(kind, route, network, now)
        self._utilities[kind, route, network] = int(now), utility
        return utility

    def _utility(self, kind: str, route: str, network: str, now: float) -> float:
        chance = (1.0 - NUMBER_FAULTS) * self.delivered(route, network, now)
        late = LATE_SHARE[kind]
        on_time = self.on_time(route, network, now) if late < 1.0 else 1.0
        worth = on_time + late * (1.0 - on_time)
        return VALUES[kind] * chance * worth - self.price(route, network, now)

    def fate(self, route: str, network: str, now: float, random: Random) -> Fate:
        if random.random() < NUMBER_FAULTS:
            return Fate(inf, "number", 2.0 + 4.0 * random.random())
        line = self.routes[route].lines[network]
        if random.random() < TAIL:
            delay = TAIL_MEDIAN_S * exp(random.gauss(0.0, 1.0))
        else:
            delay = self.median_s(route, network, now) * exp(random.gauss(0.0, line.spread))
        fake = self.strength("fake", route, now, network)
        if random.random() < self.delivered(route, network, now):
            seen = "" if random.random() < self.strength("feed", route, now) else "delivered"
            return Fate(delay, seen, delay)
        if random.random() < fake:
            return Fate(inf, "delivered", delay)
        silent = self.strength("grey", route, now, network)
        if random.random() < max(silent, 0.4):
            return Fate(inf, "", inf)
        return Fate(inf, "undelivered", 1.0 + 8.0 * random.random())

    def takes(self, route: str, now: float) -> bool:
        """Is there room in this second, or is the message refused for speed?"""
        one = self.routes[route]
        if one.free_at > now + 0.1:
            return False
        one.free_at = max(one.free_at, now) + 1.0 / max(0.01, self.tps(route, now))
        return True

    def errs(self, route: str, now: float, random: Random) -> str:
        if random.random() < self.strength("errors", route, now):
            return "temporary"
        if random.random() < self.strength("silence", route, now):
            return "timeout"
        return ""
