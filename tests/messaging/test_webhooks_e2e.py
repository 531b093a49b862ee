"""Webhooks over real sockets on loopback."""

import asyncio
import gzip
import random
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from twilio.request_validator import (
    RequestValidator,
)

from gateway.clock import system_clock
from gateway.messaging.callbacks import Callbacks
from gateway.messaging.journal import event_of
from gateway.messaging.webhook_client import ANSWER_MAX, WebhookClient
from gateway.messaging.webhook_destination import FailureKind, parse_destination
from gateway.messaging.webhook_request import Answer, Failure, WebhookRequest, signed_request
from gateway.messaging.webhooks import Webhooks, WebhookSettings
from tests.messaging.webhook_world import (
    TOKEN,
    MemoryStore,
    a_message,
    a_transition,
    accounts_of,
    an_account,
    running,
)

pytestmark = pytest.mark.e2e

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


def loopback(host: str, port: int, **kwargs: Any) -> list[Any]:
    """A name server to which every name is 127.0.0.1."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


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


class Engine:
    """The whole way: event, outbox, HTTP client, record."""

    def __init__(self, client: WebhookClient) -> None:
        self.store = MemoryStore()
        clock = system_clock(asyncio.get_running_loop().time)
        self.webhooks = Webhooks(
            self.store.append,
            self.store.load_unnotified,
            client,
            clock,
            random.Random(1),
            WebhookSettings(allow_private=True),
        )
        self.callbacks = Callbacks(self.webhooks, accounts_of(an_account()), lambda code: "")

    def tell(self, message_id: int, url: str) -> None:
        message = a_message(message_id, status_callback=url)
        self.callbacks.on_event(event_of(message, a_transition(message)))

    async def told(self, count: int) -> list[int]:
        """The messages told, once there are so many."""
        async with asyncio.timeout(10):
            while len(self.store.notified) < count:
                self.store.grown.clear()
                await self.store.grown.wait()
        return [record.message_id for record in self.store.notified]


@asynccontextmanager
async def an_engine() -> AsyncIterator[Engine]:
    async with WebhookClient(allow_private=True) as client:
        engine = Engine(client)
        async with running(engine.webhooks):
            yield engine


@pytest.mark.parametrize("path", ["", "/", "/a%20b/c?x=%2B&y=%C3%BC", "?only=query"])
async def test_signature_is_valid_for_what_the_server_sees(path: str) -> None:
    valid: list[bool] = []

    async def check(request: web.Request) -> web.Response:
        url = f"http://{request.host}{request.raw_path}"
        signed = request.headers["X-Twilio-Signature"]
        valid.append(RequestValidator(TOKEN).validate(url, await request.post(), signed))
        return web.Response()

    async with serving(check) as url:
        await post(url + path)
    assert valid == [True]


async def test_answer_comes_with_its_type_and_body() -> None:
    async with serving(say_ok) as url:
        answer = await post(url)
    assert answer == Answer(200, "text/plain; charset=utf-8", b"ok")


async def test_credentials_of_the_url_reach_the_server() -> None:
    seen: list[str] = []

    async def note(request: web.Request) -> web.Response:
        seen.append(request.headers["Authorization"])
        return web.Response()

    async with serving(note) as url:
        await post(url.replace("http://", "http://user:pass@"))
    assert seen == ["Basic dXNlcjpwYXNz"]


async def test_server_error_is_repeated_until_it_is_gone() -> None:
    seen = Seen()
    async with serving(seen.answering(500, 200)) as url, an_engine() as engine:
        engine.tell(1, url)
        await engine.told(1)
    assert len(seen.paths) == 2
    assert engine.store.outcomes == ["200"]


async def test_slow_server_delays_nobody_else() -> None:
    release = asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    async with serving(wait) as slow, serving(say_ok) as fast, an_engine() as engine:
        for i in range(200):
            engine.tell(i, slow)
        engine.tell(1_000, fast)
        assert await engine.told(1) == [1_000]
        release.set()
        assert len(await engine.told(201)) == 201


async def test_server_that_does_not_answer_in_time_has_failed() -> None:
    release = asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    async with serving(wait) as url:
        failure = await post(f"{url}#rt=100")
        release.set()
    assert failure == Failure(FailureKind.READ, 11200, "no answer in time")


async def test_time_for_an_answer_is_the_gateways_where_the_url_says_nothing() -> None:
    release = asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    async with (
        serving(wait) as url,
        WebhookClient(allow_private=True, response_timeout_s=0.1) as client,
    ):
        failure = await client.post(a_request(url))
        release.set()
    assert failure == Failure(FailureKind.READ, 11200, "no answer in time")


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
    ("status", "kind"), [(404, FailureKind.CLIENT_ERROR), (503, FailureKind.SERVER_ERROR)]
)
async def test_other_status_has_failed(status: int, kind: FailureKind) -> None:
    async with serving(Seen().answering(status)) as url:
        failure = await post(url)
    assert failure == Failure(kind, 11200, f"status {status}")


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


async def test_name_that_leads_inside_is_not_called() -> None:
    """Judged at the moment of connecting, so a name that changes its address gains nothing."""
    seen = Seen()
    async with serving(seen.answering(200)) as url:
        destination = parse_destination(f"http://rebind.example:{urlsplit(url).port}/")
        request = signed_request(destination, "POST", [], TOKEN, "SM1-1")
        async with WebhookClient(lookup=loopback) as client:
            failure = await client.post(request)
    assert failure == Failure(FailureKind.FORBIDDEN, 11205, "the name leads to a private address")
    assert seen.paths == []


async def test_name_is_resolved_to_the_addresses_that_are_allowed() -> None:
    seen = Seen()
    async with (
        serving(seen.answering(200)) as url,
        WebhookClient(allow_private=True, lookup=loopback) as client,
    ):
        await client.post(a_request(url.replace("127.0.0.1", "hooks.example") + "/x"))
    assert seen.paths == ["/x"]


async def test_name_that_does_not_exist_has_failed() -> None:
    def lookup(host: str, port: int, **kwargs: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with WebhookClient(lookup=lookup) as client:
        failure = await client.post(a_request("http://nowhere.example/"))
    assert failure == Failure(FailureKind.CONNECT, 11210, "name not resolved")


async def test_name_server_that_does_not_answer_counts_as_connecting() -> None:
    release = threading.Event()

    def lookup(host: str, port: int, **kwargs: Any) -> list[Any]:
        release.wait(10)
        return []

    async with WebhookClient(lookup=lookup) as client:
        failure = await client.post(a_request("http://lost.example/#ct=100"))
        release.set()
    assert failure == Failure(FailureKind.CONNECT, 11205, "connect timed out")


async def test_closed_port_has_failed() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        failure = await post(f"http://127.0.0.1:{unused.getsockname()[1]}/")
    assert failure == Failure(FailureKind.CONNECT, 11205, "cannot connect")


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


async def test_server_without_tls_behind_https_has_failed() -> None:
    async with serving(say_ok) as url:
        failure = await post(url.replace("http://", "https://"))
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.code) == (FailureKind.CONNECT, 11220)


@asynccontextmanager
async def serving_tls() -> AsyncIterator[str]:
    """A server whose certificate is for hooks.example, and signed by nobody."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(SELF_SIGNED)
    async with serving(say_ok, tls) as url:
        yield url.replace("http://127.0.0.1", "https://hooks.example")


async def test_certificate_that_nobody_signed_is_not_trusted() -> None:
    async with (
        serving_tls() as url,
        WebhookClient(allow_private=True, lookup=loopback) as client,
    ):
        failure = await client.post(a_request(url))
    assert failure == Failure(FailureKind.CONNECT, 11237, "certificate not valid")


async def test_certificate_of_a_trusted_authority_is_trusted() -> None:
    tls = ssl.create_default_context(cafile=str(SELF_SIGNED))
    async with (
        serving_tls() as url,
        WebhookClient(allow_private=True, lookup=loopback, tls=tls) as client,
    ):
        assert isinstance(await client.post(a_request(url)), Answer)


async def test_certificate_for_another_name_is_not_trusted() -> None:
    tls = ssl.create_default_context(cafile=str(SELF_SIGNED))
    async with (
        serving_tls() as url,
        WebhookClient(allow_private=True, lookup=loopback, tls=tls) as client,
    ):
        failure = await client.post(a_request(url.replace("hooks.example", "other.example")))
    assert failure == Failure(FailureKind.CONNECT, 11237, "certificate not valid")
