"""SIP over WebSocket, by a client of another library (RFC 7118)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from gateway.net.sip_websocket import MESSAGE_OCTETS_MAX, PING_AFTER_S, PONG_S
from gateway.net.tls import client_context, server_context
from gateway.sip.leg_events import Acknowledged, Ended, IncomingCall, OutsideDialog, Responded
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import parse
from tests.net.sip_endpoints import ANSWER, LOOPBACK, PATIENCE_S, Party, party
from tests.support.authority import Authority

pytestmark = pytest.mark.e2e

NAME = "df7jal23ls0d.invalid"


def request(method: str, transport: str = "WS", to_tag: str = "", cseq: int = 1) -> str:
    tag = f";tag={to_tag}" if to_tag else ""
    lines = (
        f"{method} sip:bob@{LOOPBACK} SIP/2.0",
        f"Via: SIP/2.0/{transport} {NAME};branch=z9hG4bK{method}{cseq}",
        "Max-Forwards: 70",
        "From: <sip:alice@example.org>;tag=a",
        f"To: <sip:bob@example.org>{tag}",
        "Call-ID: one",
        f"CSeq: {cseq} {method}",
        f"Contact: <sip:alice@{NAME};transport=ws>",
        "Content-Length: 0",
        "",
        "",
    )
    return "\r\n".join(lines)


class Browser:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def message(self) -> SipRequest | SipResponse:
        async with asyncio.timeout(PATIENCE_S):
            text = await self.socket.receive_str()
        return parse(text.encode())


@contextlib.asynccontextmanager
async def browser(
    made: Party,
    transport: str = "WS",
    tls: ssl.SSLContext | None = None,
    protocols: tuple[str, ...] = ("sip",),
    origin: str | None = None,
) -> AsyncIterator[Browser]:
    host, port = made.endpoint.addresses[transport]
    url = f"{transport.lower()}://{host}:{port}/"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            url, protocols=protocols, origin=origin, ssl=tls or True, autoping=False
        ) as socket,
    ):
        yield Browser(socket)


async def test_call_and_its_end_go_over_the_browsers_connection() -> None:
    async with party(websocket_port=0) as bob, browser(bob) as alice:
        assert alice.socket.protocol == "sip"
        await alice.socket.send_str(request("INVITE"))
        leg = (await bob.event(IncomingCall)).leg
        leg.answer(bob.clock.now(), ANSWER)
        bob.endpoint.flush()
        answer = await alice.message()
        port = bob.endpoint.addresses["WS"][1]
        assert answer.via.received == LOOPBACK
        assert answer.headers.get("Contact") == f"<sip:{LOOPBACK}:{port};transport=ws>"
        await alice.socket.send_str(request("ACK", to_tag=answer.to_tag or ""))
        await bob.event(Acknowledged)
        leg.hang_up(bob.clock.now())
        bob.endpoint.flush()
        bye = await alice.message()
        assert isinstance(bye, SipRequest)
        assert (bye.method, bye.uri) == ("BYE", f"sip:alice@{NAME};transport=ws")
        assert (bye.via.transport, bye.via.sent_by) == ("WS", (LOOPBACK, port))
        await alice.socket.send_bytes(bye.response(200).to_bytes())
        await bob.event(Ended)


async def test_wss_is_there_with_a_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    tls = server_context(*authority.issue("one", "one", "IP:127.0.0.1"))
    trust = client_context(authority.certificate)
    async with party(websocket_port=0, tls=tls) as bob, browser(bob, "WSS", trust) as alice:
        await alice.socket.send_str(request("OPTIONS", "WSS"))
        asked = await bob.event(OutsideDialog)
        bob.endpoint.user_agent.respond(asked.transaction, 200, bob.clock.now())
        bob.endpoint.flush()
        answer = await alice.message()
        assert isinstance(answer, SipResponse)
        assert (answer.status, bob.requests[0][1].transport) == (200, "WSS")


@pytest.mark.parametrize("origin", ["https://phone.example", None])
async def test_pages_of_our_origins_and_those_who_are_no_page_are_let_in(
    origin: str | None,
) -> None:
    ours = ("https://phone.example",)
    async with (
        party(websocket_port=0, websocket_origins=ours) as bob,
        browser(bob, origin=origin) as alice,
    ):
        assert alice.socket.protocol == "sip"


async def test_pages_of_other_origins_are_refused() -> None:
    async with party(websocket_port=0, websocket_origins=("https://phone.example",)) as bob:
        with pytest.raises(aiohttp.WSServerHandshakeError) as error:
            async with browser(bob, origin="https://other.example"):
                pass
        assert error.value.status == 403


async def test_client_that_speaks_no_sip_is_refused() -> None:
    async with party(websocket_port=0) as bob:
        with pytest.raises(aiohttp.WSServerHandshakeError) as error:
            async with browser(bob, protocols=("chat",)):
                pass
        assert error.value.status == 400


async def test_request_that_cannot_be_served_is_answered_and_the_connection_stays() -> None:
    async with party(websocket_port=0) as bob, browser(bob) as alice:
        await alice.socket.send_str(request("OPTIONS").replace(" SIP/2.0\r\n", " SIP/3.0\r\n", 1))
        answer = await alice.message()
        assert isinstance(answer, SipResponse)
        assert answer.status == 505
        await alice.socket.send_str(request("OPTIONS"))
        await bob.event(OutsideDialog)


async def test_message_that_is_too_long_ends_the_connection() -> None:
    async with party(websocket_port=0) as bob, browser(bob) as alice:
        await alice.socket.send_bytes(b"x" * (MESSAGE_OCTETS_MAX + 1))
        async with asyncio.timeout(PATIENCE_S):
            closed = await alice.socket.receive()
        assert closed.data == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


async def test_browser_that_is_silent_is_asked_and_one_that_does_not_answer_is_cut() -> None:
    async with party(websocket_port=0) as bob, browser(bob) as alice:
        await alice.socket.send_str(request("OPTIONS"))
        await bob.event(OutsideDialog)
        (connection,) = bob.endpoint._connections._standing.values()
        later = asyncio.get_running_loop().time() + PING_AFTER_S + 1
        connection.look_after(later)
        async with asyncio.timeout(PATIENCE_S):
            assert (await alice.socket.receive()).type is aiohttp.WSMsgType.PING
        connection.look_after(later + PONG_S + 1)
        await bob.connections(0)


async def test_connection_that_closes_fails_what_waits_on_it() -> None:
    async with party(websocket_port=0) as bob:
        async with browser(bob) as alice:
            await alice.socket.send_str(request("INVITE"))
            leg = (await bob.event(IncomingCall)).leg
            leg.answer(bob.clock.now(), ANSWER)
            bob.endpoint.flush()
            answer = await alice.message()
            await alice.socket.send_str(request("ACK", to_tag=answer.to_tag or ""))
            await bob.event(Acknowledged)
            leg.request("INFO", bob.clock.now())
            bob.endpoint.flush()
            await alice.message()
        assert (await bob.event(Responded)).status == 503
        leg.hang_up(bob.clock.now())
