"""Where the CPU of a message goes: by stage, from the Python stacks that py-spy samples, and by
kind of work, from the instructions that perf samples.

Both watch the gateway from outside while a scenario is measured. py-spy comes from PyPI into an
environment of its own; without perf (Debian: linux-perf) the second table is left out.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import traffic
from tests.bench.foreign_python import environment_with
from tests.bench.gateway_process import LOOP, GatewayProcess
from tests.bench.instructions import kinds
from tests.bench.scenario import Figures, Scenario, run
from tests.bench.stages import stacks, stage_of
from tests.bench.system import System, start
from tests.interop.peers import PeerMissing

REQUIREMENT = "py-spy==0.4.3"
SAMPLES_A_SECOND = 200
INSTRUCTIONS_A_SECOND = 997
STOP_S = 30.0
MAIN_THREAD = "MainThread"
COLUMNS = ("stage", "µs a message", "share")
KIND_COLUMNS = ("kind of work", "µs a message", "share")


@dataclass(frozen=True, slots=True)
class Budget:
    """µs a message: of the event loop's thread by stage, beside each other thread; and of the whole
    process by kind of work, empty without perf."""

    figures: Figures
    stages: Mapping[str, float]
    kinds: Mapping[str, float]


def measure(scenario: Scenario, seconds: float, directory: Path) -> Budget:
    """Measure a scenario of ours and watch it.

    Raises:
        PeerMissing: py-spy cannot be had here.
    """
    py_spy = environment_with(REQUIREMENT) / "bin" / "py-spy"
    python_samples, perf_samples = directory / "stacks", directory / "instructions"

    @contextmanager
    def watch(system: System) -> Iterator[None]:
        assert isinstance(system, GatewayProcess)
        pid = str(system.pid)
        watchers = [
            start(
                [
                    *(str(py_spy), "record", "-p", pid, "--threads", "-f", "raw"),
                    *("-r", str(SAMPLES_A_SECOND), "-o", str(python_samples)),
                ],
                directory,
                directory / "py-spy.log",
            )
        ]
        if perf := shutil.which("perf"):
            watchers.append(
                start(
                    [
                        *(perf, "record", "-q", "-F", str(INSTRUCTIONS_A_SECOND), "-p", pid),
                        *("-o", str(perf_samples)),
                    ],
                    directory,
                    directory / "perf.log",
                )
            )
        try:
            yield
        finally:
            for watcher in watchers:
                watcher.send_signal(signal.SIGINT)
            for watcher in watchers:
                watcher.wait(STOP_S)

    figures = run(scenario, seconds, directory, traffic.RECIPIENTS, watch)
    if not python_samples.exists():
        said = (directory / "py-spy.log").read_text().strip()
        raise PeerMissing(f"py-spy cannot watch the gateway here: {said}")
    return Budget(figures, by_stage(figures, python_samples), by_kind(figures, perf_samples))


def by_stage(figures: Figures, samples: Path) -> dict[str, float]:
    """Samples of the loop's thread share its CPU; of other threads only the sum is known."""
    counts: Counter[str] = Counter()
    with samples.open(encoding="utf-8") as lines:
        for stack in stacks(lines):
            if MAIN_THREAD in stack.thread:
                counts[stage_of(stack.frames)] += stack.samples
    of_loop = shares(counts, figures.parts_us[LOOP])
    rest = {name: part for name, part in figures.parts_us.items() if name != LOOP}
    return of_loop | rest


def by_kind(figures: Figures, samples: Path) -> dict[str, float]:
    if not samples.exists():
        return {}
    report = subprocess.run(
        [
            *("perf", "report", "-i", str(samples), "--stdio", "--sort", "dso,symbol"),
            *("-F", "sample,dso,symbol", "-t", "|"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return shares(kinds(report.stdout.splitlines()), figures.cpu_us)


def shares(counts: Mapping[str, int], whole_us: float) -> dict[str, float]:
    """The largest first."""
    total = sum(counts.values()) or 1
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return {name: whole_us * count / total for name, count in ordered}


def rows(parts_us: Mapping[str, float]) -> list[list[str]]:
    whole = sum(parts_us.values()) or 1.0
    return [
        *([name, f"{part:.1f}", f"{part / whole:.0%}"] for name, part in parts_us.items()),
        ["together", f"{whole:.1f}", ""],
    ]


def tables(measured: Budget) -> Sequence[tuple[Sequence[str], list[list[str]]]]:
    """With their columns."""
    found = [(COLUMNS, rows(measured.stages))]
    if measured.kinds:
        found.append((KIND_COLUMNS, rows(measured.kinds)))
    return found
