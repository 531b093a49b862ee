"""What a connection makes of a server's octets, in whatever pieces they come."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from gateway.webhooks.client import WebhookClient
from gateway.webhooks.connection import ANSWER_MAX, CUT_OFF, LATE, Connection
from gateway.webhooks.destination import FailureKind, parse_destination
from gateway.webhooks.request import Answer, Failure, WebhookRequest, signed_request
from tests.messaging.web_servers import Seen, a_request, serving

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"1;x=y\r\no\r\n1\r\nk\r\n0\r\nTrailer: t\r\n\r\n"
)
UNTIL_THE_END = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nok"


class Wire(asyncio.Transport):
    """What the connection does to its transport."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.aborted = self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.aborted or self.closed

    def abort(self) -> None:
        self.aborted = True

    def close(self) -> None:
        self.closed = True


class World:
    """A connection that has asked."""

    def __init__(self) -> None:
        self.idle: list[Connection] = []
        self.lost: list[Connection] = []
        loop = asyncio.get_running_loop()
        self.connection = Connection(self.idle.append, self.lost.append, loop)
        self.wire = Wire()
        self.connection.connection_made(self.wire)
        self.outcome = self.ask()

    def ask(self) -> "asyncio.Future[Answer | Failure]":
        loop = asyncio.get_running_loop()
        return self.connection.ask(b"POST / HTTP/1.1\r\n\r\n", loop.time() + 30, 30)

    def hear(self, octets: bytes, piece: int = 1 << 20) -> None:
        for place in range(0, len(octets), piece):
            self.connection.data_received(octets[place : place + piece])

    def end(self) -> Answer | Failure:
        self.connection.connection_lost(None)
        return self.outcome.result()


@pytest.mark.parametrize("piece", [1, 7, 1_000])
@pytest.mark.parametrize(
    ("octets", "answer"),
    [
        (OK, Answer(200, "text/plain", b"ok")),
        (CHUNKED, Answer(200, "", b"ok")),
        (NO_CONTENT, Answer(204)),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, Answer(200, "text/plain", b"ok")),
        (b"HTTP/1.1 103 Early Hints\r\nContent-Type: a/b\r\n\r\n" + NO_CONTENT, Answer(204)),
        (OK.replace(b"\r\n\r\nok", b"\n\nok"), Answer(200, "text/plain", b"ok")),
    ],
)
async def test_answer_is_heard_in_whatever_pieces(
    octets: bytes, answer: Answer, piece: int
) -> None:
    world = World()
    world.hear(octets, piece)
    assert world.outcome.result() == answer
    assert world.idle == [world.connection]
    assert not world.wire.is_closing()


async def test_the_next_request_goes_over_the_same_connection() -> None:
    world = World()
    world.hear(OK)
    second = world.ask()
    world.hear(NO_CONTENT)
    assert second.result() == Answer(204)


async def test_answer_of_no_stated_length_ends_with_the_connection() -> None:
    world = World()
    world.hear(UNTIL_THE_END)
    assert not world.outcome.done()
    assert world.end() == Answer(200, "text/plain", b"ok")
    assert world.lost == [world.connection]


@pytest.mark.parametrize(
    "begun", [b"", b"HTTP/1.1 200", OK[:-1], CHUNKED[:-2], b"HTTP/1.1 100 Continue\r\n\r\n"]
)
async def test_answer_that_is_cut_off_has_failed(begun: bytes) -> None:
    world = World()
    world.hear(begun)
    assert world.end() == CUT_OFF


@pytest.mark.parametrize(
    "octets",
    [
        b"220 smtp.example ESMTP\r\n",
        b"\x16\x03\x01\x00",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_hung_up_on(octets: bytes) -> None:
    world = World()
    world.hear(octets)
    assert world.wire.aborted
    assert world.end() == CUT_OFF


@pytest.mark.parametrize("more", [b"H", OK, b"garbage"])
async def test_more_than_one_answer_is_not_kept_for_the_next_request(more: bytes) -> None:
    world = World()
    world.hear(OK + more)
    assert world.outcome.result() == Answer(200, "text/plain", b"ok")
    assert world.wire.aborted
    assert not world.connection.is_open


async def test_octets_that_nobody_asked_for_end_it() -> None:
    world = World()
    world.hear(OK)
    world.hear(b"H")
    assert world.wire.aborted


async def test_close_is_obeyed() -> None:
    world = World()
    world.hear(OK.replace(b"Content-Type: text/plain", b"Connection: close"))
    assert world.outcome.result() == Answer(200, "", b"ok")
    assert (world.wire.closed, world.idle) == (True, [])


async def test_refusal_is_known_from_its_head_and_its_long_body_not_awaited() -> None:
    world = World()
    world.hear(b"HTTP/1.1 500 Oops\r\nContent-Length: 1000000\r\n\r\n")
    assert world.outcome.result() == Failure(FailureKind.SERVER_ERROR, 11200, "status 500")
    assert world.wire.aborted


async def test_short_refusal_leaves_the_connection_as_it_was() -> None:
    world = World()
    world.hear(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")
    assert world.outcome.result() == Failure(FailureKind.CLIENT_ERROR, 11200, "status 404")
    assert world.idle == [world.connection]


async def test_answer_longer_than_is_read_is_cut() -> None:
    world = World()
    world.hear(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * (ANSWER_MAX + 1))
    answer = world.outcome.result()
    assert isinstance(answer, Answer)
    assert (len(answer.body), answer.truncated) == (ANSWER_MAX, True)
    assert world.wire.aborted


async def test_answer_that_is_late_has_failed_and_ends_it() -> None:
    world = World()
    loop = asyncio.get_running_loop()
    late = world.connection.ask(b"", loop.time(), 30)
    assert await late == LATE
    assert world.wire.aborted


async def test_line_break_within_a_header_goes_nowhere() -> None:
    request = a_request("http://127.0.0.1:1/")
    split = WebhookRequest("POST", request.url, {"A": "b\r\nC: d"}, b"", request.overrides)
    async with WebhookClient(allow_private=True) as client:
        with pytest.raises(ValueError, match="line break"):
            await client.post(split)


@asynccontextmanager
async def forgetful(heard: list[bytes]) -> AsyncIterator[str]:
    """A server that hangs up after its first answer, as one does whose patience has ended, when
    the second request comes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = len(heard) == 0
        heard.append((await reader.readuntil(b"\r\n")).split()[0])
        await reader.readuntil(b"\r\n\r\n")
        writer.write(NO_CONTENT)
        if first:
            heard.append((await reader.readuntil(b"\r\n")).split()[0])
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("method", "heard_in_all"), [("GET", [b"GET", b"GET", b"GET"]), ("POST", [b"POST", b"POST"])]
)
async def test_only_a_get_is_said_again_where_a_kept_connection_was_hung_up(
    method: str, heard_in_all: list[bytes]
) -> None:
    heard: list[bytes] = []
    async with forgetful(heard) as url, WebhookClient(allow_private=True) as client:
        destination = parse_destination(url, allow_private=True)
        request = signed_request(destination, method, [], "token", "SM1-1")
        assert await client.post(request) == Answer(204)
        second = await client.post(request)
    assert second == (Answer(204) if method == "GET" else CUT_OFF)
    assert heard == heard_in_all


@pytest.mark.e2e
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_both_event_loops_will_do(run: Callable[[Any], Any]) -> None:
    async def both() -> list[Answer | Failure]:
        async with (
            serving(Seen().answering(200, 200)) as url,
            WebhookClient(allow_private=True) as client,
        ):
            return [await client.post(a_request(url)) for _ in range(2)]

    answers = run(both())
    assert [isinstance(answer, Answer) for answer in answers] == [True, True]
