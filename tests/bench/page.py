"""docs/reference/performance.md: tables and plots, each run in a part of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.child_process import ROOT

PAGE = ROOT / "docs" / "reference" / "performance.md"
EMPTY = """\
# Performance

The tables are written by `make bench`, `make bench-scale`, `make bench-sip` and `make bench-media`;
where the time goes is told in [its explanation](../explanation/performance.md).

<!-- bench: begin -->
<!-- bench: end -->

<!-- bench-scale: begin -->
<!-- bench-scale: end -->

<!-- bench-sip: begin -->
<!-- bench-sip: end -->

<!-- bench-media: begin -->
<!-- bench-media: end -->
"""


def write(part: str, text: str, page: Path = PAGE) -> None:
    """Put the text between the marks of a part, and leave the others as they are."""
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    now = page.read_text(encoding="utf-8") if page.exists() else ""
    before, _, rest = (now if begin in now else EMPTY).partition(begin)
    after = rest.partition(end)[2]
    page.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}", encoding="utf-8")


def heading(command: str, machine: Mapping[str, str], at: datetime) -> list[str]:
    """When, where and of what."""
    return [
        f"Written by `{command}` on {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC; do not edit.",
        "",
        *(f"- **{name}**: {value}" for name, value in machine.items()),
    ]


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [columns, ("---",) * len(columns), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def text_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """For a terminal."""
    lines = [columns, *rows]
    widths = [max(len(row[index]) for row in lines) for index in range(len(columns))]
    return "\n".join(_text_row(row, widths) for row in lines)


def _text_row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.ljust(width) if index == 0 else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join((first, *rest))
