"""Our router, driven the way a stranger would."""

from __future__ import annotations

from routing.carrier_bind import CarrierBind, RouteEntry
from routing.events import (
    BindDown,
    BindUp,
    Converted,
    Fault,
    Outcome,
    PriceChanged,
    ReceiptSeen,
    SubmitResult,
    Submitted,
)
from routing.ranking import RouteRequest
from routing.router import Router
from tests.bench_routing.sms import Sms
from tests.bench_routing.world import World


class Ours:
    name = "ours"

    def __init__(self, world: World, seed: int) -> None:
        self.router = Router(
            [
                CarrierBind(
                    name,
                    tuple(
                        RouteEntry(network, price=line.price) for network, line in one.lines.items()
                    ),
                    window=one.window,
                    tps=one.tps,
                )
                for name, one in world.routes.items()
            ],
            now=0.0,
        )
        self.log: list[object] = []

    def choose(self, sms: Sms, now: float) -> str | None:
        ranking = self.router.rank(
            RouteRequest(
                sms.id,
                sms.number,
                "alphanumeric",
                traffic_class=sms.kind,
                excluded=sms.tried,
                attempt=sms.attempt,
                mccmnc=sms.network,
            ),
            now,
        )
        if ranking.best is None:
            return None
        self.router.observe(Submitted(ranking.best.route, now, 1, ranking))
        return ranking.best.bind

    def answered(self, sms: Sms, route: str, outcome: str, latency_s: float, now: float) -> None:
        self.router.observe(SubmitResult(route, Outcome(outcome), latency_s, now, sms.id))

    def receipt(self, sms: Sms, route: str, seen: str, delay_s: float, now: float) -> None:
        fault = Fault.NUMBER if seen == "number" else None
        self.router.observe(ReceiptSeen(route, seen == "delivered", delay_s, now, sms.id, fault))

    def converted(self, sms: Sms, now: float) -> None:
        self.router.observe(Converted(sms.id, now))

    def link(self, route: str, up: bool, now: float) -> None:
        self.router.observe((BindUp if up else BindDown)(route, now))

    def price(self, route: str, network: str, price: float, now: float) -> None:
        self.router.observe(PriceChanged(route, price, now, network))

    def tick(self, now: float) -> None:
        self.router.tick(now)
        self.log.extend(self.router.events())
