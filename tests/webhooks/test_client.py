"""What the client makes of servers, over real sockets on loopback."""

import asyncio
import socket

import pytest
from aiohttp import web
from twilio.request_validator import (
    RequestValidator,
)

from gateway.webhooks.client import (
    WebhookClient,
    origin_of,
)
from gateway.webhooks.destination import FailureKind, parse_destination
from gateway.webhooks.request import Answer, Failure
from tests.messaging.web_servers import (
    Seen,
    a_request,
    post,
    say_ok,
    serving,
)
from tests.messaging.webhook_world import (
    TOKEN,
)

pytestmark = pytest.mark.e2e


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


@pytest.mark.parametrize(
    ("status", "kind"), [(404, FailureKind.CLIENT_ERROR), (503, FailureKind.SERVER_ERROR)]
)
async def test_other_status_has_failed(status: int, kind: FailureKind) -> None:
    async with serving(Seen().answering(status)) as url:
        failure = await post(url)
    assert failure == Failure(kind, 11200, f"status {status}")


async def test_closed_port_has_failed() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        failure = await post(f"http://127.0.0.1:{unused.getsockname()[1]}/")
    assert failure == Failure(FailureKind.CONNECT, 11205, "cannot connect")


@pytest.mark.parametrize(("connections_max", "connections"), [(1, 1), (0, 3)])
async def test_connection_is_kept_unless_there_are_too_many(
    connections_max: int, connections: int
) -> None:
    seen: set[object] = set()

    async def note(request: web.Request) -> web.Response:
        assert request.transport is not None
        seen.add(request.transport.get_extra_info("peername"))
        return web.Response()

    async with (
        serving(note) as url,
        WebhookClient(allow_private=True, connections_max=connections_max) as client,
    ):
        for _ in range(3):
            await client.post(a_request(url))
    assert len(seen) == connections


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://hooks.example/x", "hooks.example", 80),
        ("https://hooks.example/x", "hooks.example", 443),
        ("http://hooks.example:8080/x", "hooks.example", 8080),
        ("http://[2606:4700::1111]/x", "2606:4700::1111", 80),
        ("https://[2606:4700::1111]:8443/x", "2606:4700::1111", 8443),
    ],
)
def test_origin_of_a_url_is_where_its_connections_go(url: str, host: str, port: int) -> None:
    scheme, _, rest = parse_destination(url).url.partition("://")
    origin = origin_of(scheme, rest.partition("/")[0])
    assert (origin.tls, origin.host, origin.port) == (scheme == "https", host, port)
