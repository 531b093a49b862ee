"""Requests that create messages, on a connection: what goes the short way, and what does not."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from litestar import Litestar
from litestar.types import Receive, Scope, Send

from gateway.ingress.rest.http_connection import HttpConnection
from gateway.ingress.rest.server import RestServer
from gateway.messaging.admission import SendRequest
from gateway.messaging.intake import OnAccepted, OnRefused
from tests.e2e.patience import until
from tests.ingress.rest.builders import ACCOUNT_SID, AUTH_TOKEN, MESSAGES, Api, basic

pytestmark = pytest.mark.e2e

HOST = "127.0.0.1"
FORM = b"To=%2B15005550009&From=55501&Body=hi"
LENGTH = b"content-length: %d\r\n" % len(FORM)
CHUNKED = b"transfer-encoding: chunked\r\n"
CLOSE = b"connection: close\r\n"


def a_post(headers: bytes = LENGTH, body: bytes = FORM, path: str = MESSAGES) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: a\r\n"
        f"Authorization: {basic(ACCOUNT_SID, AUTH_TOKEN)}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
    )
    return head.encode() + headers + b"\r\n" + body


def without_router(api: Api) -> RestServer:
    """What does not go the short way answers 500."""

    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    app: Any = fail
    return RestServer(app, HOST, 0, posts=api.posts)


def without_posts(api: Api) -> RestServer:
    """Everything goes to the router."""
    return RestServer(api.app, HOST, 0)


async def talk(server: RestServer, *parts: bytes) -> bytes:
    """All that the server says to octets that come in these parts, until it ends the connection."""
    reader, writer = await asyncio.open_connection(HOST, server.port)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0)
    try:
        return await reader.read()
    finally:
        writer.close()


def statuses(octets: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", octets)]


@pytest.mark.parametrize("path", [MESSAGES, MESSAGES.removesuffix(".json")])
async def test_a_plain_request_needs_no_router(path: str) -> None:
    async with without_router(Api()) as server:
        answer = await talk(server, a_post(LENGTH + CLOSE, path=path))

    assert statuses(answer) == [201]


async def test_a_request_octet_by_octet_is_answered() -> None:
    octets = a_post(LENGTH + CLOSE)
    async with without_router(Api()) as server:
        answer = await talk(server, *(octets[at : at + 1] for at in range(len(octets))))

    assert statuses(answer) == [201]


@pytest.mark.parametrize("headers", [LENGTH + CLOSE, b"content-length: 0\r\n" + CLOSE])
async def test_the_octets_of_an_answer_are_those_of_the_router(headers: bytes) -> None:
    answers = []
    body = FORM if headers.startswith(LENGTH) else b""
    for serve in (without_router, without_posts):
        async with serve(Api()) as server:
            answers.append(await talk(server, a_post(headers, body)))

    def lines(octets: bytes) -> list[bytes]:
        head, _, body = octets.partition(b"\r\n\r\n")
        return [*sorted(re.sub(rb"date: [^\r]*", b"date", head).split(b"\r\n")), body]

    assert lines(answers[0]) == lines(answers[1])


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (CHUNKED, b"%x\r\n%b\r\n0\r\n\r\n" % (len(FORM), FORM)),
        (LENGTH + b"expect: 100-continue\r\n", FORM),
        (LENGTH + b"connection: upgrade\r\nupgrade: h2c\r\n", FORM),
    ],
    ids=["chunked", "expect", "upgrade"],
)
async def test_what_only_the_router_can_do_goes_there(headers: bytes, body: bytes) -> None:
    async with without_router(Api()) as server:
        answer = await talk(server, a_post(headers, body))

    assert statuses(answer)[-1] == 500


async def test_an_interim_answer_is_given_where_it_is_asked_for() -> None:
    async with Api().server() as server:
        answer = await talk(server, a_post(LENGTH + CLOSE + b"expect: 100-continue\r\n"))

    assert statuses(answer) == [100, 201]


async def test_a_length_that_is_too_much_answers_413() -> None:
    async with Api().server() as server:
        answer = await talk(server, a_post(b"content-length: 65537\r\n", b""))

    assert statuses(answer) == [413]


async def test_two_lengths_that_differ_answer_400() -> None:
    async with Api().server() as server:
        answer = await talk(server, a_post(LENGTH + b"content-length: 1\r\n"))

    assert statuses(answer) == [400]


async def test_an_old_http_is_answered_and_its_connection_ended() -> None:
    async with Api().server() as server:
        answer = await talk(server, a_post().replace(b"HTTP/1.1", b"HTTP/1.0"))

    assert statuses(answer) == [201]


def held_back(api: Api, monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What the store is to make durable, one after the other."""
    submit = api.intake.submit
    waiting: list[Callable[[], None]] = []

    def hold(request: SendRequest, on_accepted: OnAccepted, on_refused: OnRefused) -> None:
        waiting.append(lambda: submit(request, on_accepted, on_refused))

    monkeypatch.setattr(api.intake, "submit", hold)
    return waiting


async def test_requests_behind_one_under_way_are_answered_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = Api()
    waiting = held_back(api, monkeypatch)
    other = a_post(b"content-length: 0\r\n", b"")
    async with api.server() as server:
        answer = asyncio.create_task(
            talk(server, a_post() + other + a_post(b"content-length: 0\r\n" + CLOSE, b""))
        )
        await until(lambda: is_long(waiting))
        waiting.pop()()

        assert statuses(await answer) == [201, 400, 400]


async def is_long(waiting: list[Callable[[], None]]) -> bool:
    return bool(waiting)


async def test_a_message_whose_sender_has_gone_is_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = Api()
    waiting = held_back(api, monkeypatch)
    async with api.server() as server:

        async def connections() -> int:
            return len(server._server.server_state.connections)

        _, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(a_post())
        await until(lambda: is_long(waiting))
        writer.transport.abort()
        await until(connections, lambda number: number == 0)
        waiting.pop()()

    assert len(api.store.messages) == 1


async def test_a_connection_that_idles_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    for bound in ("REQUEST_S_MAX", "KEEP_ALIVE_S"):
        monkeypatch.setattr(f"gateway.ingress.rest.http_connection.{bound}", 0.05)
    async with without_router(Api()) as server:
        answer = await talk(server, a_post())

    assert statuses(answer) == [201]


async def test_a_request_under_way_is_no_idling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.ingress.rest.http_connection.KEEP_ALIVE_S", 0.0)
    api = Api()
    waiting = held_back(api, monkeypatch)
    async with api.server() as server:
        answer = asyncio.create_task(talk(server, a_post(LENGTH + CLOSE)))
        await until(lambda: is_long(waiting))
        (connection,) = server._server.server_state.connections
        assert isinstance(connection, HttpConnection)
        connection._check_deadline()
        waiting.pop()()

        assert statuses(await answer) == [201]


async def test_a_server_without_posts_leaves_all_to_its_application() -> None:
    app = Litestar([], logging_config=None, openapi_config=None)
    async with RestServer(app, HOST, 0) as server:
        answer = await talk(server, a_post(LENGTH + CLOSE))

    assert statuses(answer) == [404]
