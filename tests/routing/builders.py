"""Binds, requests and routers for tests, with everything ordinary filled in."""

from collections.abc import Iterable

from routing.carrier_bind import CarrierBind, RouteEntry
from routing.events import BindUp, Outcome, SubmitResult, Submitted
from routing.numbering_plan import EMPTY_PLAN, NumberingPlan
from routing.ranking import Block, RouteRequest
from routing.route_table import Route
from routing.router import Router

GERMAN_MOBILE = "+4915112345678"
NOW = 1_700_000_000.0


def a_bind(
    bind_id: str = "alpha/1",
    *entries: RouteEntry,
    window: int = 100,
    tps: float = 1000.0,
    sender_types: Iterable[str] = (),
) -> CarrierBind:
    """Serves every destination unless told otherwise."""
    routes = entries or (RouteEntry(),)
    return CarrierBind(bind_id, routes, window, tps, frozenset(sender_types))


def a_request(
    destination: str = GERMAN_MOBILE,
    sender_type: str = "long_code",
    excluded: tuple[str, ...] = (),
    pinned: str = "",
    mccmnc: str = "",
) -> RouteRequest:
    return RouteRequest(
        7, destination, sender_type, excluded=excluded, pinned=pinned, mccmnc=mccmnc
    )


def a_router(*binds: CarrierBind, plan: NumberingPlan = EMPTY_PLAN, now: float = NOW) -> Router:
    """With every bind up."""
    router = Router(binds, plan, now)
    for bind in binds:
        router.observe(BindUp(bind.id, now))
    return router


def order(router: Router, request: RouteRequest | None = None, now: float = NOW) -> list[str]:
    """The binds that can take it, best first."""
    return [candidate.bind for candidate in router.rank(request or a_request(), now).candidates]


def blocks(
    router: Router, now: float = NOW, request: RouteRequest | None = None
) -> dict[str, Block]:
    ranking = router.rank(request or a_request(), now)
    return {blocked.bind: blocked.block for blocked in ranking.blocked}


def route_to(router: Router, bind_id: str, now: float = NOW) -> Route:
    """The route of one bind, whether it can take a segment or not."""
    ranking = router.rank(a_request(pinned=bind_id), now)
    return ranking.best.route if ranking.best else ranking.blocked[0].route


def send(router: Router, now: float, request: RouteRequest | None = None) -> str:
    """Send one segment where the router wants it; the bind's name."""
    best = router.rank(request or a_request(), now).best
    assert best is not None
    router.observe(Submitted(best.route, now))
    return best.bind


def send_and_answer(
    router: Router, bind_id: str, outcome: Outcome, now: float, latency_s: float = 0.1
) -> None:
    """One segment goes out on `bind_id` at `now` and is answered `latency_s` later."""
    router.observe(Submitted(route_to(router, bind_id, now), now))
    router.observe(SubmitResult(bind_id, outcome, latency_s, now + latency_s))
