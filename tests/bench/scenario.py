"""One measurement: a fresh gateway, ours or a peer, between a load generator and the sink."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.bench import load, machine, traffic
from tests.bench.child_process import SinkProcess, generate
from tests.bench.gateway_files import ORDINARY, GatewaySize
from tests.bench.ledger import Audit, Ledger, audit, percentile, spans_ms
from tests.bench.load import Entrance, LoadOrder
from tests.bench.system import BenchError, System, Usage
from tests.bench.systems import OURS, SYSTEMS, Setting, SystemName

SETTLE_S = 20.0
POLL_S = 0.02
CALIBRATION_S = 2.0
# The last notes of what was told are still on their way to the disk when all has settled.
FLUSH_S = 0.1
ARRIVED = "arrived"


@dataclass(frozen=True, slots=True)
class Scenario:
    """`work` is what is done, the same for each `system` that does it. `rate` is in messages a
    second, 0 for a closed loop of `connections` x `window`. Receipts are asked for with `receipts`;
    by HTTP they are told to the customer with `callbacks`. Recipients are known when each of them
    has had a message before. `quick_ack` is of the sink, `size` of our gateway.
    """

    work: str
    system: SystemName = OURS
    entrance: Entrance = "smpp"
    connections: int = 1
    window: int = 1
    receipts: bool = True
    callbacks: bool = False
    rate: float = 0.0
    recipients: Literal["known", "new"] = "known"
    quick_ack: bool = True
    size: GatewaySize = ORDINARY

    @property
    def name(self) -> str:
        late = "" if self.quick_ack else " (late ACKs)"
        return f"{self.work}: {self.system}{late}"


@dataclass(frozen=True, slots=True)
class Figures:
    """CPU in µs a message: of the system's processes, by part, and of the load generator and the
    sink, which are not in it. Times in ms, median and 99th percentile; RSS in octets. `callbacks`
    a message. `others_cores` is what the rest of the machine used meanwhile. The audit is of all
    that was accepted, `audited`, the warm-up included.
    """

    scenario: Scenario
    messages: int
    per_second: float
    parts_us: dict[str, float]
    load_cpu_us: float
    sink_cpu_us: float
    answer_ms: tuple[float, float]
    arrival_ms: tuple[float, float]
    callbacks: float
    lag_p99_ms: float
    others_cores: float
    started_in_s: float
    idle_rss: int
    rss: int
    troubles: tuple[str, ...]
    audited: int
    audit: Audit

    @property
    def cpu_us(self) -> float:
        return sum(self.parts_us.values())


@dataclass(frozen=True, slots=True)
class Calibration:
    """What load generator and sink do without a gateway between them."""

    per_second: float
    sink_cpu_us: float


def unwatched(_system: System) -> AbstractContextManager[object]:
    return nullcontext()


def run(
    scenario: Scenario,
    seconds: float,
    parent: Path,
    warm_up: int = traffic.RECIPIENTS,
    watch: Callable[[System], AbstractContextManager[object]] = unwatched,
) -> Figures:
    """Warm up with so many messages, a peer with fewer, measure for `seconds`, and audit both.
    `watch` gets the system for as long as it is measured."""
    system_kind = SYSTEMS[scenario.system]
    warm_up = min(warm_up, system_kind.warm_up)
    with tempfile.TemporaryDirectory(dir=parent, prefix=f"{scenario.entrance}-") as name:
        directory = Path(name)
        with SinkProcess(directory / ARRIVED, quick_ack=scenario.quick_ack) as sink:
            setting = Setting(
                subdirectory(directory, "system"), sink.port, scenario.receipts, scenario.size
            )
            with system_kind.make(setting) as system:
                idle_rss = system.usage().rss
                port = system.smpp_port if scenario.entrance == "smpp" else system.http_port
                warm = LoadOrder(
                    entrance=scenario.entrance,
                    dialect=system_kind.dialect,
                    port=port,
                    esmes=scenario.size.esmes(),
                    connections=max(scenario.connections, 4),
                    window=10,
                    seconds=SETTLE_S,
                    messages=warm_up,
                    receipts=scenario.receipts,
                    callbacks=scenario.callbacks,
                    recipients=scenario.recipients,
                    directory=str(subdirectory(directory, "warm-up")),
                )
                generate(warm)
                settle(sink, warm)
                before, sink_before = system.usage(), sink.counts()
                began_at, busy_before_s = time.monotonic(), machine.busy_s()
                order = LoadOrder(
                    entrance=scenario.entrance,
                    dialect=system_kind.dialect,
                    port=port,
                    esmes=scenario.size.esmes(),
                    connections=scenario.connections,
                    window=scenario.window,
                    seconds=seconds,
                    rate=scenario.rate,
                    receipts=scenario.receipts,
                    callbacks=scenario.callbacks,
                    recipients=scenario.recipients,
                    first_number=warm_up,
                    directory=str(subdirectory(directory, "measured")),
                )
                with watch(system):
                    result = generate(order)
                    settle(sink, order)
                after, sink_after = system.usage(), sink.counts()
                wall_s, busy_s = time.monotonic() - began_at, machine.busy_s() - busy_before_s
                system.check(sink_after.arrived, scenario.receipts)
                troubles = tuple(system.troubles())
        started, accepted, _ = ledgers(order)
        arrived = Ledger.load(directory / ARRIVED)
        messages = len(accepted) or 1
        parts_s = spent(before, after)
        sink_cpu_s = sink_after.cpu_s - sink_before.cpu_s
        bench_s = sum(parts_s.values()) + result.cpu_s + sink_cpu_s
        return Figures(
            scenario,
            messages=len(accepted),
            per_second=len(accepted) / elapsed_s(order, arrived),
            parts_us={name: seconds / messages * 1e6 for name, seconds in parts_s.items()},
            load_cpu_us=result.cpu_s / messages * 1e6,
            sink_cpu_us=sink_cpu_s / messages * 1e6,
            answer_ms=middle_and_tail(started, accepted),
            arrival_ms=middle_and_tail(started, arrived),
            callbacks=result.callbacks / messages,
            lag_p99_ms=result.lag_p99_ms,
            others_cores=max(0.0, busy_s - bench_s) / wall_s,
            started_in_s=system.started_in_s,
            idle_rss=idle_rss,
            rss=after.rss,
            troubles=troubles,
            audited=sum(len(ledgers(each)[1]) for each in (warm, order)),
            audit=audit_all(directory, (warm, order)),
        )


def spent(before: Usage, after: Usage) -> dict[str, float]:
    return {name: seconds - before.parts[name] for name, seconds in after.parts.items()}


def calibrate(parent: Path, seconds: float = CALIBRATION_S) -> Calibration:
    """The SMPP load generator against the sink, with receipts."""
    with tempfile.TemporaryDirectory(dir=parent, prefix="calibration-") as name:
        directory = Path(name)
        with SinkProcess(directory / ARRIVED, quick_ack=True) as sink:
            order = LoadOrder(
                entrance="smpp",
                port=sink.port,
                connections=4,
                window=50,
                seconds=seconds,
                directory=str(subdirectory(directory, "measured")),
            )
            generate(order)
            counts = sink.counts()
        arrived = Ledger.load(directory / ARRIVED)
        if not audit_all(directory, (order,)).clean:
            raise BenchError("load generator and sink lose messages between them")
        return Calibration(
            len(arrived) / elapsed_s(order, arrived), counts.cpu_s / len(arrived) * 1e6
        )


def settle(sink: SinkProcess, order: LoadOrder) -> None:
    """Until the carrier has every message and its receipts are answered, hence durable. What is
    missing after SETTLE_S shows in the audit."""
    _, accepted, _ = ledgers(order)
    expected = order.first_number + len(accepted)
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        counts = sink.counts()
        answered = counts.answered if order.receipts else expected
        if counts.arrived >= expected and answered >= expected:
            break
        time.sleep(POLL_S)
    time.sleep(FLUSH_S)


def audit_all(directory: Path, orders: tuple[LoadOrder, ...]) -> Audit:
    """Warm-up and measurement together: the sink does not tell them apart."""
    started, accepted, receipted = Ledger(), Ledger(), Ledger()
    for order in orders:
        for whole, part in zip((started, accepted, receipted), ledgers(order), strict=True):
            whole.extend(part)
    arrived = Ledger.load(directory / ARRIVED)
    return audit(started, accepted, arrived, receipted if orders[0].receipts_come else None)


def ledgers(order: LoadOrder) -> tuple[Ledger, Ledger, Ledger]:
    directory = Path(order.directory)
    return (
        Ledger.load(directory / load.STARTED),
        Ledger.load(directory / load.ACCEPTED),
        Ledger.load(directory / load.RECEIPTED),
    )


def elapsed_s(order: LoadOrder, arrived: Ledger) -> float:
    """From the first message to the last thing that happened to any."""
    started, accepted, receipted = ledgers(order)
    ends = [ledger.last_at for ledger in (accepted, arrived, receipted) if len(ledger)]
    return max(ends) - started.first_at


def middle_and_tail(begin: Ledger, end: Ledger) -> tuple[float, float]:
    spans = spans_ms(begin, end)
    return percentile(spans, 0.5), percentile(spans, 0.99)


def subdirectory(directory: Path, name: str) -> Path:
    path = directory / name
    path.mkdir()
    return path
