"""The REST load generator, as its own process: `python -m tests.bench.rest_load ORDER`.

Keep-alive connections of HTTP/1.1 (RFC 9112) on bare sockets, one request under way on each: what
a client library costs would be measured as ours.
"""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections import deque
from typing import cast
from urllib.parse import quote_plus

from tests.bench import traffic
from tests.bench.load import CONNECT_S, Load, run

ACCOUNT_SID = "AC0123456789abcdef0123456789abcdef"
AUTH_TOKEN = "0123456789abcdef0123456789abcdef"

CREATED = b"201"
HEAD_END = b"\r\n\r\n"
CONTENT_LENGTH = b"content-length: "

REQUEST_HEAD = (
    f"POST /2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json HTTP/1.1\r\n"
    "Host: 127.0.0.1\r\n"
    f"Authorization: Basic {b64encode(f'{ACCOUNT_SID}:{AUTH_TOKEN}'.encode()).decode()}\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n"
    "Accept: application/json\r\n"
    "Content-Length: %d\r\n\r\n"
).encode()


class Client:
    """The connections of a run, and in an open loop what waits for one of them."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.idle: deque[ClientConnection] = deque()
        self.waiting: deque[int] = deque()
        self._recipient = traffic.RECIPIENTS_OF[load.order.recipients]

    def request(self, number: int) -> bytes:
        form = (
            f"To=%2B{self._recipient(number)}&From={traffic.sender(number)}"
            f"&Body={quote_plus(traffic.text(number))}"
        ).encode()
        return REQUEST_HEAD % len(form) + form

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
        head_end = self._received.find(HEAD_END)
        if head_end < 0:
            return
        begin = self._received.find(CONTENT_LENGTH, 0, head_end) + len(CONTENT_LENGTH)
        length = int(self._received[begin : self._received.find(b"\r", begin)])
        if len(self._received) < head_end + len(HEAD_END) + length:
            return
        status = self._received[9:12]
        self._received = b""
        self._client.load.answer(self._number, now, "" if status == CREATED else status.decode())
        self._client.free(self, now)


async def generate(load: Load) -> None:
    order = load.order
    loop = asyncio.get_running_loop()
    client = Client(load)
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
    for connection in connections:
        connection.close()


if __name__ == "__main__":
    run(generate)
