"""coturn as our server of STUN and TURN, for a gateway that cannot be reached by itself."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from media.relay import RelayHost
from media.sdp import Address
from media.webrtc_hooks import TurnServer
from media.webrtc_host import WebRtcHost
from media.webrtc_parameters import Setup
from tests.e2e.process import ChildProcess
from tests.interop.free_port import bound_udp, free_udp_port
from tests.interop.peers import program
from tests.media.packets import packet
from tests.media.test_webrtc_transport import CONNECTED, Pair, remote
from tests.media.udp_end import LOOPBACK

pytestmark = pytest.mark.interop
PEERS = ("turnserver",)
PORTS = (29_000, 29_499)
USER, PASSWORD = "gateway", "for a test"


class Coturn(ChildProcess):
    """`async with Coturn(directory) as server`: on a free port of loopback."""

    def __init__(self, directory: Path) -> None:
        self.port = free_udp_port()
        super().__init__(
            program("turnserver"),
            *("-n", "--no-cli", "--no-tls", "--no-dtls", "--log-file", "stdout"),
            *("--listening-ip", LOOPBACK, "--relay-ip", LOOPBACK, "--allow-loopback-peers"),
            *("--listening-port", str(self.port), "--lt-cred-mech", "--realm", "test"),
            *("--user", f"{USER}:{PASSWORD}", "--pidfile", str(directory / "pid")),
            *("--userdb", str(directory / "users")),
            directory=directory,
        )


@pytest.fixture
async def coturn(tmp_path: Path) -> AsyncIterator[Address]:
    async with Coturn(tmp_path) as server:
        await bound_udp(server.port)
        yield Address(LOOPBACK, server.port)


async def test_media_passes_by_a_turn_server_alone(coturn: Address) -> None:
    relays = RelayHost(LOOPBACK, PORTS, random.Random(3), time.monotonic)
    server = TurnServer(coturn, USER, PASSWORD)
    pair = Pair(WebRtcHost(relays, time.monotonic, coturn, server))
    first, second = pair.ends
    for end in pair.ends:
        await end.gather()
        relayed = [one for one in end.local.candidates if one.type == "relay"]
        assert [one.related_host for one in relayed] == ["0.0.0.0"]
        end.local = replace(end.local, candidates=tuple(relayed))
    # Each knows of the other its place at the server alone.
    second.transport.connect(remote(first.local, Setup.ACTPASS), is_client=True)
    first.transport.connect(remote(second.local, Setup.ACTIVE), is_client=False)
    for end in pair.ends:
        await end.becomes(CONNECTED)
    first.transport.send_rtp(packet(1))
    assert await second.hears() == packet(1)
    second.transport.send_rtp(packet(2))
    assert await first.hears() == packet(2)
    await pair.close()
    relays.close()
