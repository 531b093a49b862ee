"""The figures as a table for a terminal, and as docs/reference/performance.md."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from tests.bench.scenario import Calibration, Figures

COLUMNS = (
    "scenario",
    "CPU µs",
    "loop µs",
    "messages/s",
    "submit→answer ms",
    "submit→carrier ms",
    "RSS MB",
    "generator, sink µs",
    "others",
)
READING = """\
- **CPU**: user and system time of the whole gateway process, divided by the messages of the run; \
**loop** is the share of its event loop's thread, the rest is the store's writer thread. \
**generator, sink**: what the load generator and the carrier took, which is not in the figure.
- **messages/s**: from the first submit to the last receipt. Generator, gateway and sink share the \
cores, so a closed loop shows less than the gateway could do alone. In an open loop it is the \
rate that was asked for, and a message costs more CPU: there is less to gather in one read, one \
write and one commit.
- **submit→answer** and **submit→carrier**: median / 99th percentile, from the instant at which \
the message was to be sent to its submit_sm_resp or 201, and to its arrival at the carrier. In an \
open loop that instant is fixed beforehand (no coordinated omission), and the lateness of the \
generator itself is in the figure.
- **others**: cores that processes which are not part of the bench used meanwhile. CPU figures \
hold up to some 10 %; rates and latencies do only where this is near 0.
- Durability is on: a message is flushed to the disk before it is answered, and so is every \
receipt. Four binds to two carriers, one account with 20 senders, texts of 100 characters. \
Recipients are known (each of 10,000 had a message before) unless the scenario says new.
- Each run is audited: every accepted message reached the carrier exactly once, and, over SMPP, \
every receipt came back exactly once. Otherwise `make bench` fails."""


def table(all_figures: Sequence[Figures]) -> list[list[str]]:
    """The rows under COLUMNS."""
    return [
        [
            figures.scenario.name,
            with_target(figures),
            f"{figures.loop_cpu_us:.0f}",
            f"{figures.per_second:,.0f}",
            pair(figures.answer_ms),
            pair(figures.arrival_ms),
            f"{figures.rss / 1e6:.0f}",
            f"{figures.load_cpu_us:.0f}, {figures.sink_cpu_us:.0f}",
            f"{figures.others_cores:.1f}",
        ]
        for figures in all_figures
    ]


def with_target(figures: Figures) -> str:
    """`126 (≤ 150: reached)`."""
    target_us = figures.scenario.target_us
    text = f"{figures.cpu_us:.0f}"
    if target_us is None:
        return text
    return f"{text} (≤ {target_us:.0f}: {'reached' if figures.cpu_us <= target_us else 'missed'})"


def pair(spans_ms: tuple[float, float]) -> str:
    return " / ".join(f"{span:.1f}" for span in spans_ms)


def calibration_line(calibration: Calibration, all_figures: Sequence[Figures]) -> str:
    """Whether generator and sink are fast enough for the figures to be the gateway's."""
    ratio = calibration.per_second / max(figures.per_second for figures in all_figures)
    return (
        f"Generator and sink alone: {calibration.per_second:,.0f} messages/s with receipts, "
        f"{ratio:.1f} times the gateway's best (at least 3 are wanted)"
    )


def idle_line(all_figures: Sequence[Figures]) -> str:
    starts = sorted(figures.started_in_s for figures in all_figures)
    idle_mb = sorted(figures.idle_rss / 1e6 for figures in all_figures)
    return (
        f"Start to listening with all binds up: {starts[len(starts) // 2]:.1f} s; "
        f"RSS then {idle_mb[len(idle_mb) // 2]:.0f} MB"
    )


def lag_line(all_figures: Sequence[Figures]) -> str:
    lag_ms = max(figures.lag_p99_ms for figures in all_figures)
    return f"Open loops sent at most {lag_ms:.1f} ms later than they meant to (p99)"


def audit_lines(all_figures: Sequence[Figures]) -> list[str]:
    """What went wrong, a line for each scenario; none where all is well."""
    return [
        f"{figures.scenario.name}: {figures.audit}"
        for figures in all_figures
        if not figures.audit.clean
    ]


def text_row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.ljust(width) if index == 0 else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join((first, *rest))


def text(rows: Sequence[Sequence[str]]) -> str:
    lines = [COLUMNS, *rows]
    widths = [max(len(row[index]) for row in lines) for index in range(len(COLUMNS))]
    return "\n".join(text_row(row, widths) for row in lines)


def markdown(
    all_figures: Sequence[Figures],
    calibration: Calibration,
    machine: dict[str, str],
    command: str,
    at: datetime,
) -> str:
    rows = [COLUMNS, ("---",) * len(COLUMNS), *table(all_figures)]
    return "\n".join(
        (
            "# Performance",
            "",
            f"Written by `{command}` on {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC; do not edit.",
            "",
            *(f"- **{name}**: {value}" for name, value in machine.items()),
            f"- {calibration_line(calibration, all_figures)}",
            f"- {idle_line(all_figures)}",
            f"- {lag_line(all_figures)}",
            "",
            *(f"| {' | '.join(row)} |" for row in rows),
            "",
            "## How to read it",
            "",
            READING,
            "",
        )
    )
