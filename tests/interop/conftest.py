from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.site import Site, a_site
from tests.interop.peers import NODE_SMPP, SIP_JS, PeerMissing, program
from tests.support.npm_package import NodeMissing, installed_package

# Soon, so that a foreign peer is asked whether it is alive within a test.
ENQUIRE_LINK_S = 1.0


@pytest.fixture(autouse=True)
def peers_are_here(request: pytest.FixtureRequest) -> None:
    """A module names the foreign programs that it cannot do without in `PEERS`."""
    for command in getattr(request.module, "PEERS", ()):
        try:
            program(command)
        except PeerMissing as missing:
            pytest.skip(str(missing))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Our daemon and our carriers; the customers are not ours."""
    directory: Path = tmp_path_factory.mktemp("site")
    async with a_site(directory, enquire_link_s=ENQUIRE_LINK_S) as site:
        yield site


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Where node-smpp is; without it there is nothing to test against."""
    try:
        return installed_package(NODE_SMPP)
    except NodeMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def sip_js_modules() -> Path:
    """Where SIP.js is."""
    try:
        return installed_package(SIP_JS)
    except NodeMissing as missing:
        pytest.skip(str(missing))
