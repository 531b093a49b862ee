"""Whole calls through the daemon, their media through Debian's rtpengine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.sip.leg_events import Answered, Ended
from media import sdp
from tests.e2e.configuration import OTHER_LONG_CODE
from tests.e2e.patience import until
from tests.e2e.telephony import Telephony, telephony
from tests.interop.rtp_end import RtpEnd
from tests.interop.rtpengine import LOOPBACK, Rtpengine, tables_of
from tests.interop.sipp import Sipp
from tests.interop.voice_carrier import changed
from tests.interop.voice_gateway import CALLED, TRUNK, voice_gateway
from tests.media.descriptions import spoken

pytestmark = pytest.mark.interop
PEERS = ("rtpengine", "sipp")
ENGINE = {"engine": "rtpengine"}
PACKETS = 25


async def answer(site: Telephony, end: RtpEnd) -> Answered:
    offer = spoken(end.port, host=LOOPBACK)
    site.pbx.call(site.port, OTHER_LONG_CODE, CALLED, offer=offer)
    return await site.pbx.hears(Answered)


async def says(site: Telephony, event: str) -> list[dict[str, Any]]:
    async def said() -> list[dict[str, Any]]:
        return site.daemon.events(event)

    return await until(said)


async def test_carrier_is_heard_and_the_record_tells_what_came(tmp_path: Path) -> None:
    async with (
        Rtpengine(tmp_path) as server,
        telephony(tmp_path, media=ENGINE, tables=tables_of(server)) as site,
    ):
        end = RtpEnd(b"\x11" * 160)
        answered = await answer(site, end)
        port = sdp.parse(answered.response.body).media[0].port
        heard = 0
        for _ in range(PACKETS):
            end.send(port)
            await asyncio.sleep(0.02)
            heard += len(end.received())
        site.pbx.hang_up(answered.leg)
        ended = await site.ended()
        end.close()
    assert heard > PACKETS / 2
    assert ended["status"] == "completed"
    assert server.said  # Whoever was called, it was this one.


@pytest.mark.parametrize(
    ("scenario", "behaviour"),
    [
        ("uac_call", {}),
        ("uac_early_media", {"early_media": 1.0, "ring_s": 0.5}),
        ("uac_hold", {}),
        ("uac_late_offer", {}),
        ("uac_prack", {"early_media": 1.0, "ring_s": 0.5}),
    ],
)
async def test_customers_scenario_passes(
    tmp_path: Path, scenario: str, behaviour: dict[str, Any]
) -> None:
    async with (
        Rtpengine(tmp_path) as server,
        voice_gateway(
            tmp_path, TRUNK, media=f'engine = "rtpengine"\n{tables_of(server)}'
        ) as gateway,
    ):
        gateway.carrier.set_behaviour(changed(behaviour))
        async with Sipp(
            scenario, tmp_path, gateway.port, called=CALLED, caller=gateway.caller
        ) as customer:
            assert await customer.succeeded(), customer.errors
        (ended,) = await gateway.ended()
        assert ended["status"] == "completed"
        assert gateway.carriers.violations == []


async def test_server_that_is_killed_in_a_call_ends_it_once_it_is_back(tmp_path: Path) -> None:
    async with (
        Rtpengine(tmp_path) as server,
        telephony(tmp_path, media=ENGINE, tables=tables_of(server)) as site,
    ):
        end = RtpEnd(b"\x11" * 160)
        await answer(site, end)
        await server.kill()
        await server.start()
        ended = await site.pbx.hears(Ended)
        record = await site.ended()
        again = await answer(site, end)
        site.pbx.hang_up(again.leg)
        await site.ended_calls(2)
        end.close()
    assert ended.message is not None
    assert "Q.850;cause=41" in (ended.message.headers.get("Reason") or "")
    assert (record["status"], record["ended_by"]) == ("completed", "media")


async def test_call_is_refused_for_a_while_when_both_servers_are_down(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    async with (
        Rtpengine(tmp_path) as one,
        Rtpengine(tmp_path / "other") as other,
        telephony(tmp_path, media=ENGINE, tables=tables_of(one, other)) as site,
    ):
        end = RtpEnd(b"\x11" * 160)
        await one.kill()
        through_the_other = await answer(site, end)
        site.pbx.hang_up(through_the_other.leg)
        await site.ended()
        await site.pbx.hears(Ended)
        await other.kill()
        site.pbx.call(site.port, OTHER_LONG_CODE, CALLED, offer=spoken(end.port, host=LOOPBACK))
        refused = await site.pbx.hears(Ended)
        down = await says(site, "rtpengine down")
        end.close()
    assert (refused.status, refused.message and refused.message.headers.get("Retry-After")) == (
        503,
        "5",
    )
    assert {event["server"] for event in down} == {
        f"{LOOPBACK}:{server.port}" for server in (one, other)
    }
