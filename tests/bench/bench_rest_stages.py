"""Where a REST request's time goes: `python -m tests.bench.bench_rest_stages`, half a minute.

CPU in µs a request, the least of many rounds: first each stage alone, then whole requests from
octets to octets, on 32 connections without sockets. Whole requests have the real connection, gate,
form, admission and answer in them, and a store that is memory.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import quote_plus

import httptools
import uvicorn
import uvloop
from uvicorn.server import ServerState

from gateway.config.credentials import Credentials
from gateway.daemon import GC_THRESHOLDS
from gateway.ingress.rest.authentication import Authentication
from gateway.ingress.rest.direct_exchange import response
from gateway.ingress.rest.form import parse_form
from gateway.ingress.rest.http_connection import HttpConnection
from gateway.ingress.rest.message_form import message_request
from gateway.ingress.rest.message_post import MessagePosts
from gateway.ingress.rest.messages import created
from tests.ingress.rest.builders import ACCOUNT_SID, AUTH_TOKEN, MESSAGES, Api, an_account, basic

# Short rounds and many, of which some are not disturbed on a busy machine.
ROUNDS = 400
CALLS = 50
CONNECTIONS = 32
TURNS = 2
TEXT = "0000000001 is the number of this message, which has a hundred characters, as texts may."
FORM = f"To=%2B12015550101&From=55501&Body={quote_plus(TEXT)}".encode()
REQUEST = (
    f"POST {MESSAGES} HTTP/1.1\r\n"
    "Host: 127.0.0.1\r\n"
    f"Authorization: {basic(ACCOUNT_SID, AUTH_TOKEN)}\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n"
    "Accept: application/json\r\n"
    f"Content-Length: {len(FORM)}\r\n\r\n"
).encode() + FORM
DATE = [(b"date", b"Fri, 02 Jan 2026 03:04:05 GMT")]


class MemoryTransport:
    """A socket that is always writable and forgets what is written."""

    def write(self, octets: bytes) -> None: ...

    def resume_reading(self) -> None: ...

    def is_closing(self) -> bool:
        return False

    def get_extra_info(self, name: str, default: object = None) -> object:
        return {"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)}.get(name, default)


class Deaf:
    """Hears what the parser has to say."""

    def on_url(self, url: bytes) -> None: ...

    def on_header(self, name: bytes, value: bytes) -> None: ...

    def on_body(self, body: bytes) -> None: ...


def say(what: str, cpu_us: float) -> None:
    sys.stdout.write(f"{what:<44} {cpu_us:7.2f}\n")


def stage(what: str, call: Callable[[], object], before: Callable[[], object] = int) -> None:
    """The least of ROUNDS, each after `before`."""
    least = float("inf")
    for _ in range(ROUNDS):
        before()
        began = time.process_time()
        for _ in range(CALLS):
            call()
        least = min(least, time.process_time() - began)
    say(what, least / CALLS * 1e6)


def stages(api: Api) -> None:
    account = api.account
    authentication = Authentication(Credentials([account]))
    authorization = basic(ACCOUNT_SID, AUTH_TOKEN).encode()
    form = parse_form(FORM)
    request = message_request(form, account)
    message = api.intake.take(request)
    answer = created(message)
    parser = httptools.HttpRequestParser(Deaf())
    stage("HTTP parser (httptools)", lambda: parser.feed_data(REQUEST))
    stage(
        "authentication",
        lambda: authentication.account(authorization, "127.0.0.1", ACCOUNT_SID, 0.0),
    )
    stage("form", lambda: parse_form(FORM))
    stage("request to send", lambda: message_request(form, account))
    stage("admission", lambda: api.intake.admission.check(request, 0.0))
    stage("store in memory, admission included", lambda: api.intake.take(request), api.forget)
    stage("answer", lambda: created(message))
    stage("response", lambda: response(answer, DATE, keep_alive=True))


async def whole(what: str, api: Api, app: object, posts: MessagePosts | None) -> None:
    """A request on each connection, then another, until all are answered."""
    state = ServerState()
    state.default_headers = DATE
    config = uvicorn.Config(cast(Any, app), ws="none", lifespan="off", log_config=None)
    config.access_log = False
    config.load()
    connections = [HttpConnection(config, state, {}, posts=posts) for _ in range(CONNECTIONS)]
    for connection in connections:
        connection.connection_made(cast(asyncio.Transport, MemoryTransport()))
    least = float("inf")
    for _ in range(ROUNDS):
        api.forget()
        began = time.process_time()
        for _ in range(TURNS):
            for connection in connections:
                connection.data_received(REQUEST)
            while state.tasks:
                await asyncio.wait(state.tasks)
        least = min(least, time.process_time() - began)
    say(what, least / CONNECTIONS / TURNS * 1e6)
    for connection in connections:
        connection.connection_lost(OSError())


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


async def main() -> None:
    api = Api(an_account(requests_per_second=1e9, concurrent_requests=CONNECTIONS))
    # As the daemon does once it has started.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    stages(api)
    await whole("whole, an ASGI application that does nothing", api, nothing, None)
    await whole("whole, by the router", api, api.app, None)
    await whole("whole, direct", api, api.app, api.posts)


if __name__ == "__main__":
    uvloop.run(main())
