"""Calls through the daemon: a customer's PBX, the gateway, and simulated carriers, over sockets."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from gateway.sip.leg_events import Answered, Ended, IncomingCall, Provisional
from tests.e2e.caller import LOOPBACK
from tests.e2e.configuration import OTHER_LONG_CODE, OTHER_SID, OTHER_TOKEN
from tests.e2e.telephony import telephony

pytestmark = pytest.mark.e2e


async def test_customer_calls_somebody_at_a_carrier(tmp_path: Path) -> None:
    async with telephony(tmp_path) as site:
        leg = site.pbx.call(site.port, OTHER_LONG_CODE, "+12065551001")
        ringing = await site.pbx.hears(Provisional)
        await site.pbx.hears(Answered)
        site.pbx.hang_up(leg)
        ended = await site.ended()
        (call,) = site.carriers.sip_carriers["alpha"].calls

    assert ringing.response.status == 180
    assert (call.caller, call.called) == (OTHER_LONG_CODE, "+12065551001")
    assert (ended["status"], ended["trunk"]) == ("completed", "alpha/voice")
    assert ended["account"] == OTHER_SID


@pytest.mark.parametrize("magic", ["0130", "0131"])
async def test_trunk_that_refuses_or_is_silent_makes_way_for_the_next(
    tmp_path: Path, magic: str
) -> None:
    async with telephony(tmp_path) as site:
        leg = site.pbx.call(site.port, OTHER_LONG_CODE, f"+1206555{magic}")
        await site.pbx.hears(Answered)
        site.pbx.hang_up(leg)
        ended = await site.ended()

    assert (ended["trunk"], ended["attempts"]) == ("bravo/voice", 2)


async def test_busy_is_told_as_busy(tmp_path: Path) -> None:
    async with telephony(tmp_path) as site:
        site.pbx.call(site.port, OTHER_LONG_CODE, "+12065550486")
        told = await site.pbx.hears(Ended)
        ended = await site.ended()

    assert told.status == 486
    assert (ended["status"], ended["attempts"]) == ("busy", 1)


async def test_carrier_calls_a_customers_number(tmp_path: Path) -> None:
    async with telephony(tmp_path) as site:
        carrier = site.carriers.sip_carriers["alpha"]
        carrier.call("+12065551002", OTHER_LONG_CODE, LOOPBACK, site.port, talk_s=0.5)
        await site.pbx.hears(IncomingCall)
        ended = await site.ended()

    assert (ended["status"], ended["trunk"]) == ("completed", "trunk/pbx")


async def test_call_and_why_it_went_there_are_seen_over_rest(tmp_path: Path) -> None:
    async with telephony(tmp_path) as site:
        site.pbx.call(site.port, OTHER_LONG_CODE, "+12065550486")
        await site.pbx.hears(Ended)
        await site.ended()
        (call,) = await site.records()
        who = {"Authorization": aiohttp.encode_basic_auth(OTHER_SID, OTHER_TOKEN)}
        async with aiohttp.ClientSession(headers=who) as session:
            explain = f"{site.daemon.rest}/v1/Routing/Explain/{call['sid']}"
            async with session.get(explain) as answer:
                explained = await answer.json()

    assert (call["status"], call["from"], call["to"]) == ("busy", OTHER_LONG_CODE, "+12065550486")
    assert explained["chosen"] == "alpha/voice"


async def test_daemon_ends_calls_when_it_stops(tmp_path: Path) -> None:
    async with telephony(tmp_path) as site:
        leg = site.pbx.call(site.port, OTHER_LONG_CODE, "+12065551003")
        await site.pbx.hears(Answered)
        stopping = asyncio.create_task(site.daemon.stop())
        await site.daemon.line(lambda line: '"gateway drains"' in line)
        site.pbx.hang_up(leg)
        code = await stopping

    assert code == 0
    assert json.loads(site.daemon.said[-1])["event"] == "gateway stopped"
