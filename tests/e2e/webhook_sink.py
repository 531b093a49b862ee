"""A customer's web server: checks signatures as Twilio's own library does, and keeps the calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from twilio.request_validator import (
    RequestValidator,
)

from tests.e2e.configuration import AUTH_TOKEN
from tests.e2e.process import PATIENCE_S
from tests.support.local_server import LocalServer


@dataclass(frozen=True)
class Call:
    """One webhook; `signed` says whether X-Twilio-Signature is right."""

    path: str
    fields: dict[str, str]
    signed: bool


class WebhookSink(LocalServer):
    """Answers 200 to every path, with the TwiML that `replies` has for the Body, else empty."""

    def __init__(self, token: str = AUTH_TOKEN) -> None:
        self.calls: list[Call] = []
        self.replies: dict[str, str] = {}
        self._validator = RequestValidator(token)
        self._grown = asyncio.Event()
        app = web.Application()
        app.router.add_post("/{path:.*}", self._take)
        super().__init__(app)

    def of(self, path: str) -> list[dict[str, str]]:
        """The fields of the calls to a path, in the order in which they came."""
        return [call.fields for call in self.calls if call.path == path]

    async def wait_for(self, enough: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
        """Until `enough` holds; looked at after each call."""
        async with asyncio.timeout(timeout_s):
            while not enough():
                self._grown.clear()
                await self._grown.wait()

    async def _take(self, request: web.Request) -> web.Response:
        fields = {name: str(value) for name, value in (await request.post()).items()}
        url = f"http://{request.host}{request.raw_path}"
        signature = request.headers.get("X-Twilio-Signature", "")
        signed = bool(self._validator.validate(url, fields, signature))
        self.calls.append(Call(request.path, fields, signed))
        self._grown.set()
        reply = self.replies.get(fields.get("Body", ""))
        twiml = f"<Response>{reply}</Response>" if reply else "<Response/>"
        return web.Response(text=twiml, content_type="text/xml")
