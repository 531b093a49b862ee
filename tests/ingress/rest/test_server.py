import asyncio
import re
import socket
from typing import Any

import httpx
import pytest

from gateway.ingress.rest.form import FORM_OCTETS_MAX
from gateway.ingress.rest.http_connection import HEAD_OCTETS_MAX
from gateway.ingress.rest.server import RestServer
from gateway.messaging.admission import SendRequest
from gateway.messaging.intake import OnAccepted, OnRefused
from gateway.net.errors import ListenError
from tests.e2e.patience import until
from tests.ingress.rest.builders import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    MESSAGES,
    Api,
    a_form,
    basic,
)

pytestmark = pytest.mark.e2e

HOST = "127.0.0.1"


def client_of(server: RestServer) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"http://{HOST}:{server.port}", auth=(ACCOUNT_SID, AUTH_TOKEN), timeout=10
    )


async def raw(server: RestServer, octets: bytes) -> bytes:
    """All that the server says to these octets until it ends the connection."""
    reader, writer = await asyncio.open_connection(HOST, server.port)
    try:
        writer.write(octets)
        return await reader.read()
    finally:
        writer.close()


async def test_a_message_is_created_over_a_socket() -> None:
    async with Api().server() as server, client_of(server) as client:
        answer = await client.post(MESSAGES, data=a_form())

    assert answer.status_code == 201
    assert "server" not in answer.headers


@pytest.mark.parametrize("short_way", [False, True])
@pytest.mark.parametrize(("trusted", "status"), [("", 429), (HOST, 201), ("*", 201)])
async def test_clients_behind_a_trusted_proxy_fail_each_for_itself(
    trusted: str, status: int, short_way: bool
) -> None:
    api = Api()
    posts = api.posts if short_way else None
    server = RestServer(api.app, HOST, 0, trusted_proxies=trusted, posts=posts)
    async with server, client_of(server) as client:
        for _ in range(25):
            wrong = {"X-Forwarded-For": "198.51.100.7, 203.0.113.1"}
            await client.post(MESSAGES, data=a_form(), auth=("AC", "x"), headers=wrong)
        right = {"X-Forwarded-For": "203.0.113.2"}
        answer = await client.post(MESSAGES, data=a_form(), headers=right)

    assert answer.status_code == status


async def test_a_taken_port_is_one_clear_line() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(ListenError, match=f"127.0.0.1:{port}: address already in use"):
            RestServer(Api().app, HOST, port).bind()


async def test_an_address_that_is_not_ours_is_one_clear_line() -> None:
    with pytest.raises(ListenError, match="on 192"):
        RestServer(Api().app, "192.0.2.1", 0).bind()


async def test_a_port_is_known_once_bound_and_given_back_when_closed() -> None:
    server = Api().server()
    server.bind()
    port = server.port

    server.close()

    socket.create_server((HOST, port)).close()


async def test_leaving_the_context_lets_a_request_in_flight_finish(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = Api()
    submit = api.intake.submit
    reached = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait(request: SendRequest, on_accepted: OnAccepted, on_refused: OnRefused) -> None:
        reached.set()
        # Released only after the server has been told to stop.
        loop.call_later(0.05, submit, request, on_accepted, on_refused)

    monkeypatch.setattr(api.intake, "submit", wait)
    async with httpx.AsyncClient(auth=(ACCOUNT_SID, AUTH_TOKEN)) as client:
        async with api.server() as server:
            url = f"http://{HOST}:{server.port}{MESSAGES}"
            request = asyncio.create_task(client.post(url, data=a_form()))
            await reached.wait()

        answer = await request

    assert answer.status_code == 201


async def test_leaving_the_context_frees_the_port() -> None:
    async with Api().server() as server:
        port = server.port

    socket.create_server((HOST, port)).close()


async def test_an_error_within_the_context_comes_out_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        async with Api().server():
            raise ZeroDivisionError


async def test_octets_that_are_no_http_answer_the_error_body() -> None:
    async with Api().server() as server:
        answer = await raw(server, b"\x16\x03\x01 hello\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code":20400' in answer


async def test_a_head_without_end_answers_431() -> None:
    async with Api().server() as server:
        answer = await raw(server, b"GET / HTTP/1.1\r\nx: ".ljust(HEAD_OCTETS_MAX + 1, b"x"))

    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_a_request_that_never_ends_answers_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.ingress.rest.http_connection.REQUEST_S_MAX", 0.05)
    head = f"POST {MESSAGES} HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n"
    authorization = f"authorization: {basic(ACCOUNT_SID, AUTH_TOKEN)}\r\n\r\n"
    async with Api().server() as server:
        answer = await raw(server, (head + authorization + "To=").encode())

    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_connection_that_never_asks_answers_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.ingress.rest.http_connection.REQUEST_S_MAX", 0.05)
    async with Api().server() as server:
        answer = await raw(server, b"")

    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_peer_that_never_reads_its_answers_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    for bound in ("REQUEST_S_MAX", "UNREAD_S_MAX"):
        monkeypatch.setattr(f"gateway.ingress.rest.http_connection.{bound}", 0.1)
    octets = b"GET /docs/openapi.json HTTP/1.1\r\nhost: a\r\n\r\n" * 1_000
    async with Api().server() as server:
        with socket.create_connection((HOST, server.port)) as peer:
            peer.sendall(octets)

            async def connections() -> int:
                return len(server._server.server_state.connections)

            await until(connections)
            await until(connections, lambda number: number == 0)


async def test_one_connection_too_many_answers_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.ingress.rest.http_connection.CONNECTIONS_MAX", 0)
    async with Api().server() as server:
        answer = await raw(server, b"")

    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b'"code":20503' in answer


async def test_requests_in_one_packet_are_answered_in_order() -> None:
    head = f"host: a\r\nauthorization: {basic(ACCOUNT_SID, AUTH_TOKEN)}\r\n"
    first = f"GET {MESSAGES} HTTP/1.1\r\n{head}\r\n"
    last = f"GET /nowhere HTTP/1.1\r\n{head}connection: close\r\n\r\n"
    async with Api().server() as server:
        answer = await raw(server, (first + last).encode())

    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"404"]


async def test_a_large_form_in_one_packet_is_no_large_head() -> None:
    form = b"To=%2B15005550009&From=55501&Body=hi&Other=".ljust(FORM_OCTETS_MAX, b"x")
    head = (
        f"POST {MESSAGES} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
        f"authorization: {basic(ACCOUNT_SID, AUTH_TOKEN)}\r\n"
        "content-type: application/x-www-form-urlencoded\r\n"
        f"content-length: {len(form)}\r\n\r\n"
    )
    async with Api().server() as server:
        answer = await raw(server, head.encode() + form)

    assert answer.startswith(b"HTTP/1.1 201 ")


async def test_a_failing_server_ends_its_context(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("no more files")

    monkeypatch.setattr("uvicorn.Server.startup", fail)
    with pytest.raises(ExceptionGroup) as failure:
        async with Api().server():
            raise AssertionError("the server has not started")

    assert failure.group_contains(OSError)
