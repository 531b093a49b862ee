"""`python -m tests.bench`: what a message costs, and how fast messages go, in about two minutes.

Exit code 1 if a message or a receipt was lost, doubled or refused.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import machine, report
from tests.bench.child_process import ROOT, BenchError
from tests.bench.scenario import Figures, Scenario, calibrate, run

PERFORMANCE = ROOT / "docs" / "reference" / "performance.md"
SECONDS = 8.0

# The two figures first. The rate of `HALF` is found out by FASTEST.
FASTEST = Scenario("SMPP → SMPP, receipts, window 50", window=50, target_us=150)
HALF = Scenario("SMPP → SMPP, receipts, at half of that rate", connections=4)
SCENARIOS = (
    FASTEST,
    Scenario("SMPP → SMPP, receipts, window 10", window=10, target_us=150),
    Scenario("SMPP → SMPP, receipts, window 50, new recipients", window=50, recipients="new"),
    Scenario("SMPP → SMPP, no receipts, window 50", window=50, receipts=False),
    Scenario(
        "REST → SMPP, receipts, 32 connections", entrance="rest", connections=32, target_us=250
    ),
    HALF,
    Scenario("SMPP → SMPP, receipts, 100/s", connections=4, rate=100),
    Scenario("REST → SMPP, receipts, 100/s", entrance="rest", connections=32, rate=100),
)


def main() -> int:
    arguments = parser().parse_args()
    arguments.directory.mkdir(parents=True, exist_ok=True)
    scenarios = [scenario for scenario in SCENARIOS if arguments.only in scenario.name]
    if not scenarios:
        names = "\n  ".join(scenario.name for scenario in SCENARIOS)
        sys.stderr.write(f"no scenario has {arguments.only!r} in its name, which are\n  {names}\n")
        return 2
    try:
        return bench(scenarios, arguments.seconds, arguments.directory, write=arguments.write)
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1


def bench(scenarios: list[Scenario], seconds: float, directory: Path, *, write: bool) -> int:
    described = machine.describe(directory)
    for name, value in described.items():
        say(f"{name}: {value}")
    calibration = calibrate(directory)
    all_figures = []
    for figures in measure(scenarios, seconds, directory):
        all_figures.append(figures)
        say(f"  {figures.scenario.name}: {figures.messages:,} messages")
    say(report.calibration_line(calibration, all_figures))
    say(report.idle_line(all_figures))
    say(report.lag_line(all_figures))
    say(report.text(report.table(all_figures)))
    troubles = report.audit_lines(all_figures)
    for line in troubles:
        say(f"NOT AS IT SHOULD BE: {line}")
    if write:
        command = " ".join(("python -m tests.bench", *sys.argv[1:]))
        PERFORMANCE.write_text(
            report.markdown(all_figures, calibration, described, command, datetime.now(UTC))
        )
        say(f"written to {PERFORMANCE.relative_to(ROOT)}")
    return 1 if troubles else 0


def measure(scenarios: list[Scenario], seconds: float, directory: Path) -> Iterator[Figures]:
    """The scenarios in their order; without FASTEST, the half of nothing is left out."""
    fastest: Figures | None = None
    for scenario in scenarios:
        if scenario is HALF:
            if fastest is None:
                continue
            scenario = replace(scenario, rate=round(fastest.per_second / 2, -2))
        figures = run(scenario, seconds, directory)
        if scenario is FASTEST:
            fastest = figures
        yield figures


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    top.add_argument("--write", action="store_true", help=f"write {PERFORMANCE.name} as well")
    top.add_argument("--only", default="", metavar="TEXT", help="scenarios with TEXT in their name")
    top.add_argument(
        "--seconds", type=float, default=SECONDS, help=f"of each measurement, {SECONDS:g}"
    )
    top.add_argument(
        "--directory",
        type=Path,
        default=ROOT / "var" / "bench",
        help="where the gateway under test keeps its store, var/bench",
    )
    return top


if __name__ == "__main__":
    sys.exit(main())
