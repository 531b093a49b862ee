"""What is generated from the code is current. `make docs` brings it up to date."""

from pathlib import Path

import pytest

from tests.docs.generated import GENERATED
from tests.docs.page import ROOT, blocks, pages

PLACES = {block: page for page in pages() for block in blocks(page.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("block", GENERATED)
def test_block_is_current(block: str) -> None:
    page: Path = PLACES[block]
    written = blocks(page.read_text(encoding="utf-8"))[block]
    # By words: other versions of Python break the lines of a help text elsewhere.
    stale = f"{page.relative_to(ROOT)} is out of date: run `make docs`"
    assert written.split() == GENERATED[block]().split(), stale


def test_every_block_of_the_pages_is_generated() -> None:
    assert set(PLACES) == set(GENERATED)
