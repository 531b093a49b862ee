"""How the rule of `Gathering` fares in a model: `python -m tests.bench.bench_gathering`.

A loop that works off one task after the other, a writer beside it, and a disk, in virtual time, so
that a busy machine changes nothing: how many messages share a commit, and how long each waits for
its carrier. Costs are those that were measured of the stages, in seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from random import Random

from gateway.store.gathering import Gathering
from gateway.store.group_commit import BATCH_MAX
from gateway.store.limits import StoreLimits
from tests.bench.bench_store import report

ACCEPT_S, HAND_OVER_S, ANSWER_S, RECEIPT_S, TOLD_S = 30e-6, 25e-6, 20e-6, 20e-6, 8e-6
PEER_S = 50e-6
WAKE_S = 60e-6
COMMIT_S, RECORD_S = 150e-6, 2.2e-6
SECONDS = 3.0

Then = Callable[[], None]


def nothing() -> None:
    """No one waits for this record."""


class Model:
    """`window` messages at a time of one customer, or `rate` messages a second of many."""

    def __init__(self, flush_s: float, window: int = 0, rate: float = 0.0) -> None:
        self._gathering = Gathering(StoreLimits().commit_interval_s, BATCH_MAX)
        self._flush_s = flush_s
        self._window = window
        self._rate = rate
        self._random = Random(1)
        self._now = 0.0
        self._order = count()
        self._events: list[tuple[float, int, Then]] = []
        self._tasks: deque[tuple[float, Then]] = deque()
        self._busy = False
        self._pending: list[Then] = []
        self._idle = True
        self._commits = 0
        self._looks = 0
        self._waits_s: list[float] = []

    def run(self) -> None:
        for _ in range(self._window):
            self._submit()
        if self._rate:
            self._arrive()
        while self._now < SECONDS:
            self._now, _, then = heappop(self._events)
            then()
        waits_s = sorted(self._waits_s)
        report(
            f"flush {self._flush_s * 1e3:g} ms, "
            + (f"window {self._window}" if self._window else f"{self._rate:g}/s"),
            per_second=len(waits_s) / SECONDS,
            per_commit=len(waits_s) / self._commits,
            looks=self._looks / self._commits,
            p50_ms=waits_s[len(waits_s) // 2] * 1e3,
            p99_ms=waits_s[len(waits_s) * 99 // 100] * 1e3,
        )

    def _after(self, seconds: float, then: Then) -> None:
        heappush(self._events, (self._now + seconds, next(self._order), then))

    # The loop

    def _task(self, seconds: float, then: Then) -> None:
        self._tasks.append((seconds, then))
        self._work()

    def _work(self) -> None:
        if self._tasks and not self._busy:
            seconds, then = self._tasks.popleft()
            self._busy = True
            self._after(seconds, lambda: self._worked(then))

    def _worked(self, then: Then) -> None:
        self._busy = False
        then()
        self._work()

    # A message

    def _arrive(self) -> None:
        self._submit()
        self._after(self._random.expovariate(self._rate), self._arrive)

    def _submit(self) -> None:
        submitted_at = self._now
        self._task(
            ACCEPT_S,
            lambda: self._append(lambda: self._task(HAND_OVER_S, lambda: self._out(submitted_at))),
        )

    def _out(self, submitted_at: float) -> None:
        self._waits_s.append(self._now - submitted_at)
        self._append(nothing)
        self._after(PEER_S, lambda: self._task(ANSWER_S, self._answered))
        if self._window:
            self._after(PEER_S, self._submit)

    def _answered(self) -> None:
        self._append(nothing)
        self._after(PEER_S, lambda: self._task(RECEIPT_S, self._received))

    def _received(self) -> None:
        self._append(lambda: self._task(TOLD_S, lambda: self._append(nothing)))

    # The writer

    def _append(self, then: Then) -> None:
        self._pending.append(then)
        if self._idle:
            self._idle = False
            self._after(WAKE_S, self._look)

    def _look(self) -> None:
        if not self._pending:
            self._idle = True
            return
        wait_s = self._gathering.wait_s(len(self._pending), self._now)
        if wait_s:
            self._looks += 1
            self._after(wait_s + WAKE_S, self._look)
            return
        batch, self._pending = self._pending, []
        self._commits += 1
        seconds = self._flush_s + COMMIT_S + len(batch) * RECORD_S
        self._after(seconds, lambda: self._committed(batch))

    def _committed(self, batch: list[Then]) -> None:
        for then in batch:
            then()
        self._look()


def main() -> None:
    for flush_s in (0.0001, 0.002):
        for window in (10, 50):
            Model(flush_s, window=window).run()
        for rate in (100.0, 500.0, 1_000.0, 4_000.0):
            Model(flush_s, rate=rate).run()


if __name__ == "__main__":
    main()
