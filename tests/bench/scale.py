"""`python -m tests.bench.scale`: what a message costs as the gateway grows, in accounts, in binds
and in messages that wait. Nothing should slow with size.

Five minutes, most of them to fill the store with millions of messages and to start with them; 4 GB
of disk.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import comparison, machine, page, report, works
from tests.bench.bar_chart import Bar, bar_chart
from tests.bench.child_process import ROOT
from tests.bench.gateway_files import ORDINARY, SENDING_MAX, GatewaySize
from tests.bench.scenario import Figures, run
from tests.bench.system import BenchError, end_like_ctrl_c

SECONDS = 5.0
PLOT = page.PAGE.with_name("performance-scale.svg")
COLUMNS = (
    "size",
    "CPU µs",
    "of the smallest",
    "messages/s",
    "start s",
    "RSS at start MB",
    "RSS MB",
)
TARGET_COLUMNS = ("target", "measured", "")
WORK = replace(works.SMPP_RECEIPTS, connections=SENDING_MAX, window=5)
# What the issue asks for: of so many waiting, and of cost that stays flat within the noise.
WAITING_LIMIT = 1_440_000
WAITING_LIMIT_MB = 300.0
FLAT = 1.1
READING = f"""\
- The work is SMPP → SMPP with receipts, {SENDING_MAX} connections with 5 messages under way \
each.
- **Accounts** have one sender and one ESME each; {SENDING_MAX} of them, evenly spread, send.
- **Binds** are all up, to one sink. "All of them" can take any message, and each message is \
ranked over all; otherwise a destination has four, as redundant routes are.
- **Waiting** messages were accepted for a carrier that is down. They are written into the store \
directly, as a killed daemon leaves them, before the start: the start reads them.
- **Start** is from the process to listening with all binds up. **RSS** is at that moment, and \
after the run."""


@dataclass(frozen=True, slots=True)
class Step:
    """One size, under its name, within a kind of growth."""

    kind: str
    name: str
    size: GatewaySize


STEPS = (
    *(
        Step("accounts", f"{count:,} accounts", replace(ORDINARY, accounts=count))
        for count in (10, 1_000, 100_000)
    ),
    *(
        Step("binds", f"{count:,} binds, 4 a destination", GatewaySize(binds=count, narrow=True))
        for count in (4, 100, 1_000)
    ),
    *(
        Step("candidates", f"{count:,} binds, all of them", replace(ORDINARY, binds=count))
        for count in (1, 100, 1_000)
    ),
    *(
        Step("waiting", f"{count:,} waiting", replace(ORDINARY, waiting=count))
        for count in (0, WAITING_LIMIT, 5_000_000)
    ),
)


def main() -> int:
    arguments = parser().parse_args()
    end_like_ctrl_c()
    arguments.directory.mkdir(parents=True, exist_ok=True)
    described = machine.describe(arguments.directory)
    measured: list[tuple[Step, Figures]] = []
    try:
        for step in STEPS:
            if arguments.only in step.name:
                progress(f"{step.name} …")
                scenario = replace(WORK, work=step.name, size=step.size)
                figures = run(scenario, arguments.seconds, arguments.directory)
                progress(f"{step.name}: {figures.cpu_us:,.0f} µs, {comparison.losses(figures)}")
                measured.append((step, figures))
    except BenchError as error:
        progress(f"bench: {error}")
        return 1
    except KeyboardInterrupt:
        progress("bench: interrupted, and all that it started has ended")
        return 130
    rows, targets = table(measured), targets_table(measured)
    sys.stdout.write(f"{page.text_table(COLUMNS, rows)}\n\n")
    sys.stdout.write(f"{page.text_table(TARGET_COLUMNS, targets)}\n")
    if arguments.write and measured:
        PLOT.write_text(plot(measured), encoding="utf-8")
        page.write("bench-scale", text(described, rows, targets))
    troubles = report.audit_lines([figures for _, figures in measured])
    for line in troubles:
        sys.stdout.write(f"NOT AS IT SHOULD BE: {line}\n")
    return 1 if troubles else 0


def table(measured: Sequence[tuple[Step, Figures]]) -> list[list[str]]:
    """The rows under COLUMNS; the ratio is to the first of a kind."""
    smallest: dict[str, float] = {}
    return [
        [
            step.name,
            f"{figures.cpu_us:,.0f}",
            f"{figures.cpu_us / smallest.setdefault(step.kind, figures.cpu_us):.2f}",
            f"{figures.per_second:,.0f}",
            f"{figures.started_in_s:.1f}",
            f"{figures.idle_rss / 1e6:,.0f}",
            f"{figures.rss / 1e6:,.0f}",
        ]
        for step, figures in measured
    ]


def targets_table(measured: Sequence[tuple[Step, Figures]]) -> list[list[str]]:
    """The rows under TARGET_COLUMNS: RSS, and the largest of each kind against its smallest."""
    rows = []
    of_kind: dict[str, list[Figures]] = {}
    for step, figures in measured:
        of_kind.setdefault(step.kind, []).append(figures)
        if step.size.waiting == WAITING_LIMIT:
            rss_mb = max(figures.idle_rss, figures.rss) / 1e6
            rows.append(
                [
                    f"{step.name}, RSS: ≤ {WAITING_LIMIT_MB:.0f} MB",
                    f"{rss_mb:.0f} MB",
                    comparison.verdict(rss_mb, WAITING_LIMIT_MB),
                ]
            )
    for kind, of_this in of_kind.items():
        ratio = max(figures.cpu_us for figures in of_this) / of_this[0].cpu_us
        if len(of_this) > 1:
            text = f"cost by {kind}, against the smallest: ≤ {FLAT}"
            rows.append([text, f"{ratio:.2f}", comparison.verdict(ratio, FLAT)])
    return rows


def plot(measured: Sequence[tuple[Step, Figures]]) -> str:
    groups: dict[str, list[Bar]] = {}
    for step, figures in measured:
        groups.setdefault(step.kind, []).append(Bar(step.name, figures.cpu_us))
    return bar_chart("CPU of a message, as the gateway grows", "µs", groups)


def text(
    described: dict[str, str], rows: Sequence[Sequence[str]], targets: Sequence[Sequence[str]]
) -> str:
    """The part of the page."""
    command = " ".join(("python -m tests.bench.scale", *sys.argv[1:]))
    return "\n".join(
        (
            "## As it grows",
            "",
            *page.heading(command, described, datetime.now(UTC)),
            "",
            *page.markdown_table(COLUMNS, rows),
            "",
            *page.markdown_table(TARGET_COLUMNS, targets),
            "",
            f"![CPU of a message, by size]({PLOT.name})",
            "",
            READING,
        )
    )


def progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    top.add_argument("--write", action="store_true", help=f"write {page.PAGE.name} as well")
    top.add_argument("--only", default="", metavar="TEXT", help="sizes with TEXT in their name")
    top.add_argument(
        "--seconds", type=float, default=SECONDS, help=f"of each measurement, {SECONDS:g}"
    )
    top.add_argument(
        "--directory",
        type=Path,
        default=ROOT / "var" / "bench",
        help="where the gateway keeps its data, var/bench",
    )
    return top


if __name__ == "__main__":
    sys.exit(main())
