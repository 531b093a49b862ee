"""One measurement: a fresh gateway between a load generator and the sink."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.bench import load, machine, traffic
from tests.bench.child_process import BenchError, SinkProcess, generate
from tests.bench.gateway_process import GatewayProcess
from tests.bench.ledger import Audit, Ledger, audit, percentile, spans_ms
from tests.bench.load import LoadOrder

SETTLE_S = 20.0
POLL_S = 0.02
CALIBRATION_S = 2.0
# The last notes of what was told are still on their way to the disk when all has settled.
FLUSH_S = 0.1
ARRIVED = "arrived"


@dataclass(frozen=True, slots=True)
class Scenario:
    """`rate` is in messages a second, 0 for a closed loop of `connections` x `window`. Recipients
    are known when each of them has had a message before. `target_us` is the CPU per message that
    the issue asks for.
    """

    name: str
    entrance: Literal["smpp", "rest"] = "smpp"
    connections: int = 1
    window: int = 1
    receipts: bool = True
    rate: float = 0.0
    recipients: Literal["known", "new"] = "known"
    target_us: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """CPU in µs a message: of the gateway's process, of its event loop's thread, and of the load
    generator and the sink, which are not in it. Times in ms, median and 99th percentile; RSS in
    bytes. `others_cores` is what the rest of the machine used meanwhile.
    """

    scenario: Scenario
    messages: int
    per_second: float
    cpu_us: float
    loop_cpu_us: float
    load_cpu_us: float
    sink_cpu_us: float
    answer_ms: tuple[float, float]
    arrival_ms: tuple[float, float]
    lag_p99_ms: float
    others_cores: float
    started_in_s: float
    idle_rss: int
    rss: int
    audit: Audit


@dataclass(frozen=True, slots=True)
class Calibration:
    """What load generator and sink do without a gateway between them."""

    per_second: float
    sink_cpu_us: float


def run(
    scenario: Scenario, seconds: float, parent: Path, warm_up: int = traffic.RECIPIENTS
) -> Figures:
    """Warm up with so many messages, measure for `seconds`, and audit both."""
    with tempfile.TemporaryDirectory(dir=parent, prefix=f"{scenario.entrance}-") as name:
        directory = Path(name)
        with (
            SinkProcess(directory / ARRIVED) as sink,
            GatewayProcess(directory, sink.port, receipts=scenario.receipts) as gateway,
        ):
            idle_rss = gateway.usage().rss
            port = gateway.smpp_port if scenario.entrance == "smpp" else gateway.rest_port
            warm = LoadOrder(
                port=port,
                connections=max(scenario.connections, 4),
                window=10,
                seconds=SETTLE_S,
                messages=warm_up,
                receipts=scenario.receipts and scenario.entrance == "smpp",
                recipients=scenario.recipients,
                directory=str(subdirectory(directory, "warm-up")),
            )
            generate(scenario.entrance, warm)
            settle(sink, warm, scenario)
            before, sink_before = gateway.usage(), sink.counts()
            began_at, busy_before_s = time.monotonic(), machine.busy_s()
            order = LoadOrder(
                port=port,
                connections=scenario.connections,
                window=scenario.window,
                seconds=seconds,
                rate=scenario.rate,
                receipts=warm.receipts,
                recipients=scenario.recipients,
                first_number=warm_up,
                directory=str(subdirectory(directory, "measured")),
            )
            result = generate(scenario.entrance, order)
            settle(sink, order, scenario)
            after, sink_after = gateway.usage(), sink.counts()
            wall_s, busy_s = time.monotonic() - began_at, machine.busy_s() - busy_before_s
            check_metrics(gateway, scenario, sink_after.arrived)
            started_in_s = gateway.started_in_s
        audited = audit_all(directory, (warm, order))
        started, accepted, _ = ledgers(order)
        arrived = Ledger.load(directory / ARRIVED)
        messages = len(accepted) or 1
        cpu_s = after.cpu_s - before.cpu_s
        sink_cpu_s = sink_after.cpu_s - sink_before.cpu_s
        return Figures(
            scenario,
            messages=len(accepted),
            per_second=len(accepted) / elapsed_s(order, arrived),
            cpu_us=cpu_s / messages * 1e6,
            loop_cpu_us=(after.loop_cpu_s - before.loop_cpu_s) / messages * 1e6,
            load_cpu_us=result.cpu_s / messages * 1e6,
            sink_cpu_us=sink_cpu_s / messages * 1e6,
            answer_ms=middle_and_tail(started, accepted),
            arrival_ms=middle_and_tail(started, arrived),
            lag_p99_ms=result.lag_p99_ms,
            others_cores=max(0.0, busy_s - cpu_s - result.cpu_s - sink_cpu_s) / wall_s,
            started_in_s=started_in_s,
            idle_rss=idle_rss,
            rss=after.rss,
            audit=audited,
        )


def calibrate(parent: Path, seconds: float = CALIBRATION_S) -> Calibration:
    """The SMPP load generator against the sink, with receipts."""
    with tempfile.TemporaryDirectory(dir=parent, prefix="calibration-") as name:
        directory = Path(name)
        with SinkProcess(directory / ARRIVED) as sink:
            order = LoadOrder(
                port=sink.port,
                connections=4,
                window=50,
                seconds=seconds,
                directory=str(subdirectory(directory, "measured")),
            )
            generate("smpp", order)
            counts = sink.counts()
        arrived = Ledger.load(directory / ARRIVED)
        if not audit_all(directory, (order,)).clean:
            raise BenchError("load generator and sink lose messages between them")
        return Calibration(
            len(arrived) / elapsed_s(order, arrived), counts.cpu_s / len(arrived) * 1e6
        )


def settle(sink: SinkProcess, order: LoadOrder, scenario: Scenario) -> None:
    """Until the carrier has every message and its receipts are answered, hence durable. What is
    missing after SETTLE_S shows in the audit."""
    _, accepted, _ = ledgers(order)
    expected = order.first_number + len(accepted)
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        counts = sink.counts()
        answered = counts.answered if scenario.receipts else expected
        if counts.arrived >= expected and answered >= expected:
            break
        time.sleep(POLL_S)
    time.sleep(FLUSH_S)


def check_metrics(gateway: GatewayProcess, scenario: Scenario, messages: int) -> None:
    """The gateway's own count is ours."""
    status = "delivered" if scenario.receipts else "sent"
    counted = gateway.metrics().get(f'supernet_message_status_total{{status="{status}"}}', 0)
    if counted != messages:
        raise BenchError(f"{messages} messages arrived, the gateway says {counted:.0f} {status}")


def audit_all(directory: Path, orders: tuple[LoadOrder, ...]) -> Audit:
    """Warm-up and measurement together: the sink does not tell them apart."""
    started, accepted, receipted = Ledger(), Ledger(), Ledger()
    for order in orders:
        for whole, part in zip((started, accepted, receipted), ledgers(order), strict=True):
            whole.extend(part)
    arrived = Ledger.load(directory / ARRIVED)
    return audit(started, accepted, arrived, receipted if orders[0].receipts else None)


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
