"""The disk is full: new messages are refused, nothing accepted is lost, and then it goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from tests.e2e.kill_loop import all_stored, flaws, settled
from tests.e2e.kill_loop_audit import Evidence, audit
from tests.e2e.kill_loop_customers import Crowd, Customers
from tests.e2e.kill_loop_ledger import Ledger
from tests.e2e.kill_loop_run import FOR_THE_AUDIT
from tests.e2e.kill_loop_web_server import WebServer
from tests.e2e.patience import until
from tests.e2e.process import PATIENCE_S
from tests.e2e.site import CARRIERS, Site, a_site
from tests.store.small_disk import SmallDisk, small_disk

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

MEGABYTES = 64
GUARD_BYTES = 16 << 20
WINDOW = 10
IN_FLIGHT_S = 5.0
REFUSALS = {"HTTP 503 20503", "ESME_RSYSERR"}


@dataclass(frozen=True)
class Scene:
    site: Site
    disk: SmallDisk
    customers: Customers
    ledger: Ledger
    kills: list[float]

    async def refused(self) -> None:
        """Until customers of either way in hear that nothing is accepted."""
        await self._until(lambda: self.ledger.refusals.keys() >= REFUSALS)

    async def accepting(self) -> None:
        """Until messages are accepted again."""
        async with asyncio.timeout(PATIENCE_S):
            await self.customers.acknowledge(100)

    async def kill(self) -> None:
        self.kills.append(time.time())
        await self.site.daemon.kill()

    async def _until(self, holds: Callable[[], bool]) -> None:
        async def ask() -> bool:
            return holds()

        await until(ask)


@asynccontextmanager
async def a_scene(directory: Path, free_bytes_min: int) -> AsyncIterator[Scene]:
    """Customers at work; once the context is left, everything is settled and audited."""
    ledger = Ledger()
    customers: Customers
    with small_disk(directory / "store", MEGABYTES) as disk:
        async with (
            WebServer(ledger, lambda sid, status: customers.over(sid, status)) as web_server,
            a_site(directory, window=WINDOW, store={"free_bytes_min": free_bytes_min}) as site,
        ):
            customers = Customers(
                site.daemon,
                ledger,
                site.recipient,
                lambda: f"{web_server.url}/status",
                Random(4),
                Crowd(keys=False),
            )
            scene = Scene(site, disk, customers, ledger, [])
            async with customers.present():
                async with asyncio.timeout(PATIENCE_S):
                    await customers.acknowledge(100)
                yield scene
                customers.stop_asking()
                assert await settled(site.daemon, ledger, PATIENCE_S)
            evidence = Evidence(
                ledger,
                site.carriers.recorder.messages,
                await all_stored(site.rest),
                scene.kills,
                window=len(CARRIERS) * WINDOW,
                in_flight_s=IN_FLIGHT_S,
            )
            assert await site.daemon.stop() == 0
            if scene.kills:
                site.carriers.forgive(*FOR_THE_AUDIT)
            assert await flaws(disk.path) == []
    verdict = audit(evidence)
    assert not verdict.broken, str(verdict)
    assert verdict.figures["delivered"] == verdict.figures["accepted"], str(verdict)


async def test_below_the_floor_nothing_is_accepted_until_there_is_space(tmp_path: Path) -> None:
    async with a_scene(tmp_path, GUARD_BYTES) as scene:
        scene.disk.fill(leave=GUARD_BYTES - (1 << 20))
        await scene.refused()
        assert not scene.site.daemon.events("store failed")

        scene.disk.empty()

        await scene.accepting()


async def test_without_a_floor_a_full_disk_refuses_until_there_is_space(tmp_path: Path) -> None:
    async with a_scene(tmp_path, 0) as scene:
        scene.disk.fill()
        await scene.refused()
        assert scene.site.daemon.events("store failed")

        scene.disk.empty()

        await scene.accepting()


async def test_a_gateway_killed_on_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """Whether it can start there or not."""
    async with a_scene(tmp_path, 0) as scene:
        daemon = scene.site.daemon
        scene.disk.fill()
        await scene.refused()
        await scene.kill()
        with suppress(AssertionError):
            await daemon.start()
        await scene.kill()

        scene.disk.empty()
        await daemon.start()

        await scene.accepting()
