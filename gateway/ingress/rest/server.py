"""The REST API on a TCP port: uvicorn and httptools inside the daemon's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from functools import partial
from types import TracebackType
from typing import Any, Self, cast

import uvicorn
from litestar import Litestar

from gateway.ingress.rest.http_connection import HttpConnection
from gateway.ingress.rest.message_post import MessagePosts
from gateway.net.errors import ListenError

BACKLOG = 2_048
DRAIN_S_MAX = 10


class EmbeddedServer(uvicorn.Server):
    """uvicorn without its signal handlers: the daemon has its own. It tells when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class RestServer:
    """Serves an application while its context is entered.

    Leaving the context stops listening at once and lets requests in flight finish, for
    `DRAIN_S_MAX` at most. `trusted_proxies` are addresses whose X-Forwarded-For is believed,
    comma-separated; behind a proxy that is not named here, all clients count as one. `posts` take
    the requests that create messages before the application does.
    """

    def __init__(
        self,
        app: Litestar,
        host: str,
        port: int,
        *,
        trusted_proxies: str = "",
        posts: MessagePosts | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._socket: socket.socket | None = None
        self._tasks = asyncio.TaskGroup()
        self._server = EmbeddedServer(
            uvicorn.Config(
                # Both speak ASGI 3; their types for it differ in name only.
                cast(Any, app),
                http=cast(Any, partial(HttpConnection, posts=posts)),
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=bool(trusted_proxies),
                forwarded_allow_ips=trusted_proxies,
                backlog=BACKLOG,
                timeout_graceful_shutdown=DRAIN_S_MAX,
            )
        )

    @property
    def port(self) -> int:
        """The port that is bound, also where 0 asked for any free one."""
        assert self._socket is not None
        return cast(int, self._socket.getsockname()[1])

    def bind(self) -> None:
        """Take the port, so that one already taken is found out before anything has started.

        Raises:
            ListenError: it cannot be had.
        """
        if self._socket is None:
            self._socket = bound_socket(self._host, self._port)

    def close(self) -> None:
        """Give the port back; leaving the context does."""
        if self._socket is not None:
            self._socket.close()

    async def __aenter__(self) -> Self:
        self.bind()
        assert self._socket is not None
        await self._tasks.__aenter__()
        self._tasks.create_task(self._server.serve([self._socket]), name="rest server")
        try:
            await self._server.ready.wait()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stop()

    async def _stop(self) -> None:
        # Whatever ended the context, the requests in flight may end well: the group hears of no
        # error, for it would cancel the server.
        self._server.should_exit = True
        try:
            await self._tasks.__aexit__(None, None, None)
        finally:
            self.close()


def bound_socket(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        raise ListenError(host, port, error) from None
