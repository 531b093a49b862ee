"""Calls that are over leave nothing behind: descriptors, ports, threads and memory of the daemon
are where they were. `make leaks N=10000`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from carriers_sim.config import SimulatorConfig
from carriers_sim.simulator import Simulator
from tests.e2e.call_traffic import Media, Traffic
from tests.e2e.configuration import OTHER_LONG_CODE, OTHER_TOKEN, write_configuration
from tests.e2e.daemon import Daemon
from tests.e2e.footprint import Footprint, footprint
from tests.e2e.forked_daemon import ForkedDaemon
from tests.e2e.patience import until
from tests.media.webrtc_site import loopback

pytestmark = pytest.mark.e2e
__all__ = ["loopback"]

CALLS = int(os.environ.get("CALLS", "100"))
# A long run has as many transactions that are over as it will keep for 32 s (RFC 3261 §17.2.2), and
# its tables are full of what they remember.
WARM_UP = 120 if CALLS < 5_000 else 20_000
# For so few calls that each serves many.
PORTS = range(21_000, 22_000)
SIP = f"""
[sip]
enabled = true
port = 0

[media]
port_min = {PORTS.start}
port_max = {PORTS[-1]}
"""
CARRIER = """
[[carrier]]
id = "carrier"

[[carrier.call_route]]
prefixes = ["1"]

[[carrier.trunk]]
id = "voice"
host = "127.0.0.1"
port = {port}
cps = 10_000
"""
TRUNK = """
[[account.trunk]]
id = "pbx"
allowed_ips = ["127.0.0.1"]
cps = 10_000
"""
# Of the account that stands last in the file.
TOKEN = f'auth_token = "{OTHER_TOKEN}"'
MIB = 1 << 20
# What the allocator may keep for itself, and how much a call may while its transactions are kept.
RSS_MAX, RSS_PER_CALL_MAX = 16 * MIB, 48 << 10
# Those of a pool are started as they are wanted.
POOL_THREADS_MAX = 6


@pytest.mark.timeout(60 + CALLS)
@pytest.mark.usefixtures("loopback")
@pytest.mark.parametrize(("media", "share"), [("plain", 1), ("SDES", 1), ("WebRTC", 10)])
async def test_calls_that_are_over_leave_nothing(tmp_path: Path, media: str, share: int) -> None:
    """Of browsers there are fewer, for each call of theirs costs ten times as much."""
    async with busy_daemon(tmp_path) as daemon, Traffic() as traffic:
        before = await called(daemon, traffic, WARM_UP // share, Media(media))
        after = await called(daemon, traffic, CALLS // share, Media(media))
    assert (after.processes, after.descriptors) == (before.processes, before.descriptors)
    assert after.threads <= before.threads + POOL_THREADS_MAX
    kept = CALLS if WARM_UP < 5_000 else 0
    assert after.rss - before.rss < RSS_MAX + kept * RSS_PER_CALL_MAX, (before, after)


async def called(daemon: Daemon, traffic: Traffic, calls: int, media: Media) -> Footprint:
    """So many more calls, and what the daemon holds once all are over."""

    async def ended() -> int:
        events = daemon.events("call ended")
        return sum(event["status"] == "completed" for event in events)

    (listens,) = daemon.events("gateway listens")
    port = int(listens["sip_udp"].rpartition(":")[2])
    before = await ended()
    await traffic.run(calls, media, port, OTHER_LONG_CODE, "+12065551001")
    await until(ended, lambda count: count == before + calls)
    return footprint(daemon.pid, PORTS)


@asynccontextmanager
async def busy_daemon(directory: Path) -> AsyncIterator[Daemon]:
    """One that lets as many calls a second pass as can be made."""
    carriers = [{"name": "carrier", "behaviour": {"audio": "tone"}}]
    async with Simulator(msgspec.convert({"sip_carrier": carriers}, SimulatorConfig)) as simulator:
        entry = write_configuration(directory, {})
        port = simulator.sip_carriers["carrier"].port
        for name, text in (
            ("gateway.toml", SIP),
            ("accounts.toml", TRUNK),
            ("carriers.toml", CARRIER.format(port=port)),
        ):
            file = directory / name
            own = file.read_text().replace(TOKEN, f"{TOKEN}\ncps = 10_000")
            file.write_text(own + text)
        async with ForkedDaemon(entry) as daemon:

            async def up() -> list[dict[str, Any]]:
                return daemon.events("trunk up")

            await until(up)
            yield daemon
