"""`python -m tests.bench`: what a message costs, how fast messages go and how late they come, ours
and the peers' in one run, in about ten minutes.

Exit code 1 if a message or a receipt of ours was lost, doubled or refused.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import budget, comparison, machine, page, report, works
from tests.bench.bar_chart import Bar, bar_chart
from tests.bench.child_process import ROOT
from tests.bench.comparison import TARGETS, Results
from tests.bench.scenario import Calibration, Figures, Scenario, calibrate, run
from tests.bench.system import BenchError, end_like_ctrl_c
from tests.bench.systems import OURS
from tests.interop.peers import PeerMissing

SECONDS = 8.0
EXPLANATION = ROOT / "docs" / "explanation" / "performance.md"
PLOT = page.PAGE.with_name("performance-cpu.svg")
TARGET_COLUMNS = ("target", "measured", "")


def main() -> int:
    arguments = parser().parse_args()
    end_like_ctrl_c()
    arguments.directory.mkdir(parents=True, exist_ok=True)
    scenarios = works.chosen(arguments.only)
    if not scenarios:
        names = "\n  ".join(scenario.name for scenario in works.SCENARIOS)
        sys.stderr.write(f"no scenario has that in its name; there are\n  {names}\n")
        return 2
    try:
        if arguments.profile:
            return show_budget(arguments)
        return bench(scenarios, arguments.seconds, arguments.directory, write=arguments.write)
    except (BenchError, PeerMissing) as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("bench: interrupted, and all that it started has ended\n")
        return 130


def bench(scenarios: list[Scenario], seconds: float, directory: Path, *, write: bool) -> int:
    described = machine.describe(directory)
    calibration = calibrate(directory)
    results = Results()
    for figures in measure(scenarios, seconds, directory, results):
        results.figures.append(figures)
        progress(
            f"{figures.scenario.name}: {figures.cpu_us:,.0f} µs, {figures.messages:,} messages, "
            f"losses: {comparison.losses(figures)}"
        )
    if not results.figures:
        progress("none of these systems is here")
        return 1
    tables = (
        (comparison.COLUMNS, comparison.comparison(results)),
        (TARGET_COLUMNS, [target.row(results) for target in TARGETS]),
        (report.COLUMNS, report.table(results.figures)),
    )
    facts = facts_of(described, calibration, results)
    say("\n".join(f"{name}: {value}" for name, value in facts.items()))
    for columns, rows in tables:
        say(f"\n{page.text_table(columns, rows)}")
    troubles = report.audit_lines(results.figures)
    for line in troubles:
        say(f"NOT AS IT SHOULD BE: {line}")
    if write:
        PLOT.write_text(plot(results.figures), encoding="utf-8")
        page.write("bench", text(facts, *tables))
        say(f"written to {page.PAGE.relative_to(ROOT)}")
    return 1 if troubles else 0


def measure(
    scenarios: Sequence[Scenario], seconds: float, directory: Path, results: Results
) -> Iterator[Figures]:
    """The scenarios in their order; those of a peer that is not here are left out, and the half of
    nothing too."""
    for scenario in scenarios:
        if scenario.work == works.HALF.work:
            fastest = results.of(works.SMPP_RECEIPTS)
            if fastest is None:
                continue
            scenario = replace(scenario, rate=round(fastest.per_second / 2, -2) or 1.0)
        if scenario.system in results.missing:
            continue
        progress(f"{scenario.name} …")
        try:
            yield run(scenario, seconds, directory)
        except PeerMissing as reason:
            results.missing[scenario.system] = str(reason)
            progress(f"{scenario.system} is not here: {reason}")


def show_budget(arguments: argparse.Namespace) -> int:
    """Where the CPU goes, of the first scenario of ours with that in its name."""
    named = (
        scenario
        for scenario in works.chosen([arguments.profile])
        if scenario.system == OURS and scenario.work != works.HALF.work
    )
    scenario = next(named, None)
    if scenario is None:
        raise BenchError(f"no scenario of ours has {arguments.profile!r} in its name")
    described = machine.describe(arguments.directory)
    with TemporaryDirectory(dir=arguments.directory) as directory:
        measured = budget.measure(scenario, arguments.seconds, Path(directory))
    figures = measured.figures
    say(f"{scenario.name}: {figures.cpu_us:.0f} µs a message, {figures.messages:,} messages")
    parts = []
    for columns, rows in budget.tables(measured):
        say(f"\n{page.text_table(columns, rows)}")
        parts += ["", *page.markdown_table(columns, rows)]
    if arguments.write:
        facts = described | {"Scenario": scenario.name, "Messages": f"{figures.messages:,}"}
        heading = page.heading(command(), facts, datetime.now(UTC))
        page.write("budget", "\n".join((*heading, *parts)), EXPLANATION)
    return 0 if figures.audit.clean else 1


def facts_of(
    described: dict[str, str], calibration: Calibration, results: Results
) -> dict[str, str]:
    return (
        described
        | report.calibration_lines(calibration, results.figures)
        | {
            "Idle": report.idle_line(results.figures),
            "Open loops": report.lag_line(results.figures),
        }
    )


Table = tuple[Sequence[str], Sequence[Sequence[str]]]


def text(facts: dict[str, str], ratios: Table, targets: Table, raw: Table) -> str:
    """The part of the page."""
    return "\n".join(
        (
            *page.heading(command(), facts, datetime.now(UTC)),
            "",
            "## Against the peers",
            "",
            *page.markdown_table(*ratios),
            "",
            f"![CPU of a message]({PLOT.name})",
            "",
            "## Targets",
            "",
            *page.markdown_table(*targets),
            "",
            "## All figures",
            "",
            *page.markdown_table(*raw),
            "",
            "## How to read it",
            "",
            report.READING,
        )
    )


def plot(all_figures: Sequence[Figures]) -> str:
    """The works that more than one system has done."""
    groups: dict[str, list[Bar]] = {}
    for figures in all_figures:
        name = figures.scenario.name.removeprefix(f"{figures.scenario.work}: ")
        groups.setdefault(figures.scenario.work, []).append(Bar(name, figures.cpu_us))
    compared = {work: bars for work, bars in groups.items() if len(bars) > 1}
    return bar_chart("CPU of a message", "µs", compared or groups)


def command() -> str:
    return " ".join(("python -m tests.bench", *(shlex.quote(word) for word in sys.argv[1:])))


def progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    top.add_argument("--write", action="store_true", help=f"write {page.PAGE.name} as well")
    top.add_argument(
        "--profile",
        default="",
        metavar="TEXT",
        help="instead: where the CPU of our scenario with TEXT in its name goes",
    )
    top.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="TEXT",
        help="scenarios with TEXT in their name, such as Kannel; may be given again",
    )
    top.add_argument(
        "--seconds", type=float, default=SECONDS, help=f"of each measurement, {SECONDS:g}"
    )
    top.add_argument(
        "--directory",
        type=Path,
        default=ROOT / "var" / "bench",
        help="where the systems under test keep their data, var/bench",
    )
    return top


if __name__ == "__main__":
    sys.exit(main())
