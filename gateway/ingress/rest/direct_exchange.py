"""A request whose answer needs no ASGI, where uvicorn has the cycle of one that does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from gateway.ingress.rest.json_answer import CONTENT_TYPE, NO_CONTENT, Headers, JsonAnswer

# Statuses by their headers: the few that refusals have, and a date of each second.
HEADS_KEPT_MAX = 64


class DirectExchange(RequestResponseCycle):
    """As much of a cycle as a connection of uvicorn's asks: the body as it comes, and whether the
    answer is complete, the peer gone and the connection to stay.

    It is built without uvicorn's constructor, which makes an event for each request.
    """

    def __init__(
        self,
        account_sid: str,
        headers: dict[bytes, bytes],
        heard: asyncio.Event,
        *,
        keep_alive: bool,
    ) -> None:
        self.account_sid = account_sid
        self.headers = headers
        self.body = bytearray()
        self.more_body = True
        self.disconnected = False
        self.response_complete = False
        # Set by uvicorn for a task that waits for a part of the body; here nobody does.
        self.message_event = heard
        self.keep_alive = keep_alive


def response(
    answer: JsonAnswer, default_headers: Iterable[tuple[bytes, bytes]], *, keep_alive: bool
) -> bytes:
    """A whole response of HTTP/1.1 (RFC 9112)."""
    head = response_head(answer.status, (*default_headers, *answer.headers), keep_alive)
    return b"%b%d\r\n\r\n%b" % (head, len(answer.body), answer.body)


@lru_cache(HEADS_KEPT_MAX)
def response_head(status: int, headers: Headers, keep_alive: bool) -> bytes:
    """All of a head but the figure of its last header, which is the length."""
    assert status != NO_CONTENT
    if not keep_alive:
        headers = (*headers, (b"connection", b"close"))
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()]
    lines += (name + b": " + value for name, value in (*headers, CONTENT_TYPE))
    return b"\r\n".join(lines) + b"\r\ncontent-length: "
