from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from carriers_sim.violations import Invariant
from tests.e2e.site import Site, a_site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """One for all tests of a file; each of them has recipients of its own."""
    directory: Path = tmp_path_factory.mktemp("site")
    async with a_site(directory) as site:
        yield site


@pytest.fixture(autouse=True)
def nothing_is_violated(request: pytest.FixtureRequest) -> Iterator[None]:
    """The carriers saw nothing wrong. A test that provokes something on purpose says
    `site.carriers.forgive(Invariant.…)`.
    """
    yield
    if "site" in request.fixturenames:
        site: Site = request.getfixturevalue("site")
        violations = site.carriers.violations
        site.carriers.forgive(*Invariant)  # The next test is not to blame.
        assert violations == []
