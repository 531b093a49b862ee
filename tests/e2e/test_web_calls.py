"""Calls over the REST API through the daemon to simulated carriers, with RTP both ways."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from carriers_sim.session_description import Direction, offer_of
from media.sdp import parse
from tests.e2e.caller import LOOPBACK
from tests.e2e.configuration import OTHER_LONG_CODE, OTHER_SID, OTHER_TOKEN
from tests.e2e.telephony import Telephony, telephony
from tests.media.packets import packet
from tests.media.udp_end import UdpEnd

pytestmark = pytest.mark.e2e

SOUND = bytes(range(160))
SDP = {"content-type": "application/sdp"}


class Browser:
    """What a page does, in plain RTP; `events` are those that it has heard."""

    def __init__(self, site: Telephony, session: aiohttp.ClientSession) -> None:
        self.site = site
        self.events: list[tuple[str, Any]] = []
        self._session = session
        self._url = ""
        self._last = ""

    async def call(self, called: str, port: int = 9) -> int:
        """The status of the answer."""
        offer = offer_of(LOOPBACK, port, 1, Direction.SENDRECV)
        url = f"{self.site.daemon.rest}/v1/WebCalls"
        query = {"To": called, "From": OTHER_LONG_CODE}
        async with self._session.post(url, params=query, data=offer, headers=SDP) as answer:
            if answer.status == 201:
                self._url = self.site.daemon.rest + answer.headers["location"]
            return answer.status

    async def hears(self, name: str) -> Any:
        """Listen on until an event of this name has come, or the stream ends; the last's data."""
        headers = {"last-event-id": self._last}
        async with self._session.get(f"{self._url}/Events", headers=headers) as answer:
            assert answer.content_type == "text/event-stream"
            said = ""
            async for line in answer.content:
                key, _, value = line.decode().strip().partition(": ")
                if key == "id":
                    self._last = value
                elif key == "event":
                    said = value
                elif key == "data":
                    self.events.append((said, json.loads(value)))
                    if said == name:
                        return self.events[-1][1]
        return self.events[-1][1]

    async def hang_up(self) -> None:
        async with self._session.delete(self._url) as answer:
            assert answer.status == 204

    @property
    def statuses(self) -> list[str]:
        return [data["status"] for name, data in self.events if name == "status"]


@asynccontextmanager
async def a_browser(directory: Path) -> AsyncIterator[Browser]:
    who = {"Authorization": aiohttp.encode_basic_auth(OTHER_SID, OTHER_TOKEN)}
    async with telephony(directory) as site, aiohttp.ClientSession(headers=who) as session:
        yield Browser(site, session)


async def test_browser_calls_a_carrier_and_is_echoed(tmp_path: Path) -> None:
    end = UdpEnd()
    async with a_browser(tmp_path) as browser:
        assert await browser.call("+12065551001", end.port) == 201
        answer = await browser.hears("answer")
        (media,) = parse(answer["sdp"].encode()).media
        for sequence in range(10):
            end.send(packet(sequence, payload=SOUND), media.port)
        echoed, _ = await end.receive()
        quality = await browser.hears("quality")
        await browser.hang_up()
        ended = await browser.hears("nothing more")
    end.close()

    assert echoed.endswith(SOUND)
    assert quality["caller"]["packets"] == 10
    assert quality["called"]["packets"] > 0
    assert (ended["status"], ended["trunk"]) == ("completed", "alpha/voice")
    assert browser.statuses == ["queued", "ringing", "in-progress", "completed"]


async def test_second_carrier_answers_where_the_first_refuses(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        await browser.call("+12065550130")
        await browser.hears("answer")
        await browser.hang_up()
        ended = await browser.hears("nothing more")

    assert [each["status"] for each in ended["attempts"]] == [503, 200]


async def test_browser_that_is_gone_is_hung_up(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        await browser.call("+12065551001")
        await browser.hears("answer")
        ended = await browser.site.ended()

    assert (ended["status"], ended["ended_by"]) == ("completed", "caller")
