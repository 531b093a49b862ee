"""The HTTP load generator, as its own process: `python -m tests.bench.http_load ORDER`.

Keep-alive connections of HTTP/1.1 (RFC 9112) on bare sockets, one request under way on each: what
a client library costs would be measured as the gateway's. Where receipts are told by callbacks, it
is their server too.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import cast

from tests.bench import traffic
from tests.bench.http_dialects import DIALECTS, HttpMessage
from tests.bench.load import CONNECT_S, Load, run

HEAD_END = b"\r\n\r\n"
CONTENT_LENGTH = b"\r\ncontent-length: "
CHUNKED = b"\r\ntransfer-encoding: chunked"
LAST_CHUNK = b"\r\n0\r\n\r\n"
# Jasmin wants these very words.
THANKS = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nACK/Jasmin"


def message_end(octets: bytes) -> int:
    """Where the HTTP message at the beginning of these ends, 0 while that has not come."""
    head_end = octets.find(HEAD_END)
    if head_end < 0:
        return 0
    head = octets[: head_end + 2].lower()
    if CHUNKED in head:
        last = octets.find(LAST_CHUNK, head_end + 2)
        return last + len(LAST_CHUNK) if last >= 0 else 0
    at = head.find(CONTENT_LENGTH)
    begin = at + len(CONTENT_LENGTH)
    length = int(head[begin : head.find(b"\r", begin)]) if at >= 0 else 0
    end = head_end + len(HEAD_END) + length
    return end if len(octets) >= end else 0


class Client:
    """The connections of a run, and in an open loop what waits for one of them."""

    def __init__(self, load: Load) -> None:
        order = load.order
        self.load = load
        self.dialect = DIALECTS[order.dialect]
        self.callback_url = ""
        self.idle: deque[ClientConnection] = deque()
        self.waiting: deque[int] = deque()
        self._recipient = traffic.RECIPIENTS_OF[order.recipients]
        self._numbers: dict[bytes, int] = {}
        self._told: list[tuple[bytes, float]] = []

    def request(self, number: int) -> bytes:
        return self.dialect.request(
            HttpMessage(
                number,
                traffic.sender(number),
                self._recipient(number),
                traffic.text(number),
                self.load.order.receipts,
                self.callback_url,
            )
        )

    def send(self, number: int, _intended_at: float) -> None:
        """Over an idle connection, now or when there is one."""
        if self.idle:
            self.idle.popleft().post(number)
        else:
            self.waiting.append(number)

    def free(self, connection: ClientConnection, now: float) -> None:
        """A connection can carry the next request."""
        if not self.load.order.rate:
            for number in self.load.take(1, now):
                connection.post(number)
        elif self.waiting:
            connection.post(self.waiting.popleft())
        else:
            self.idle.append(connection)

    def answered(self, number: int, answer: bytes, now: float) -> None:
        status = answer[9:12]
        taken = status == self.dialect.accepted
        if taken and self.callback_url and self.dialect.id_before:
            begin = answer.find(self.dialect.id_before) + len(self.dialect.id_before)
            self._numbers[answer[begin : answer.find(b'"', begin)]] = number
        self.load.answer(number, now, "" if taken else status.decode())

    def called_back(self, request: bytes, now: float) -> None:
        """Whose it is may be found out later: it may come before the answer to its message."""
        self.load.callbacks += 1
        if self.dialect.told in request:
            self._told.append((request, now))
            self.load.receipt()

    def note_receipts(self) -> None:
        """Find out whose receipts they were; of an unknown id, none of ours."""
        for request, at in self._told:
            if self.dialect.id_before:
                number = self._numbers.get(_value(request, b"MessageSid="), 0)
            else:
                number = int(_value(request, b"?n="))
            self.load.receipted.note(number, at)


def _value(request: bytes, name: bytes) -> bytes:
    begin = request.find(name) + len(name)
    ends = (request.find(mark, begin) for mark in (b"&", b" "))
    return request[begin : min((end for end in ends if end >= 0), default=len(request))]


class ClientConnection(asyncio.Protocol):
    def __init__(self, client: Client) -> None:
        self._client = client
        self._received = b""
        self._number = 0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def close(self) -> None:
        self._transport.close()

    def post(self, number: int) -> None:
        self._number = number
        self._transport.write(self._client.request(number))

    def data_received(self, octets: bytes) -> None:
        now = time.monotonic()
        self._received += octets
        if message_end(self._received):
            answer, self._received = self._received, b""
            self._client.answered(self._number, answer, now)
            self._client.free(self, now)


class CallbackConnection(asyncio.Protocol):
    """One of the system under test, which tells receipts over it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, octets: bytes) -> None:
        now = time.monotonic()
        self._received += octets
        while end := message_end(self._received):
            request, self._received = self._received[:end], self._received[end:]
            self._client.called_back(request, now)
            self._transport.write(THANKS)


async def generate(load: Load) -> None:
    order = load.order
    loop = asyncio.get_running_loop()
    client = Client(load)
    server = await loop.create_server(lambda: CallbackConnection(client), "127.0.0.1", 0)
    if order.callbacks:
        client.callback_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/receipt"
    connections = []
    async with asyncio.timeout(CONNECT_S):
        for _ in range(order.connections):
            _, connection = await loop.create_connection(
                lambda: ClientConnection(client), "127.0.0.1", order.port
            )
            connections.append(connection)
    now = time.monotonic()
    load.begin(now)
    for connection in connections:
        client.free(connection, now)
    if order.rate:
        await load.pace(client.send)
    await load.wait_settled()
    client.note_receipts()
    for connection in connections:
        connection.close()
    server.close()


if __name__ == "__main__":
    run(generate)
