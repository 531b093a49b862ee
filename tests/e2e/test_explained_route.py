"""The router's reasons, from the daemon's own decisions to the customer and the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.configuration import ACCOUNT_SID, AUTH_TOKEN, LONG_CODE
from tests.e2e.process import installed, outcome
from tests.e2e.site import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


async def supernet_route(site: Site, directory: Path, *arguments: str) -> dict[str, Any]:
    """What `supernet route --json` says."""
    options = ("--url", site.daemon.rest, "--account", ACCOUNT_SID, "--token", AUTH_TOKEN)
    code, said = await outcome(
        installed("supernet"),
        *("route", *arguments, *options, "--json"),
        directory=directory,
    )
    assert code == 0, said
    decision: dict[str, Any] = json.loads(said[-1])
    return decision


async def test_a_sent_message_is_explained(site: Site, tmp_path: Path) -> None:
    recipient = site.recipient()
    sid = await site.rest.create(recipient, "hello", TrafficType="otp")
    await site.rest.final(sid)

    decision = await supernet_route(site, tmp_path, "--message", sid)

    assert (decision["message_sid"], decision["class"]) == (sid, "otp")
    (arrived,) = site.arrived(recipient)
    assert decision["chosen"].startswith(arrived.carrier)
    assert {one["bind"] for one in decision["candidates"]} == {"alpha/1", "bravo/1"}


async def test_a_dry_run_sends_nothing(site: Site, tmp_path: Path) -> None:
    recipient = site.recipient()

    decision = await supernet_route(site, tmp_path, recipient, "--from", LONG_CODE)

    assert decision["chosen"] in ("alpha/1", "bravo/1")
    assert site.arrived(recipient) == []


async def test_feedback_is_taken_for_a_message_that_arrived(site: Site) -> None:
    sid = await site.rest.create(site.recipient(), "your code is 123456", TrafficType="otp")
    message = await site.rest.final(sid)
    url = f"{site.daemon.rest}{message['subresource_uris']['feedback']}"

    auth = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT_SID, AUTH_TOKEN)}
    async with (
        aiohttp.ClientSession(headers=auth) as session,
        session.post(url, data={"Outcome": "confirmed"}) as answer,
    ):
        feedback = await answer.json()

    assert (answer.status, feedback["outcome"]) == (201, "confirmed")
