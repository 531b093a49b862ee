"""What both load generators do: number the messages, keep the time, and note what becomes of them.

Closed loop: each connection keeps `window` messages under way, as long as the time lasts. Open
loop: message k starts at its own instant, k / rate after the first, whatever became of those
before it; every latency counts from that instant, so that a gateway that stalls cannot hide it by
stopping us too (coordinated omission).
"""

from __future__ import annotations

import asyncio
import selectors
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Literal

import msgspec
import uvloop

from tests.bench.ledger import Ledger, percentile

SETTLE_S = 20.0
CONNECT_S = 10.0

Entrance = Literal["smpp", "http"]
DialectName = Literal["twilio", "kannel", "jasmin"]

SYSTEM_ID = "bench"
PASSWORD = "benchpw"

STARTED, ACCEPTED, RECEIPTED = "started", "accepted", "receipted"


class EsmeAccount(msgspec.Struct, frozen=True):
    """Who binds, and what it sends from; "" for all the senders of the one account in turn."""

    system_id: str
    sender: str = ""


class LoadOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What a generator is to do. `rate` is in messages a second, 0 for a closed loop; `messages`
    bounds either. `receipts` asks the gateway for them, `receipts_come` says that they come back to
    us: by SMPP, or by `callbacks`. The connections are of the `esmes` in turn. The numbers of the
    messages begin at `first_number`; the ledgers go into `directory`.
    """

    entrance: Entrance
    port: int
    esmes: tuple[EsmeAccount, ...] = (EsmeAccount(SYSTEM_ID),)
    connections: int
    seconds: float
    directory: str
    window: int = 1
    messages: int = 100_000_000
    rate: float = 0.0
    receipts: bool = True
    callbacks: bool = False
    dialect: DialectName = "twilio"
    first_number: int = 0
    recipients: Literal["known", "new"] = "known"

    @property
    def receipts_come(self) -> bool:
        return self.receipts and (self.entrance == "smpp" or self.callbacks)


class LoadResult(msgspec.Struct, frozen=True):
    """`refusals` by the answer that was given, `callbacks` how many came in all. `lag_p99_ms` is by
    how much an open loop sent later than it meant to; `cpu_s` is of this process.
    """

    refusals: dict[str, int]
    callbacks: int
    lag_p99_ms: float
    cpu_s: float


class Load:
    """One run of a generator."""

    def __init__(self, order: LoadOrder) -> None:
        self.order = order
        self.started = Ledger()
        self.accepted = Ledger()
        self.receipted = Ledger()
        self.callbacks = 0
        self.settled = asyncio.Event()
        self._refusals: dict[str, int] = {}
        self._answered = 0
        self._receipts = 0
        self._stop_at = float("inf")
        self._over = False
        self._lags_ms: list[float] = []

    def begin(self, now: float) -> None:
        """The time starts to run."""
        self._stop_at = now + self.order.seconds

    def take(self, wanted: int, now: float) -> range:
        """The numbers of the messages to start now, `wanted` of them or fewer."""
        first = len(self.started)
        count = min(wanted, self.order.messages - first) if now < self._stop_at else 0
        if count < wanted:
            self._over = True
            self._settle()
        numbers = range(self.order.first_number + first, self.order.first_number + first + count)
        for number in numbers:
            self.started.note(number, now)
        return numbers

    def answer(self, number: int, now: float, refusal: str = "") -> None:
        """The gateway has taken a message, or has not."""
        self._answered += 1
        if refusal:
            self._refusals[refusal] = self._refusals.get(refusal, 0) + 1
        else:
            self.accepted.note(number, now)
        if self._over:
            self._settle()

    def receipt(self) -> None:
        """A receipt has come; whose it is may be noted later."""
        self._receipts += 1
        if self._over:
            self._settle()

    def _settle(self) -> None:
        receipts = len(self.accepted) if self.order.receipts_come else 0
        if self._answered == len(self.started) and self._receipts >= receipts:
            self.settled.set()

    async def pace(self, send: Callable[[int, float], None]) -> None:
        """The open loop: `send` gets each number at its instant."""
        first_at = time.monotonic()
        for index in range(min(self.order.messages, int(self.order.rate * self.order.seconds))):
            intended_at = first_at + index / self.order.rate
            await asyncio.sleep(max(0.0, intended_at - time.monotonic()))
            number = self.order.first_number + index
            self.started.note(number, intended_at)
            send(number, intended_at)
            self._lags_ms.append((time.monotonic() - intended_at) * 1e3)
        self._over = True
        self._settle()

    async def wait_settled(self) -> None:
        """Until every answer and receipt has come; what has not come by then shows in the audit."""
        try:
            async with asyncio.timeout(self.order.seconds + SETTLE_S):
                await self.settled.wait()
        except TimeoutError:
            sys.stderr.write("load: answers or receipts are missing\n")

    def save(self) -> LoadResult:
        directory = Path(self.order.directory)
        self.started.save(directory / STARTED)
        self.accepted.save(directory / ACCEPTED)
        self.receipted.save(directory / RECEIPTED)
        return LoadResult(
            self._refusals,
            self.callbacks,
            percentile(sorted(self._lags_ms), 0.99) if self._lags_ms else 0.0,
            time.process_time(),
        )


class PreciseLoop(asyncio.SelectorEventLoop):
    """Wakes to the microsecond, where uvloop and epoll count in milliseconds: for the open loop,
    whose own lateness is a part of every latency.
    """

    def __init__(self) -> None:
        super().__init__(selectors.SelectSelector())


def run(generate: Callable[[Load], Coroutine[None, None, None]]) -> None:
    """Read the order from the command line, carry it out, and print the result."""
    order = msgspec.json.decode(sys.argv[1], type=LoadOrder)

    async def carry_out() -> LoadResult:
        load = Load(order)
        await generate(load)
        return load.save()

    factory = PreciseLoop if order.rate else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        result = runner.run(carry_out())
    sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
