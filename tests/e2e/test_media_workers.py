"""The processes that relay media: one that dies costs its own calls only, and none outlives us."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.sip.leg_events import Answered, Ended
from gateway.sip.outgoing_leg import OutgoingLeg
from media import sdp
from tests.e2e.configuration import OTHER_LONG_CODE
from tests.e2e.patience import until
from tests.e2e.telephony import Telephony, telephony
from tests.media.packets import packet
from tests.media.udp_end import UdpEnd

pytestmark = pytest.mark.e2e

CALLED = "+12065551001"
TWO = {"workers": 2}


async def test_worker_that_is_killed_costs_its_own_calls_only(tmp_path: Path) -> None:
    async with telephony(tmp_path, media=TWO) as site:
        legs = [await talk(site) for _ in range(2)]
        worker, other = workers(site)
        os.kill(worker, signal.SIGKILL)
        ended = await site.pbx.hears(Ended)
        record = await site.ended()
        (other_leg,) = set(legs) - {ended.leg}
        started = await worker_events(site, "media worker started", 3)
        third = await talk(site)
        still = workers(site)
        site.pbx.hang_up(third)
        assert not other_leg.over
        site.pbx.hang_up(other_leg)
        await site.ended_calls(3)
        metrics = await read_metrics(site)

    assert ended.message is not None
    assert "Q.850;cause=41" in (ended.message.headers.get("Reason") or "")
    assert (record["status"], record["ended_by"]) == ("completed", "media")
    assert other in still
    assert worker not in still
    assert started[-1]["pid"] in still
    assert "supernet_media_worker_restarts_total 1" in metrics
    assert "supernet_media_workers 2" in metrics


async def test_worker_that_says_nothing_any_more_is_killed_and_its_call_ended(
    tmp_path: Path,
) -> None:
    async with telephony(tmp_path) as site:
        await talk(site)
        (worker,) = workers(site)
        os.kill(worker, signal.SIGSTOP)
        record = await site.ended()
        await worker_events(site, "media worker started", 2)
        assert site.daemon.events("media worker silent")
        assert workers(site) != [worker]

    assert (record["status"], record["ended_by"]) == ("completed", "media")


async def test_gateway_that_stands_still_touches_no_media(tmp_path: Path) -> None:
    async with telephony(tmp_path) as site:
        end = UdpEnd()
        answered = await answer(site, end.description())
        port = sdp.parse(answered.response.body).media[0].port
        os.kill(site.daemon.pid, signal.SIGSTOP)
        try:
            for sequence in range(1, 101):
                end.send(packet(sequence), port)
                echoed, source = await end.receive()
                assert (len(echoed), source) == (len(packet()), port)
        finally:
            os.kill(site.daemon.pid, signal.SIGCONT)
        site.pbx.hang_up(answered.leg)
        await site.ended()
        end.close()


async def test_no_worker_outlives_a_gateway_that_is_killed(tmp_path: Path) -> None:
    async with telephony(tmp_path, media=TWO) as site:
        await talk(site)
        running = workers(site)
        await site.daemon.kill()

        async def left() -> list[int]:
            return [pid for pid in running if is_alive(pid)]

        await until(left, lambda pids: not pids)


async def test_workers_end_with_a_gateway_that_is_stopped(tmp_path: Path) -> None:
    async with telephony(tmp_path, media=TWO) as site:
        running = workers(site)
        for pid in running:
            os.kill(pid, signal.SIGTERM)  # As a service manager tells the whole group.
        assert await site.daemon.stop() == 0
        assert not [pid for pid in running if is_alive(pid)]
        assert not site.daemon.events("media worker lost")


async def talk(site: Telephony) -> OutgoingLeg:
    leg = site.pbx.call(site.port, OTHER_LONG_CODE, CALLED)
    await site.pbx.hears(Answered)
    return leg


async def answer(site: Telephony, offer: bytes) -> Answered:
    site.pbx.call(site.port, OTHER_LONG_CODE, CALLED, offer=offer)
    return await site.pbx.hears(Answered)


def workers(site: Telephony) -> list[int]:
    """The pids of those that run."""
    return [
        event["pid"]
        for event in site.daemon.events("media worker started")
        if is_alive(event["pid"])
    ]


def is_alive(pid: int) -> bool:
    """Of one that is over, though nobody has heard of it yet, nothing is written there."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


async def worker_events(site: Telephony, event: str, count: int) -> list[dict[str, Any]]:
    async def said() -> list[dict[str, Any]]:
        return site.daemon.events(event)

    return await until(said, lambda events: len(events) >= count)


async def read_metrics(site: Telephony) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{site.daemon.admin}/metrics") as metrics,
    ):
        return await metrics.text()
