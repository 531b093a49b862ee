"""A customer's web server: tells the ledger what it hears, and has its bad times."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from aiohttp import web
from twilio.request_validator import (
    RequestValidator,
)

from tests.e2e.configuration import AUTH_TOKEN
from tests.e2e.kill_loop_ledger import Ledger

SHUTDOWN_S = 1.0


class WebServer:
    """`/status` takes status callbacks and hands (sid, status) to `over`; `/sms` takes messages
    from handsets. It answers after `delay_s`. While `broken` it answers 500 and hears nothing;
    `close` and `open` let its port go away and come back."""

    def __init__(
        self, ledger: Ledger, over: Callable[[str, str], None], host: str = "127.0.0.1"
    ) -> None:
        self.delay_s = 0.0
        self.broken = False
        self.calls = 0
        self.unsigned = 0
        self._host = host
        self._port = 0
        self._ledger = ledger
        self._over = over
        self._validator = RequestValidator(AUTH_TOKEN)
        app = web.Application()
        app.router.add_post("/status", self._status)
        app.router.add_post("/sms", self._sms)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        self._site: web.TCPSite | None = None

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._port}"

    async def open(self) -> None:
        self._site = web.TCPSite(self._runner, self._host, self._port, reuse_address=True)
        await self._site.start()
        self._port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Nobody listens at the port any more; those who are connected stay so, unheard."""
        if self._site is not None:
            await self._site.stop()
            self._site = None

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await self.open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    async def _status(self, request: web.Request) -> web.Response:
        if (fields := await self._heard(request)) is None:
            return web.Response(status=500)
        self._over(fields["MessageSid"], fields["MessageStatus"])
        return web.Response()

    async def _sms(self, request: web.Request) -> web.Response:
        if (fields := await self._heard(request)) is None:
            return web.Response(status=500)
        self._ledger.from_handsets[fields["Body"]] += 1
        return web.Response(text="<Response/>", content_type="text/xml")

    async def _heard(self, request: web.Request) -> dict[str, str] | None:
        """The fields of a call, unless we are broken."""
        fields = {name: str(value) for name, value in (await request.post()).items()}
        await asyncio.sleep(self.delay_s)
        if self.broken or self._site is None:
            return None
        self.calls += 1
        url = f"http://{request.host}{request.raw_path}"
        signature = request.headers.get("X-Twilio-Signature", "")
        if not self._validator.validate(url, fields, signature):
            self.unsigned += 1
        return fields
