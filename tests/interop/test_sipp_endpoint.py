"""The endpoint and sipp call each other, by datagrams and by connections."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.sip.leg_events import Answered, Ended, IncomingCall
from gateway.sip.transaction import Destination
from tests.interop.free_port import free_port
from tests.net.sip_endpoints import ANSWER, LOOPBACK, Party, party

pytestmark = pytest.mark.interop
PEERS = ("sipp",)

CALLS = 40


@contextlib.asynccontextmanager
async def sipp(directory: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        "sipp",
        *arguments,
        "-nostdin",
        "-i",
        LOOPBACK,
        cwd=directory,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def answer_all(bob: Party) -> None:
    ended = 0
    while ended < CALLS:
        event = await bob.event(object)
        if isinstance(event, IncomingCall):
            event.leg.ring(180, bob.clock.now())
            event.leg.answer(bob.clock.now(), ANSWER)
            bob.endpoint.flush()
        elif isinstance(event, Ended):
            ended += 1


@pytest.mark.parametrize("transport", ["u1", "t1", "tn"])
async def test_sipp_calls_the_endpoint(transport: str, tmp_path: Path) -> None:
    async with party() as bob:
        port = bob.at("TCP").port
        calls = ("-sn", "uac", f"{LOOPBACK}:{port}", "-r", "100", "-m", str(CALLS), "-d", "0")
        async with sipp(tmp_path, *calls, "-t", transport, "-max_socket", "100") as process:
            await answer_all(bob)
            assert await process.wait() == 0
        assert bob.requests[0][1].transport == ("UDP" if transport == "u1" else "TCP")


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
async def test_endpoint_calls_sipp(transport: str, tmp_path: Path) -> None:
    port = free_port()
    kind = "u1" if transport == "UDP" else "t1"
    answers = ("-sn", "uas", "-p", str(port), "-m", str(CALLS), "-t", kind)
    async with sipp(tmp_path, *answers), party() as alice:
        to = Destination(transport, LOOPBACK, port)
        await begin(alice, to)
        for _ in range(CALLS - 1):
            alice.call(to)
        for _ in range(CALLS - 1):
            leg = (await alice.event(Answered)).leg
            leg.hang_up(alice.clock.now())
            alice.endpoint.flush()


async def begin(alice: Party, to: Destination) -> None:
    """A call that is answered as soon as sipp listens."""
    while True:
        alice.call(to)
        event = await alice.event(object)
        while not isinstance(event, Ended | Answered):
            event = await alice.event(object)
        if isinstance(event, Answered):
            event.leg.hang_up(alice.clock.now())
            alice.endpoint.flush()
            return
        await asyncio.sleep(0.05)
