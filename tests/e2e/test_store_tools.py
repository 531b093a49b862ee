"""`supernet store` on the directory of a daemon, while customers send."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.process import installed, outcome
from tests.e2e.site import Site, a_site
from tests.e2e.traffic import Traffic

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(120),
]

BEFORE, MEANWHILE = 300, 50


class Store:
    """The store of a site, and what a backup of it was made of while it was in use."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.traffic = Traffic(site)
        self.acknowledged: set[str] = set()

    async def run(self, *arguments: str) -> tuple[int, list[str]]:
        """`supernet store …` with the configuration of the daemon."""
        return await self._outcome(*arguments, "--config", "gateway.toml")

    async def run_on(self, directory: str, *arguments: str) -> tuple[int, list[str]]:
        return await self._outcome(*arguments, "--directory", directory)

    async def _outcome(self, *arguments: str) -> tuple[int, list[str]]:
        return await outcome(
            installed("supernet"), "store", *arguments, directory=self.site.daemon.directory
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    """Backed up into `backup`, and restored from there into `restored`, while customers sent."""
    directory: Path = tmp_path_factory.mktemp("site")
    async with a_site(directory) as site:
        store = Store(site)
        async with store.traffic.flowing():
            await store.traffic.acknowledge(BEFORE)
            store.acknowledged = set(store.traffic.acknowledged)
            code, said = await store.run("backup", "backup")
            assert code == 0, said
            await store.traffic.acknowledge(MEANWHILE)
            yield store


async def test_a_store_in_use_is_found_whole(store: Store) -> None:
    code, said = await store.run("verify")
    assert code == 0, said
    assert said[-1].endswith("all well")


async def test_a_message_is_dumped_without_what_it_says(store: Store) -> None:
    sid = next(iter(store.acknowledged))
    code, said = await store.run("dump", "--sid", sid)
    assert (code, len(said)) == (0, 1)
    assert json.loads(said[0])["sid"] == sid
    assert "over " not in said[0]


async def test_what_was_accepted_before_the_backup_is_in_it(store: Store) -> None:
    code, said = await store.run_on("restored", "restore", "backup")
    assert code == 0, said
    code, said = await store.run_on("restored", "dump")
    assert code == 0
    assert store.acknowledged <= {json.loads(line)["sid"] for line in said}


async def test_a_store_in_use_is_not_compacted(store: Store) -> None:
    code, said = await store.run("compact")
    assert code == 1
    assert "is in use by another process" in said[0]


async def test_a_stopped_store_is_compacted_and_whole(store: Store) -> None:
    await store.site.daemon.stop()
    try:
        compacted = await store.run("compact")
        verified = await store.run("verify")
    finally:
        await store.site.daemon.start()
    assert compacted[0] == 0, compacted
    assert verified[0] == 0, verified
