"""Makes one HTTP request to a customer's server, from a safe distance.

The server is a stranger's: names are judged when they are resolved, redirects are not followed,
cookies are not kept, TLS is verified, answers are read up to a bound and are not unpacked. A server
that sends without end is hung up on, in whatever part of HTTP it does so.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from gateway.webhooks.destination import FailureKind, is_public
from gateway.webhooks.request import RETRIEVAL_FAILURE, Answer, Failure, WebhookRequest

# The longest answer that is read: Twilio's limit of a TwiML document (11750).
ANSWER_MAX = 65_536

# What a server may send in all, headers and interim answers included. It is more than the longest
# answer that is read and what is buffered of it by then.
RECEIVED_MAX = 1 << 20

# Lookups block a thread each, and a dead zone blocks it for long; the loop's own threads are few.
# They are made as they are needed.
DNS_THREADS_MAX = 256
DNS_CACHE_S = 30
CONNECT_TIMEOUT_S = 5.0
RESPONSE_TIMEOUT_S = 15.0
# An idle connection is kept for so long, unless there are more than so many in all: of a hundred
# thousand servers most are called too seldom for that, and descriptors are few.
KEEP_ALIVE_S = 30.0
CONNECTIONS_MAX = 2_000

CANNOT_CONNECT = 11205
PROTOCOL_VIOLATION = 11206
CANNOT_RESOLVE = 11210
TLS_HANDSHAKE = 11220
TLS_CERTIFICATE = 11237

# The shape of `socket.getaddrinfo`.
AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]
Lookup = Callable[..., Sequence[AddressInfo]]


class ForbiddenAddressError(OSError):
    """A name leads to no public address."""


class GuardedResolver(AbstractResolver):
    """Resolves names, and hands out only addresses that may be called.

    aiohttp connects to exactly these addresses, so that nothing is looked up twice. (It asks no
    resolver about an address; `parse_destination` has judged those.)
    """

    def __init__(self, allow_private: bool, lookup: Lookup = socket.getaddrinfo) -> None:
        self._allow_private = allow_private
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(DNS_THREADS_MAX, thread_name_prefix="webhook-dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host.

        Raises:
            ForbiddenAddressError: none of them may be called.
            OSError: the name cannot be resolved.
        """
        lookup = partial(self._lookup, host, port, family=family, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, lookup)
        allowed = [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=found_family,
                proto=proto,
                flags=socket.AI_NUMERICHOST,
            )
            for found_family, _type, proto, _name, address in found
            if self._allow_private or is_public(ip_address(address[0]))
        ]
        if found and not allowed:
            raise ForbiddenAddressError("the name leads to a private address")
        return allowed

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class Connections:
    """How many there are; of more than `kept_max` none is kept after its answer."""

    def __init__(self, kept_max: int) -> None:
        self._kept_max = kept_max
        self.open = 0

    @property
    def are_too_many(self) -> bool:
        return self.open > self._kept_max


class BoundedAnswer(ResponseHandler):
    """Hangs up on a server that sends more than RECEIVED_MAX for one request.

    aiohttp bounds what it keeps of headers, trailers and bodies. This bounds what it reads for
    nothing: interim answers and chunk extensions would keep the loop busy as long as a request may
    take, and so make others late.
    """

    def __init__(self, connections: Connections, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._connections = connections
        self._received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.open += 1
        super().connection_made(transport)

    def connection_lost(self, error: BaseException | None) -> None:
        self._connections.open -= 1
        super().connection_lost(error)

    @property
    def should_close(self) -> bool:
        return self._connections.are_too_many or super().should_close

    def set_response_params(self, **params: Any) -> None:
        """A request begins."""
        self._received = 0
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._received <= RECEIVED_MAX:
            super().data_received(data)
        elif self.transport is not None:
            self.transport.abort()


class BoundedConnector(aiohttp.TCPConnector):
    """Counts its connections, and bounds their answers."""

    def __init__(self, connections: Connections, **options: Any) -> None:
        super().__init__(**options)
        # There is no public way to say so; a test notices if it no longer works.
        bounded: Callable[..., ResponseHandler] = BoundedAnswer
        self._factory = partial(bounded, connections, self._loop)


class WebhookClient:
    """An HTTP client for webhooks, to be entered on the loop that uses it.

    How many requests run at once is decided by the outbox. `tls` replaces the default context,
    which verifies against the system's authorities. The name, the connection and TLS together have
    `connect_timeout_s`, a whole request `response_timeout_s`; a URL's overrides come first.
    """

    def __init__(
        self,
        allow_private: bool = False,
        lookup: Lookup = socket.getaddrinfo,
        tls: ssl.SSLContext | None = None,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        response_timeout_s: float = RESPONSE_TIMEOUT_S,
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        self._allow_private = allow_private
        self._lookup = lookup
        self._tls = tls
        self._connect_ms = connect_timeout_s * 1000
        self._response_ms = response_timeout_s * 1000
        self._connections = Connections(connections_max)

    async def __aenter__(self) -> Self:
        self._resolver = GuardedResolver(self._allow_private, self._lookup)
        connector = BoundedConnector(
            self._connections,
            limit=0,
            resolver=self._resolver,
            ttl_dns_cache=DNS_CACHE_S,
            keepalive_timeout=KEEP_ALIVE_S,
            ssl=self._tls or True,
        )
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()
        await self._resolver.close()

    async def post(self, request: WebhookRequest) -> Answer | Failure:
        """Send the request once. Every trouble of the server's comes back as a `Failure`."""
        given = request.overrides
        timeout = aiohttp.ClientTimeout(
            total=(given.total_ms or self._response_ms) / 1000,
            connect=(given.connect_ms or self._connect_ms) / 1000,
            sock_read=(given.read_ms or self._response_ms) / 1000,
        )
        try:
            async with self._session.request(
                request.method,
                URL(request.url, encoded=True),
                data=request.body or None,
                headers=request.headers,
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                return await _answer(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            return _failure(error)


async def _answer(response: aiohttp.ClientResponse) -> Answer | Failure:
    if not 200 <= response.status < 300:
        return _refused(response.status)
    body = await _read(response.content)
    return Answer(
        status=response.status,
        content_type=response.headers.get("Content-Type", ""),
        body=body[:ANSWER_MAX],
        truncated=len(body) > ANSWER_MAX,
    )


async def _read(content: aiohttp.StreamReader) -> bytes:
    """The body, or as much of it as shows that it is too long."""
    chunks = bytearray()
    while len(chunks) <= ANSWER_MAX:
        chunk = await content.read(ANSWER_MAX + 1 - len(chunks))
        if not chunk:
            break
        chunks += chunk
    return bytes(chunks)


def _refused(status: int) -> Failure:
    """A status other than 2xx; a redirect is one, because it is not followed."""
    kind = FailureKind.SERVER_ERROR if status >= 500 else FailureKind.CLIENT_ERROR
    return Failure(kind, RETRIEVAL_FAILURE, f"status {status}")


def _failure(error: aiohttp.ClientError | TimeoutError) -> Failure:
    """The name of a trouble. Subclasses stand before their bases."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            return Failure(FailureKind.CONNECT, CANNOT_CONNECT, "connect timed out")
        case TimeoutError():
            return Failure(FailureKind.READ, RETRIEVAL_FAILURE, "no answer in time")
        case aiohttp.ClientConnectorDNSError():
            if isinstance(error.os_error, ForbiddenAddressError):
                return Failure(FailureKind.FORBIDDEN, CANNOT_CONNECT, str(error.os_error))
            return Failure(FailureKind.CONNECT, CANNOT_RESOLVE, "name not resolved")
        case aiohttp.ClientConnectorCertificateError():
            return Failure(FailureKind.CONNECT, TLS_CERTIFICATE, "certificate not valid")
        case aiohttp.ClientSSLError():
            return Failure(FailureKind.CONNECT, TLS_HANDSHAKE, "TLS handshake failed")
        case aiohttp.ClientConnectorError():
            return Failure(FailureKind.CONNECT, CANNOT_CONNECT, "cannot connect")
        case _:
            return Failure(FailureKind.READ, PROTOCOL_VIOLATION, "HTTP violated or cut off")
