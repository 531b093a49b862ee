"""Web servers on free ports of loopback, well-behaved and not, and requests to them."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from aiohttp import web

from gateway.webhooks.client import WebhookClient
from gateway.webhooks.destination import parse_destination
from gateway.webhooks.request import Answer, Failure, WebhookRequest, signed_request
from tests.messaging.webhook_world import TOKEN

SELF_SIGNED = Path(__file__).with_name("self_signed.pem")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A web server on a free port that answers every path; its URL without the last slash."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serving_octets(
    talk: Callable[[asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server that answers one request with whatever octets it likes, until it is hung up on."""
    over = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with suppress(ConnectionError):
            await talk(writer)
        writer.close()
        over.set()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await over.wait()


@asynccontextmanager
async def serving_tls() -> AsyncIterator[str]:
    """A server whose certificate is for hooks.example, and signed by nobody."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(SELF_SIGNED)
    async with serving(say_ok, tls) as url:
        yield url.replace("http://127.0.0.1", "https://hooks.example")


def loopback(host: str, port: int, **kwargs: Any) -> list[Any]:
    """A name server to which every name is 127.0.0.1."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


def an_address(text: str, port: int) -> Any:
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    return (family, socket.SOCK_STREAM, 6, "", (text, port))


def a_request(url: str) -> WebhookRequest:
    destination = parse_destination(url, allow_private=True)
    return signed_request(destination, "POST", [("MessageStatus", "sent")], TOKEN, "SM1-1")


async def post(url: str) -> Answer | Failure:
    async with WebhookClient(allow_private=True) as client:
        return await client.post(a_request(url))


async def say_ok(request: web.Request) -> web.Response:
    return web.Response(text="ok")


class Seen:
    """What a server saw."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.event = asyncio.Event()

    def answering(self, *statuses: int) -> Handler:
        left = list(statuses)

        async def handle(request: web.Request) -> web.Response:
            self.paths.append(request.path)
            if len(left) == 1:
                self.event.set()
            return web.Response(status=left.pop(0))

        return handle
