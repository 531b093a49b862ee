"""Links between pages lead somewhere."""

import re
from pathlib import Path

import pytest

from tests.docs.page import FENCE, ROOT, pages

LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(?P<title>.+)$", re.M)
# What belongs to one machine has no place in a page for all.
PRIVATE = re.compile(r"/work/|/home/|/root/|/Users/|/tmp/")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return {anchor(found["title"]) for found in HEADING.finditer(text)}


def anchor(title: str) -> str:
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", pages(), ids=name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for found in LINK.finditer(FENCE.sub("", page.read_text(encoding="utf-8"))):
        target, _, fragment = found["target"].partition("#")
        if "://" in target:
            continue
        other = (page.parent / target).resolve() if target else page
        assert other.is_file(), found[0]
        assert not fragment or fragment in anchors(other), found[0]


def test_the_index_leads_to_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {
        (index.parent / found["target"].partition("#")[0]).resolve()
        for found in LINK.finditer(index.read_text(encoding="utf-8"))
    }
    assert set(index.parent.rglob("*.md")) - {index} <= linked


@pytest.mark.parametrize("page", pages(), ids=name)
def test_page_names_no_place_of_one_machine(page: Path) -> None:
    assert not PRIVATE.search(page.read_text(encoding="utf-8"))
