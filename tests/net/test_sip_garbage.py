"""Messages with octets changed, cut, doubled and swapped: whatever comes, the endpoint goes on."""

from random import Random

import pytest

from gateway.net import sip_endpoint
from gateway.sip.leg_events import IncomingCall, OutsideDialog
from tests.net.raw_peers import request_octets, stream_peer, udp_peer
from tests.net.sip_endpoints import LOOPBACK, party

pytestmark = pytest.mark.e2e

MESSAGES = [
    request_octets(method, f"SIP/2.0/UDP {LOOPBACK}:9;branch=z9hG4bK{method}{more}", *headers)
    for method in ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER")
    for more, headers in (
        (1, ()),
        (2, ("Require: 100rel", "Supported: timer", "Session-Expires: 90;refresher=uac")),
        (3, ("Route: <sip:a@b;lr>, <sip:c>", "Record-Route: <sip:[::1]:5;lr>", "RAck: 1 2 x")),
    )
]
MESSAGES += [
    message.replace(b"OPTIONS sip:127.0.0.1 SIP/2.0", b"SIP/2.0 %d X" % status)
    for message in MESSAGES
    for status in (100, 180, 200, 487)
    if message.startswith(b"OPTIONS")
]


def spoiled(octets: bytes, random: Random) -> bytes:
    changed = bytearray(octets)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(changed))
        match random.randrange(5):
            case 0:
                changed[at] = random.randrange(256)
            case 1:
                del changed[at : at + random.randint(1, 40)]
            case 2:
                changed[at:at] = changed[at : at + random.randint(1, 40)]
            case 3:
                changed[at:at] = random.choice((b"\r\n", b"\0", b",", b";", b"<", b'"', b"%", b":"))
            case _:
                changed[at:at] = bytes(random.randrange(256) for _ in range(3))
        changed = changed or bytearray(b"x")
    return bytes(changed)


@pytest.mark.parametrize("seed", range(4))
async def test_spoiled_datagrams_are_answered_or_passed_over(
    seed: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sip_endpoint, "REFUSALS_PER_S_MAX", 10_000)
    random = Random(seed)
    async with party() as bob:
        for _ in range(500):
            octets = spoiled(random.choice(MESSAGES), random)
            bob.endpoint._receive_datagrams([(octets, LOOPBACK, 9)])
            for event in bob.told:
                if isinstance(event, IncomingCall):
                    event.leg.refuse(486, bob.clock.now())
                elif isinstance(event, OutsideDialog):
                    bob.endpoint.user_agent.respond(event.transaction, 200, bob.clock.now())
            bob.told.clear()
            bob.endpoint.flush()
        assert "SIP broke" not in caplog.text
        async with udp_peer() as peer:
            peer.send(request_octets("OPTIONS").replace(b": one", b": last"), bob.at())
            await bob.event(OutsideDialog)


@pytest.mark.parametrize("seed", range(4))
async def test_spoiled_streams_are_answered_or_closed(
    seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    random = Random(seed)
    async with party() as bob:
        for _ in range(20):
            async with stream_peer(bob.at("TCP")) as peer:
                for _ in range(5):
                    peer.send(spoiled(random.choice(MESSAGES), random))
                peer.writer.write_eof()
                assert await peer.ended()
            for event in bob.told:
                if isinstance(event, IncomingCall):
                    event.leg.refuse(486, bob.clock.now())
            bob.told.clear()
        await bob.connections(0)
        assert "SIP broke" not in caplog.text
