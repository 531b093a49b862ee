"""The programs in the pages run, against a real daemon and simulated carriers."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from carriers_sim.violations import Invariant
from tests.docs.page import DOCS, ROOT, snippets
from tests.e2e.process import outcome
from tests.e2e.site import Site, a_site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

REST, SMPP_PORT = "http://127.0.0.1:8080", "2775"
PAGES = (
    ROOT / "README.md",
    DOCS / "tutorial" / "first-message.md",
    DOCS / "how-to" / "send-with-the-twilio-sdk.md",
    DOCS / "how-to" / "connect-an-esme.md",
    DOCS / "how-to" / "explain-a-route.md",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """The demo's account, on ports of our own."""
    directory: Path = tmp_path_factory.mktemp("site")
    async with a_site(directory) as site:
        yield site
        # Several pages send the same words to the same number.
        site.carriers.forgive(Invariant.DUPLICATE)


def programs() -> list[Any]:
    return [
        pytest.param(program, id=f"{page.stem}-{number}")
        for page in PAGES
        for number, program in enumerate(snippets(page, "python"))
    ]


@pytest.mark.parametrize("program", programs())
async def test_program_of_a_page_runs(site: Site, program: str, tmp_path: Path) -> None:
    here = program.replace(REST, site.daemon.rest).replace(SMPP_PORT, str(site.daemon.smpp_port))

    code, said = await outcome(sys.executable, "-c", here, directory=tmp_path)

    assert code == 0, said
    assert any("SM" in line for line in said)
