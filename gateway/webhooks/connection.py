"""One HTTP/1.1 connection to a customer's server: one request at a time, kept between them.

The server is a stranger's. What it sends is bounded: the body that is kept (ANSWER_MAX), and all of
it, headers, interim answers and chunk extensions included (RECEIVED_MAX). Whoever sends more, or
something that is no HTTP, or anything that was not asked for, is hung up on.

There is one timer for a connection, not one for each request: it looks whether a deadline has
passed, and is set anew only when it is too late for the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import httptools

from gateway.webhooks.destination import FailureKind
from gateway.webhooks.request import RETRIEVAL_FAILURE, Answer, Failure

# The longest answer that is read: Twilio's limit of a TwiML document (11750).
ANSWER_MAX = 65_536
# What a server may send in all for a request. It is more than the longest answer that is read and
# what is buffered of it by then.
RECEIVED_MAX = 1 << 20
CONTENT_TYPE_MAX = 256
# An idle connection is kept for so long.
KEEP_ALIVE_S = 30.0

PROTOCOL_VIOLATION = 11206
CUT_OFF = Failure(FailureKind.READ, PROTOCOL_VIOLATION, "HTTP violated or cut off")
LATE = Failure(FailureKind.READ, RETRIEVAL_FAILURE, "no answer in time")

Outcome = Answer | Failure


class Connection(asyncio.Protocol):
    """`on_idle` is called when it can take another request, `on_lost` once when it has ended."""

    def __init__(
        self,
        on_idle: Callable[[Connection], None],
        on_lost: Callable[[Connection], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._on_idle = on_idle
        self._on_lost = on_lost
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser = _parser(self)
        self._waiter: asyncio.Future[Outcome] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._total_at = self._read_at = 0.0
        self._read_s = 0.0
        self._received = 0
        self._in_answer = False
        self._has_length = False
        self._content_type = ""
        self._body = bytearray()
        # Nothing has come for the present request.
        self.silent = True

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, octets: bytes, total_at: float, read_s: float) -> asyncio.Future[Outcome]:
        """Send a request. Its outcome comes by `total_at`, and no later than `read_s` after the
        last octet that the server sent."""
        assert self._transport is not None
        waiter = self._waiter = self._loop.create_future()
        self._received = 0
        self.silent = True
        self._read_s = read_s
        self._total_at = total_at
        self._read_at = self._loop.time() + read_s
        self._watch()
        self._transport.write(octets)
        return waiter

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's, but in what they do.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:
            self.abort()  # Nothing was asked.
            return
        self.silent = False
        self._received += len(data)
        self._read_at = self._loop.time() + self._read_s
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._end(CUT_OFF)
            self.abort()
        else:
            # In the midst of what is of no use any more, or without end.
            if self._in_answer and self._waiter is None:
                self.abort()
            elif self._received > RECEIVED_MAX:
                self._end(CUT_OFF)
                self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._waiter is not None:
            whole = self._in_answer and not self._has_length and error is None
            # An answer of no stated length ends with its connection (RFC 9112 §6.3).
            self._end(self._answer() if whole else CUT_OFF)
        self._transport = None
        self._on_lost(self)

    # What the parser has found

    def on_header(self, name: bytes, value: bytes) -> None:
        lowered = name.lower()
        if lowered == b"content-type":
            self._content_type = value[:CONTENT_TYPE_MAX].decode("utf-8", "surrogateescape")
        elif lowered in (b"content-length", b"transfer-encoding"):
            self._has_length = True

    def on_message_begin(self) -> None:
        if self._waiter is None:
            self.abort()  # A second answer to one request.
        self._content_type = ""
        self._has_length = False
        self._body.clear()

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            return  # Interim (RFC 9110 §15.2): the answer is still to come.
        self._in_answer = True
        if status >= 300:
            self._end(_refused(status))

    def on_body(self, octets: bytes) -> None:
        if self._waiter is None:
            return
        self._body += octets
        if len(self._body) > ANSWER_MAX:
            self._end(self._answer())

    def on_message_complete(self) -> None:
        if not self._in_answer:
            return
        self._in_answer = False
        if self._waiter is not None:
            self._end(self._answer())
        if not self._parser.should_keep_alive():
            if self._transport is not None:
                self._transport.close()
        elif self.is_open:
            self._total_at = self._read_at = self._loop.time() + KEEP_ALIVE_S
            self._on_idle(self)

    def _answer(self) -> Answer:
        return Answer(
            status=self._parser.get_status_code(),
            content_type=self._content_type,
            body=bytes(self._body[:ANSWER_MAX]),
            truncated=len(self._body) > ANSWER_MAX,
        )

    def _end(self, outcome: Outcome) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(outcome)

    # Time

    def _watch(self) -> None:
        due = min(self._total_at, self._read_at)
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._loop.time() < min(self._total_at, self._read_at):
            self._watch()
            return
        self._end(LATE)
        self.abort()


def _parser(connection: Connection) -> httptools.HttpResponseParser:
    """As forgiving as aiohttp's client is: only the server itself could be misunderstood."""
    parser = httptools.HttpResponseParser(connection)
    parser.set_dangerous_leniencies(
        lenient_headers=True,
        lenient_optional_cr_before_lf=True,
        lenient_spaces_after_chunk_size=True,
    )
    return parser


def _refused(status: int) -> Failure:
    """A status other than 2xx; a redirect is one, because it is not followed."""
    kind = FailureKind.SERVER_ERROR if status >= 500 else FailureKind.CLIENT_ERROR
    return Failure(kind, RETRIEVAL_FAILURE, f"status {status}")
