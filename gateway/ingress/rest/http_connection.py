"""A connection of uvicorn's, with the bounds that uvicorn leaves open."""

from __future__ import annotations

import asyncio
from functools import cache
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.ingress.rest.errors import HTTP_ERRORS, error_body

CONNECTIONS_MAX = 10_000
# uvicorn keeps headers as they come, however many.
HEAD_OCTETS_MAX = 65_536
# A request that has not come whole in this time is given up, at most as long again after it.
REQUEST_S_MAX = 30.0
# So long a peer may leave an answer unread, at most as long again after it.
UNREAD_S_MAX = 30.0


class HttpConnection(HttpToolsProtocol):
    """Bounds the connections, the octets of a request's head, and the time that a request takes,
    and the reading of its answer.

    uvicorn itself closes a connection that idles between two requests. These bounds are for a
    peer that never ends a request, nor begins one, nor reads what it is told.
    """

    _deadline: asyncio.TimerHandle | None = None
    _reading_since: float | None = None
    _unread_since: float | None = None
    _in_head = True
    _head_octets = 0

    def connection_made(  # type: ignore[override]  # uvicorn narrows it so, for TCP
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            self.refuse(503)
            return
        self._reading_since = self.loop.time()
        self._deadline = self.loop.call_later(REQUEST_S_MAX, self._check_deadline)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._reading_since is None:
            self._reading_since = self.loop.time()
        # Counted before the parser is fed: what ends a head, or a request, sets it back to 0.
        self._head_octets += len(data)
        super().data_received(data)
        if self._in_head and self._head_octets > HEAD_OCTETS_MAX:
            self.refuse(431)

    def pause_writing(self) -> None:
        self._unread_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._unread_since = None
        super().resume_writing()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        # One that came in the same packet as the end of another.
        if self._reading_since is None:
            self._reading_since = self.loop.time()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_octets = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True
        self._head_octets = 0
        self._reading_since = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What uvicorn answers to octets that are no HTTP, in the words of this API."""
        self.refuse(400)

    def refuse(self, status: int) -> None:
        self.transport.write(refusal(status))
        self.transport.close()

    def _check_deadline(self) -> None:
        now = self.loop.time()
        if self._unread_since is None and self.transport.is_closing():
            self._unread_since = now  # Closed it would be, were there nothing left to read.
        if self._unread_since is not None:
            if now - self._unread_since >= UNREAD_S_MAX:
                self.transport.abort()
                return
        elif self._reading_since is not None and now - self._reading_since >= REQUEST_S_MAX:
            self.refuse(408)
        self._deadline = self.loop.call_later(REQUEST_S_MAX, self._check_deadline)


@cache
def refusal(status: int) -> bytes:
    """A whole response of HTTP/1.1 (RFC 9112) that ends its connection."""
    body = error_body(status, *HTTP_ERRORS[status])
    retry_after = "retry-after: 1\r\n" if status == HTTPStatus.SERVICE_UNAVAILABLE else ""
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        f"{retry_after}connection: close\r\n\r\n"
    )
    return head.encode() + body
