"""An answer that is no JSON."""

from __future__ import annotations

from litestar.types import Receive, Scope, Send

from gateway.ingress.rest.json_answer import Headers


class OctetsAnswer:
    """An ASGI application that answers with octets of some media type."""

    __slots__ = ("body", "headers", "media_type", "status")

    def __init__(
        self, status: int, media_type: str, body: bytes = b"", headers: Headers = ()
    ) -> None:
        self.status = status
        self.media_type = media_type
        self.body = body
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [
            *self.headers,
            (b"content-type", self.media_type.encode()),
            (b"content-length", b"%d" % len(self.body)),
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})
