"""kill -9 while calls stand: each has its record after the restart, and its ports are free."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from gateway.sip.leg_events import Answered, Ended, Provisional
from tests.e2e.configuration import OTHER_LONG_CODE
from tests.e2e.daemon import Daemon
from tests.e2e.patience import until
from tests.e2e.telephony import Telephony, telephony, trunks_up
from tests.interop.free_port import free_udp_block

pytestmark = pytest.mark.e2e

CALLED = "+12065551001"
TALKING = 2
# RTP and RTCP on both sides: just enough for those and one that rings.
PORTS = 4 * (TALKING + 1)


async def test_calls_that_a_kill_cuts_off_are_recorded_and_give_back_their_ports(
    tmp_path: Path,
) -> None:
    least = free_udp_block(PORTS)
    ports = {"port_min": least, "port_max": least + PORTS - 1}
    async with telephony(tmp_path, media=ports) as site:
        await fill_the_ports(site)
        before = Counter(call["status"] for call in await site.records())
        await committed(site.daemon)
        await site.daemon.kill()
        await site.daemon.start()
        cut_off = await site.ended_calls(TALKING + 1)
        after = Counter(call["status"] for call in await site.records())
        await trunks_up(site.daemon)
        await fill_the_ports(site)

    assert before == {"in-progress": TALKING, "ringing": 1, "failed": 1}
    assert Counter(event["status"] for event in cut_off) == {"completed": TALKING, "failed": 1}
    assert after == {"completed": TALKING, "failed": 2}


async def fill_the_ports(site: Telephony) -> None:
    """Some talk, one rings, and one more has no place."""
    site.all_ring(0.0)
    for _ in range(TALKING):
        site.pbx.call(site.port, OTHER_LONG_CODE, CALLED)
        await site.pbx.hears(Provisional)
        await site.pbx.hears(Answered)
    site.all_ring(600.0)
    site.pbx.call(site.port, OTHER_LONG_CODE, CALLED)
    await site.pbx.hears(Provisional)
    site.pbx.call(site.port, OTHER_LONG_CODE, CALLED)
    assert (await site.pbx.hears(Ended)).status == 503


async def committed(daemon: Daemon) -> None:
    """Until nothing of calls waits for its commit."""

    async def waiting() -> str:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{daemon.admin}/metrics") as answer,
        ):
            return await answer.text()

    await until(waiting, lambda text: "supernet_call_facts_uncommitted 0" in text)
