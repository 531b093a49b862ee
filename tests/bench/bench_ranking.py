"""`python -m tests.bench.bench_ranking`: what a message costs in the router, by the binds that
could take it. CPU time, the least of several runs; every message is ranked, sent, answered and
has a receipt, and a second passes every so many.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections import deque

from routing.carrier_bind import CarrierBind, RouteEntry
from routing.events import BindUp, Outcome, ReceiptSeen, SubmitResult, Submitted
from routing.ranking import RouteRequest
from routing.router import Router

NOW = 1_700_000_000.0
CANDIDATES = (1, 4, 16, 17, 100, 1_000)
UNDER_WAY = 50
PER_SECOND = 2_000
LATENCY_S = 0.02


def main() -> int:
    top = argparse.ArgumentParser(description=__doc__)
    top.add_argument("--messages", type=int, default=6_000)
    top.add_argument("--repeats", type=int, default=3)
    arguments = top.parse_args()
    sys.stdout.write(f"{'candidates':>10}  {'µs a message':>12}\n")
    for count in CANDIDATES:
        least_us = min(play(count, arguments.messages) for _ in range(arguments.repeats))
        sys.stdout.write(f"{count:>10,}  {least_us:>12.1f}\n")
    return 0


def play(candidates: int, messages: int) -> float:
    """µs of CPU a message."""
    binds = [
        CarrierBind(f"carrier-{number // 4}/{number % 4}", (RouteEntry(),), 100, 100_000.0)
        for number in range(candidates)
    ]
    router = Router(binds, now=NOW)
    for bind in binds:
        router.observe(BindUp(bind.id, NOW))
    router.rank(a_request(0), NOW)
    gc.collect()
    gc.freeze()
    begun = time.process_time()
    under_way: deque[tuple[str, int]] = deque()
    for number in range(1, messages + 1):
        now = NOW + number / PER_SECOND
        ranking = router.rank(a_request(number), now)
        assert ranking.best is not None
        router.observe(Submitted(ranking.best.route, now, 1, ranking))
        under_way.append((ranking.best.bind, number))
        if len(under_way) > UNDER_WAY:
            taken_by, earlier = under_way.popleft()
            router.observe(SubmitResult(taken_by, Outcome.OK, LATENCY_S, now, earlier))
            router.observe(ReceiptSeen(taken_by, True, LATENCY_S, now, earlier))
    spent = time.process_time() - begun
    gc.unfreeze()
    return spent / messages * 1e6


def a_request(number: int) -> RouteRequest:
    return RouteRequest(number, f"+1201555{number % 10_000:04}", "short_code", account="AC1")


if __name__ == "__main__":
    sys.exit(main())
