"""A connection of uvicorn's, with the bounds that uvicorn leaves open, and a short way for the one
request that comes thousands of times a second.
"""

from __future__ import annotations

import asyncio
from functools import cache, partial
from http import HTTPStatus
from typing import Any

from uvicorn.config import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from gateway.ingress.rest.direct_exchange import DirectExchange, response
from gateway.ingress.rest.errors import HTTP_ERRORS, error_body
from gateway.ingress.rest.form import FORM_OCTETS_MAX
from gateway.ingress.rest.json_answer import JsonAnswer
from gateway.ingress.rest.message_post import PATH, MessagePosts

CONNECTIONS_MAX = 10_000
# uvicorn keeps headers as they come, however many.
HEAD_OCTETS_MAX = 65_536
# A request that has not come whole in this time is given up, at most as long again after it.
REQUEST_S_MAX = 30.0
# So long a peer may leave an answer unread, at most as long again after it.
UNREAD_S_MAX = 30.0
# So long a connection may idle between two requests, at most REQUEST_S_MAX longer.
KEEP_ALIVE_S = 75.0
# What only the router's way can do: a body of unknown length, an interim answer (RFC 9110
# §10.1.1), and another protocol.
ROUTED_HEADERS = frozenset({b"transfer-encoding", b"expect", b"upgrade"})
FORWARDED_FOR = b"x-forwarded-for"


class HttpConnection(HttpToolsProtocol):
    """Bounds the connections, the octets of a request's head, and the time that a request takes,
    and the reading of its answer.

    One timer for each connection sees to all of it, where uvicorn sets one for each request. The
    bounds are for a peer that never ends a request, nor begins one, nor reads what it is told.

    With `posts` a plain request that creates a message goes to them at once. Whatever else comes
    is ASGI's: other resources, requests that came before an earlier one was answered, and those
    with a header of ROUTED_HEADERS.
    """

    _deadline: asyncio.TimerHandle | None = None
    _reading_since: float | None = None
    _unread_since: float | None = None
    _answered_at = 0.0
    _in_head = True
    _head_octets = 0

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        posts: MessagePosts | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._posts = posts
        self._heard = asyncio.Event()
        # The path of the last of those requests, and its account.
        self._posts_url = b""
        self._account_sid = ""

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
        # What ASGI wants of a request besides is made where it is ASGI's.
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        # One that came in the same packet as the end of another.
        if self._reading_since is None:
            self._reading_since = self.loop.time()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_octets = 0
        if self._posts is None or not self._begin_direct():
            url, headers, expected = self.url, self.headers, self.expect_100_continue
            super().on_message_begin()
            self.headers += headers
            self.url, self.expect_100_continue = url, expected
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True
        self._head_octets = 0
        self._reading_since = None
        super().on_message_complete()
        exchange = self.cycle
        if isinstance(exchange, DirectExchange) and not exchange.response_complete:
            assert self._posts is not None
            self._posts.take(
                exchange.account_sid,
                exchange.headers,
                bytes(exchange.body),
                self._client(exchange.headers),
                partial(self._answer, exchange),
            )

    def on_response_complete(self) -> None:
        """As uvicorn's, but for its timer."""
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._answered_at = self.loop.time()

    def send_400_response(self, msg: str) -> None:
        """What uvicorn answers to octets that are no HTTP, in the words of this API."""
        self.refuse(400)

    def refuse(self, status: int) -> None:
        self.transport.write(refusal(status))
        self.transport.close()

    def _begin_direct(self) -> bool:
        """Whether a request whose head has come is one for `posts`; its body is gathered then."""
        parser = self.parser
        if parser.get_method() != b"POST":
            return False
        if self.url != self._posts_url:
            found = PATH.fullmatch(self.url)
            if found is None:
                return False
            self._posts_url, self._account_sid = self.url, found[1].decode()
        headers = dict(self.headers)
        length = headers.get(b"content-length", b"")
        earlier: RequestResponseCycle | None = self.cycle  # None before the first.
        if (
            (earlier is not None and not earlier.response_complete)
            or self.flow.write_paused
            or not length.isdigit()
            or int(length) > FORM_OCTETS_MAX
            or not ROUTED_HEADERS.isdisjoint(headers)
        ):
            return False
        # Only with this header could an older HTTP keep its connection, which it may not here.
        keep_alive = parser.should_keep_alive() and (
            b"connection" not in headers or parser.get_http_version() == "1.1"
        )
        self.cycle = DirectExchange(self._account_sid, headers, self._heard, keep_alive=keep_alive)
        return True

    def _client(self, headers: dict[bytes, bytes]) -> str:
        """The address that a request came from, also behind a proxy that is believed."""
        own = self.client[0] if self.client else ""
        app = self.config.loaded_app
        if FORWARDED_FOR in headers and isinstance(app, ProxyHeadersMiddleware):
            proxies = app.trusted_hosts
            if own in proxies:
                hops = (value for name, value in self.headers if name == FORWARDED_FOR)
                client, _ = proxies.get_trusted_client_address(b", ".join(hops).decode("latin1"))
                return client or own
        return own

    def _answer(self, exchange: DirectExchange, answer: JsonAnswer) -> None:
        exchange.response_complete = True
        if exchange.disconnected or self.transport.is_closing():
            return  # The peer has gone; what it asked for stays done.
        self.transport.write(
            response(answer, self.server_state.default_headers, keep_alive=exchange.keep_alive)
        )
        if not exchange.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _check_deadline(self) -> None:
        now = self.loop.time()
        if self._unread_since is None and self.transport.is_closing():
            self._unread_since = now  # Closed it would be, were there nothing left to read.
        if self._unread_since is not None:
            if now - self._unread_since >= UNREAD_S_MAX:
                self.transport.abort()
                return
        elif self._reading_since is not None:
            if now - self._reading_since >= REQUEST_S_MAX:
                self.refuse(408)
        elif self.cycle.response_complete and now - self._answered_at >= KEEP_ALIVE_S:
            self.transport.close()
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
