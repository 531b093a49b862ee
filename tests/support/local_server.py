"""A web server of a test's own, on loopback."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from aiohttp import web

SHUTDOWN_S = 1.0


class LocalServer:
    """On a free port while the context is entered; `url` says where."""

    def __init__(self, app: web.Application) -> None:
        self.url = ""
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()
