"""What a message costs the router: python -m tests.bench_routing.decision [--messages 20000].

Four candidates, three classes of traffic, receipts and conversions, in virtual time. CPU time, the
least of several rounds for each call, without the loop around it.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from time import perf_counter_ns, thread_time_ns

from routing.carrier_bind import CarrierBind, RouteEntry
from routing.events import BindUp, Outcome, ReceiptSeen, SubmitResult, Submitted
from routing.ranking import Ranking, RouteRequest
from routing.router import Router

BINDS = 4
CLASSES = ("otp", "transactional", "transactional", "promotional")
NETWORKS = ("26201", "26202", "26203")
PER_SECOND = 200
DELAY_S = 5.0
BATCH = 50
ROUNDS = 5


class Round:
    """One run of virtual time, in batches, so that a clock is read once for many calls."""

    def __init__(self, messages: int) -> None:
        self.router = Router(
            [
                CarrierBind(
                    f"c{number}/1",
                    tuple(RouteEntry(network, price=0.01 + number / 1e3) for network in NETWORKS),
                    window=10_000,
                    tps=10_000.0,
                )
                for number in range(BINDS)
            ]
        )
        self.messages = messages
        self.cost: dict[str, list[float]] = {}
        for number in range(BINDS):
            self.router.observe(BindUp(f"c{number}/1", 0.0))

    def play(self) -> None:
        due: list[tuple[float, ReceiptSeen]] = []
        for first in range(1, self.messages, BATCH):
            now = first / PER_SECOND
            self._time("tick", 1, partial(self.router.tick, now))
            ripe = [event for at, event in due if at <= now]
            due = [one for one in due if one[0] > now]
            if ripe:
                self._time("ReceiptSeen", len(ripe), partial(self._tell, ripe))
            requests = [self._request(number) for number in range(first, first + BATCH)]
            rankings: list[Ranking] = []
            for request in requests:
                begin = perf_counter_ns()
                ranking = self.router.rank(request, now)
                took = perf_counter_ns() - begin
                self.cost.setdefault("rank, each", []).append(took)
                begin = perf_counter_ns()
                assert ranking.best is not None
                self.router.observe(Submitted(ranking.best.route, now, 1, ranking))
                self.cost.setdefault("Submitted, each", []).append(perf_counter_ns() - begin)
                rankings.append(ranking)
            results = [
                SubmitResult(one.best.bind, Outcome.OK, 0.1, now + 0.1, one.request.message_id)
                for one in rankings
                if one.best
            ]
            self._time("SubmitResult", BATCH, partial(self._tell, results))
            for one in results:
                delivered = one.message_id % 16 > 0
                at = one.at + DELAY_S + one.message_id % 7
                due.append((at, ReceiptSeen(one.bind, delivered, at - one.at, at, one.message_id)))

    def _request(self, number: int) -> RouteRequest:
        return RouteRequest(
            number,
            f"+49151{number:08d}",
            "alphanumeric",
            traffic_class=CLASSES[number % len(CLASSES)],
            mccmnc=NETWORKS[number % len(NETWORKS)],
            account="AC1",
        )

    def _tell(self, events: Sequence[SubmitResult | ReceiptSeen]) -> None:
        for event in events:
            self.router.observe(event)

    def _time(self, name: str, calls: int, call: Callable[[], None]) -> None:
        begin = thread_time_ns()
        call()
        self.cost.setdefault(name, []).append((thread_time_ns() - begin) / calls)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    args = parser.parse_args()
    gc.collect()
    gc.freeze()
    least: dict[str, float] = {}
    for _ in range(ROUNDS):
        one = Round(args.messages)
        one.play()
        for name, costs in one.cost.items():
            least[name] = min(least.get(name, costs[0] * 1e9), median(costs))
    for name, nanoseconds in least.items():
        sys.stdout.write(f"{name:18} {nanoseconds:8.0f} ns\n")


if __name__ == "__main__":
    main()
