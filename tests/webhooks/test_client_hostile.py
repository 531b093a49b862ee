"""Servers that would hold the client up, or lead it astray."""

import asyncio
import gzip
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web

from gateway.webhooks.client import WebhookClient
from gateway.webhooks.connection import ANSWER_MAX, RECEIVED_MAX
from gateway.webhooks.destination import FailureKind
from gateway.webhooks.request import Answer, Failure
from tests.messaging.web_servers import (
    Seen,
    a_request,
    loopback,
    post,
    serving,
    serving_octets,
)

pytestmark = pytest.mark.e2e

GARBAGE = b"y" * 4_000
FLOODS = {
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-A: " + GARBAGE + b"\r\n"),
    "one header": (b"HTTP/1.1 200 OK\r\nX-A: ", GARBAGE),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "chunk extensions": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", GARBAGE),
    "trailers": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
        b"X-A: " + GARBAGE + b"\r\n",
    ),
}


async def test_answer_that_drips_for_ever_ends_with_the_total_time() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionResetError):
            while True:
                await response.write(b".")
                await asyncio.sleep(0.02)
        return response

    async with serving(drip) as url:
        failure = await post(f"{url}#rt=1000&tt=200")
    assert failure == Failure(FailureKind.READ, 11200, "no answer in time")


async def test_headers_that_drip_for_ever_end_with_the_total_time() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-A: ")
        while True:
            writer.write(b"y")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with serving_octets(drip) as url:
        failure = await post(f"{url}#rt=1000&tt=200")
    assert failure == Failure(FailureKind.READ, 11200, "no answer in time")


async def test_long_answer_is_read_up_to_the_bound() -> None:
    async def talk(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 10_000_000)

    async with serving(talk) as url:
        answer = await post(url)
    assert isinstance(answer, Answer)
    assert answer.truncated
    assert len(answer.body) == ANSWER_MAX


async def test_compressed_answer_is_not_unpacked() -> None:
    packed = gzip.compress(b"x" * 10_000_000)

    async def bomb(request: web.Request) -> web.Response:
        assert request.headers["Accept-Encoding"] == "identity"
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async with serving(bomb) as url:
        answer = await post(url)
    assert isinstance(answer, Answer)
    assert answer.body == packed


@pytest.mark.parametrize(("begin", "more"), FLOODS.values(), ids=FLOODS)
async def test_server_that_sends_without_end_is_hung_up_on(begin: bytes, more: bytes) -> None:
    sent = len(begin)

    async def flood(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(begin)
        while True:
            writer.write(more)
            sent += len(more)
            await writer.drain()

    async with serving_octets(flood) as url:
        failure = await post(f"{url}#tt=10000")
    assert failure == Failure(FailureKind.READ, 11206, "HTTP violated or cut off")
    # What the sockets hold comes on top.
    assert sent < RECEIVED_MAX + 16_000_000


async def test_bound_of_an_answer_is_not_that_of_its_connection() -> None:
    async def talk(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * ANSWER_MAX)

    async with serving(talk) as url, WebhookClient(allow_private=True) as client:
        answers = [await client.post(a_request(url)) for _ in range(40)]
    assert all(isinstance(answer, Answer) and not answer.truncated for answer in answers)


async def test_redirect_is_not_followed() -> None:
    seen = Seen()
    async with serving(seen.answering(200)) as target:

        async def redirect(request: web.Request) -> web.Response:
            raise web.HTTPTemporaryRedirect(target)

        async with serving(redirect) as url:
            failure = await post(url)
    assert failure == Failure(FailureKind.CLIENT_ERROR, 11200, "status 307")
    assert seen.paths == []


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/latest/meta-data/", "http://[::1]/", "file:///etc/passwd"]
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_to_a_private_place_is_not_followed(status: int, location: str) -> None:
    asked: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": location})

    def lookup(host: str, port: int, **kwargs: Any) -> list[Any]:
        asked.append(host)
        return loopback(host, port)

    async with (
        serving(redirect) as url,
        WebhookClient(allow_private=True, lookup=lookup) as client,
    ):
        failure = await client.post(a_request(url.replace("127.0.0.1", "hooks.example")))
    assert failure == Failure(FailureKind.CLIENT_ERROR, 11200, f"status {status}")
    assert asked == ["hooks.example"]


async def test_cookies_are_not_kept() -> None:
    seen: list[str | None] = []

    async def bake(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Cookie"))
        response = web.Response()
        response.set_cookie("session", "1")
        return response

    async with serving(bake) as url, WebhookClient(allow_private=True) as client:
        await client.post(a_request(url))
        await client.post(a_request(url))
    assert seen == [None, None]


async def test_server_that_hangs_up_has_failed() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        failure = await post(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert failure == Failure(FailureKind.READ, 11206, "HTTP violated or cut off")


async def test_server_that_speaks_no_http_has_failed() -> None:
    async def gibber(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 smtp.example ESMTP\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(gibber, "127.0.0.1", 0) as server:
        failure = await post(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert failure == Failure(FailureKind.READ, 11206, "HTTP violated or cut off")
