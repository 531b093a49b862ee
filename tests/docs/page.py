"""Pages of the documentation, and the blocks of them that are generated from the code.

A block stands between two comments, so that prose written by hand can stand around it:

    <!-- generated: metrics -->
    …
    <!-- end -->
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

BLOCK = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n)(?P<text>.*?)(<!-- end -->)", re.S)
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.M | re.S)


def pages() -> list[Path]:
    """Every page that we write, by its place."""
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]


def blocks(text: str) -> dict[str, str]:
    """The generated blocks of a page, by name."""
    return {found["name"]: found["text"] for found in BLOCK.finditer(text)}


def with_blocks(text: str, generated: Mapping[str, str]) -> str:
    """The page with its blocks as they are generated now.

    Raises:
        KeyError: the page has a block that nothing generates.
    """
    return BLOCK.sub(lambda found: found[1] + generated[found["name"]] + found[4], text)


def snippets(page: Path, language: str) -> list[str]:
    """The fenced code of a page in one language."""
    text = page.read_text(encoding="utf-8")
    return [found["code"] for found in FENCE.finditer(text) if found["language"] == language]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, with a blank line on both sides of it."""
    lines = [_row(head), _row(["---"] * len(head)), *map(_row, rows)]
    return "\n" + "\n".join(lines) + "\n\n"


def code(text: object) -> str:
    return f"`{text}`"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
