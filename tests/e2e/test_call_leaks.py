"""Calls that are over leave nothing behind: descriptors, ports, threads and memory of the daemon
are where they were. `make leaks N=10000`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from carriers_sim.config import SimulatorConfig
from carriers_sim.simulator import Simulator
from tests.e2e.call_tables import add_tables, carrier_table, pbx_table, sip_tables
from tests.e2e.call_traffic import Media, Traffic
from tests.e2e.configuration import OTHER_LONG_CODE, OTHER_TOKEN, Keys, toml, write_configuration
from tests.e2e.daemon import Daemon
from tests.e2e.footprint import Footprint, footprint
from tests.e2e.forked_daemon import ForkedDaemon
from tests.e2e.patience import until
from tests.media.webrtc_site import loopback

pytestmark = pytest.mark.e2e
__all__ = ["loopback"]

CALLS = int(os.environ.get("CALLS", "100"))
# For calls of one kind; those that are not made by then are left out.
MINUTES = float(os.environ.get("MINUTES", "30"))
# A long run begins with as many calls as the daemon's tables remember, plain ones, for they are the
# cheapest; so what a call leaves in them does not hide what it leaves behind.
IS_LONG = CALLS >= 5_000
REMEMBERED = 20_000 if IS_LONG else 120
# Of its own kind before it is measured: what is made for the first of them stays.
WARM_UP = 100 if IS_LONG else 12
# A long run tells how it goes.
STEPS = 10 if IS_LONG else 1
# For so few calls that each serves many.
PORTS = range(21_000, 22_000)
MANY: Keys = {"cps": 10_000}
# Of the account that stands last in the file.
TOKEN = f'auth_token = "{OTHER_TOKEN}"'
MIB = 1 << 20
# What the allocator may keep for itself, and how much a call may while its transactions are kept.
RSS_MAX, RSS_PER_CALL_MAX = 16 * MIB, 48 << 10
# Those of a pool are started as they are wanted.
POOL_THREADS_MAX = 6


@dataclass(frozen=True)
class Line:
    """Those who call, and the daemon between them."""

    daemon: Daemon
    traffic: Traffic

    async def calls(self, count: int, media: Media) -> Footprint:
        """So many more, and what the daemon holds once all are over."""
        (listens,) = self.daemon.events("gateway listens")
        port = int(listens["sip_udp"].rpartition(":")[2])
        before = len(self.daemon.said)
        await self.traffic.run(count, media, port, OTHER_LONG_CODE, "+12065551001")

        async def ended() -> int:
            said = self.daemon.said[before:]
            return sum('"call ended"' in one and '"completed"' in one for one in said)

        await until(ended, lambda found: found == count)
        return footprint(self.daemon.pid, PORTS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Line]:
    """One that has had calls before."""
    async with busy_daemon(tmp_path_factory.mktemp("gateway")) as daemon, Traffic() as traffic:
        made = Line(daemon, traffic)
        await made.calls(REMEMBERED, Media.PLAIN)
        yield made


@pytest.mark.timeout(120 + CALLS)
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.usefixtures("loopback")
@pytest.mark.parametrize("media", Media)
async def test_calls_that_are_over_leave_nothing(
    line: Line, media: Media, capsys: pytest.CaptureFixture[str]
) -> None:
    # Of browsers fewer, where there is little time: each call of theirs costs ten times as much.
    count = CALLS if IS_LONG or media is not Media.WEBRTC else CALLS // 10
    before = after = await line.calls(WARM_UP, media)
    say(f"{media}: {before}", capsys)
    made, began = 0, time.monotonic()
    while made < count and time.monotonic() - began < MINUTES * 60:
        step = min(count // STEPS, count - made)
        after = await line.calls(step, media)
        made += step
        say(f"{media}: {made} calls in {time.monotonic() - began:.0f} s: {after}", capsys)

    async def descriptors() -> int:
        """Asked again where a socket has come or gone between the two looks of it."""
        return footprint(line.daemon.pid, PORTS).descriptors

    assert after.processes == before.processes
    await until(descriptors, lambda found: found <= before.descriptors)
    assert after.threads <= before.threads + POOL_THREADS_MAX
    kept = 0 if IS_LONG else made
    assert after.rss - before.rss < RSS_MAX + kept * RSS_PER_CALL_MAX, (before, after)


def say(progress: str, capsys: pytest.CaptureFixture[str]) -> None:
    """To who has asked for so many calls."""
    if "CALLS" in os.environ:
        with capsys.disabled():
            sys.stdout.write(f"{progress}\n")
            sys.stdout.flush()


@asynccontextmanager
async def busy_daemon(directory: Path) -> AsyncIterator[Daemon]:
    """One that lets as many calls a second pass as can be made."""
    carriers = [{"name": "carrier", "behaviour": {"audio": "tone"}}]
    async with Simulator(msgspec.convert({"sip_carrier": carriers}, SimulatorConfig)) as simulator:
        entry = write_configuration(directory, {})
        port = simulator.sip_carriers["carrier"].port
        add_tables(
            entry,
            sip_tables(media={"port_min": PORTS.start, "port_max": PORTS[-1]}),
            pbx_table(MANY),
            carrier_table("carrier", port, trunk=MANY),
        )
        accounts = entry.with_name("accounts.toml")
        accounts.write_text(accounts.read_text().replace(TOKEN, f"{TOKEN}\n{toml(MANY)}"))
        async with ForkedDaemon(entry) as daemon:

            async def up() -> list[dict[str, Any]]:
                return daemon.events("trunk up")

            await until(up)
            yield daemon
