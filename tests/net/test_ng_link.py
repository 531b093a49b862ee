"""The link to an rtpengine that is a socket of the test."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest

from gateway.net import ng_link
from gateway.net.ng_link import NgLink
from gateway.ng.bencode import decode
from gateway.ng.client import Reply, Unanswered
from tests.e2e.patience import until

pytestmark = pytest.mark.e2e
LOOPBACK = "127.0.0.1"


class Server:
    """Answers `ok` to whatever comes, while it is open."""

    def __init__(self, port: int = 0) -> None:
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind((LOOPBACK, port))
        self.port: int = self.socket.getsockname()[1]
        self.commands: list[object] = []
        asyncio.get_running_loop().add_reader(self.socket.fileno(), self._on_readable)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket.fileno())
        self.socket.close()

    def _on_readable(self) -> None:
        octets, source = self.socket.recvfrom(65_535)
        cookie, _, body = octets.partition(b" ")
        self.commands.append(decode(body))
        self.socket.sendto(cookie + b" d6:result2:oke", source)


@asynccontextmanager
async def linked(host: str, port: int) -> AsyncIterator[NgLink]:
    link = NgLink(host, port, 1, Random(1))
    running = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        running.cancel()
        await asyncio.wait([running])


async def health(link: NgLink, *, up: bool) -> None:
    async def said() -> bool:
        return link.up

    await until(said, lambda is_up: is_up is up)


async def reply(link: NgLink) -> Reply | Unanswered:
    said: asyncio.Future[Reply | Unanswered] = asyncio.get_running_loop().create_future()
    link.ask({"command": "list"}, said.set_result)
    return await said


async def test_server_that_answers_is_up_and_replies() -> None:
    server = Server()
    async with linked(LOOPBACK, server.port) as link:
        await health(link, up=True)
        assert await reply(link) == {"result": b"ok"}
    assert server.commands == [{"command": b"ping"}, {"command": b"list"}]
    server.close()


async def test_request_to_a_port_that_was_closed_fails_at_once() -> None:
    server = Server()
    async with linked(LOOPBACK, server.port) as link:
        await health(link, up=True)
        server.close()
        assert await reply(link) is Unanswered.UNREACHABLE
        assert not link.up


async def test_server_that_comes_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ng_link, "REOPEN_S", 0.02)
    server = Server()
    async with linked("localhost", server.port) as link:
        await health(link, up=True)
        server.close()
        await reply(link)
        server = Server(server.port)
        await health(link, up=True)
    server.close()


async def test_name_that_nobody_has_is_a_server_that_is_down() -> None:
    async with linked("nowhere.invalid", 22_222) as link:
        assert await reply(link) is Unanswered.UNREACHABLE
