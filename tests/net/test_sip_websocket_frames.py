"""Frames of a WebSocket as they may come: in fragments, broken, and without a handshake."""

import asyncio

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from gateway.sip.leg_events import OutsideDialog
from gateway.sip.transaction import Destination
from tests.net.raw_peers import StreamPeer, request_octets, stream_peer
from tests.net.sip_endpoints import PATIENCE_S, party

pytestmark = pytest.mark.e2e

OPTIONS = request_octets("OPTIONS", "SIP/2.0/WS x.invalid;branch=z9hG4bK1")


class Client:
    """Says frames as it likes."""

    def __init__(self, peer: StreamPeer, to: Destination) -> None:
        self.peer = peer
        uri = parse_uri(f"ws://{to.host}:{to.port}/")
        self.protocol = ClientProtocol(uri, subprotocols=[Subprotocol("sip")])

    async def shake_hands(self) -> None:
        self.protocol.send_request(self.protocol.connect())
        self.send()
        assert isinstance(await self.event(), Response)

    def send(self) -> None:
        self.peer.send(b"".join(self.protocol.data_to_send()))

    async def event(self) -> Frame | Response:
        while True:
            for event in self.protocol.events_received():
                assert isinstance(event, Frame | Response)
                return event
            octets = await self.peer.read()
            assert octets, "the connection has ended"
            self.protocol.receive_data(octets)


async def test_message_may_come_in_fragments_with_a_ping_between() -> None:
    async with party(websocket_port=0) as bob, stream_peer(bob.at("WS")) as peer:
        client = Client(peer, bob.at("WS"))
        await client.shake_hands()
        client.protocol.send_text(OPTIONS[:50], fin=False)
        client.protocol.send_ping(b"ping")
        client.protocol.send_continuation(OPTIONS[50:], fin=True)
        client.send()
        pong = await client.event()
        assert isinstance(pong, Frame)
        assert (pong.opcode, bytes(pong.data)) == (Opcode.PONG, b"ping")
        await bob.event(OutsideDialog)


async def test_fragments_without_an_end_are_bounded() -> None:
    async with party(websocket_port=0) as bob, stream_peer(bob.at("WS")) as peer:
        client = Client(peer, bob.at("WS"))
        await client.shake_hands()
        client.protocol.send_text(b"x" * 50_000, fin=False)
        client.protocol.send_continuation(b"x" * 50_000, fin=False)
        client.send()
        closed = await client.event()
        assert isinstance(closed, Frame)
        assert closed.opcode is Opcode.CLOSE
        assert await peer.ended()


@pytest.mark.parametrize(
    "octets",
    [
        OPTIONS,
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"x" * 20_000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n" * 50,
    ],
)
async def test_who_does_not_shake_hands_is_closed(octets: bytes) -> None:
    async with party(websocket_port=0) as bob, stream_peer(bob.at("WS")) as peer:
        peer.send(octets)
        assert await peer.ended()
        await bob.connections(0)
        assert bob.requests == []


async def test_keep_alive_between_messages_is_no_message() -> None:
    async with party(websocket_port=0) as bob, stream_peer(bob.at("WS")) as peer:
        client = Client(peer, bob.at("WS"))
        await client.shake_hands()
        client.protocol.send_text(b"\r\n\r\n")
        client.protocol.send_binary(OPTIONS)
        client.send()
        async with asyncio.timeout(PATIENCE_S):
            await bob.event(OutsideDialog)


async def test_peer_that_breaks_the_protocol_is_told_and_closed() -> None:
    async with party(websocket_port=0) as bob, stream_peer(bob.at("WS")) as peer:
        client = Client(peer, bob.at("WS"))
        await client.shake_hands()
        peer.send(b"\x81\x05hello")  # Not masked.
        closed = await client.event()
        assert isinstance(closed, Frame)
        assert closed.opcode is Opcode.CLOSE
        assert await peer.ended()
