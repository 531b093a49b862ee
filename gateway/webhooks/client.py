"""Makes one HTTP request to a customer's server, from a safe distance.

The server is a stranger's: names are judged when they are resolved, redirects are not followed,
cookies are not kept, TLS is verified, answers are read up to a bound and are not unpacked. A server
that sends without end is hung up on, in whatever part of HTTP it does so (`Connection`).

It is our own because a status callback is a small POST over a kept connection, thousands of times a
second: a client library takes several times as long for that.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from functools import lru_cache
from ipaddress import ip_address
from types import TracebackType
from typing import NamedTuple, Self

from aiohappyeyeballs import start_connection

from gateway.webhooks.connection import CUT_OFF, LATE, Connection
from gateway.webhooks.destination import FailureKind
from gateway.webhooks.request import Answer, Failure, WebhookRequest
from gateway.webhooks.resolver import AddressInfo, ForbiddenAddressError, GuardedResolver, Lookup

CONNECT_TIMEOUT_S = 5.0
RESPONSE_TIMEOUT_S = 15.0
# The next address of a name is tried too when one has not answered for so long (RFC 8305 §5).
HAPPY_EYEBALLS_S = 0.25
# An idle connection is kept unless there are more than so many in all: of a hundred thousand
# servers most are called too seldom for that, and descriptors are few.
CONNECTIONS_MAX = 2_000
ORIGINS_CACHED_MAX = 4_096

CANNOT_CONNECT = 11205
CANNOT_RESOLVE = 11210
TLS_HANDSHAKE = 11220
TLS_CERTIFICATE = 11237


class Origin(NamedTuple):
    """Where connections of a URL go, and what its requests say of that."""

    tls: bool
    host: str
    port: int
    authority: str


class ConnectError(Exception):
    """There is no connection, for the reason in `failure`."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


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
        self._connect_s = connect_timeout_s
        self._response_s = response_timeout_s
        self._connections_max = connections_max
        self._idle: dict[Origin, list[Connection]] = {}
        self._open: dict[Connection, Origin] = {}

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._resolver = GuardedResolver(self._allow_private, self._lookup)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for connection in list(self._open):
            connection.abort()
        self._resolver.close()

    async def post(self, request: WebhookRequest) -> Answer | Failure:
        """Send the request once. Every trouble of the server's comes back as a `Failure`."""
        given = request.overrides
        total_s = given.total_ms / 1000 if given.total_ms else self._response_s
        read_s = given.read_ms / 1000 if given.read_ms else self._response_s
        total_at = self._loop.time() + total_s
        scheme, _, rest = request.url.partition("://")
        authority, _, path = rest.partition("/")
        origin = origin_of(scheme, authority)
        octets = _octets(request, origin.authority, path)
        connection = self._kept(origin)
        if connection is not None:
            outcome = await _ask(connection, octets, total_at, read_s)
            # It was hung up on while it was idle: what may be said twice is said again (RFC 9112
            # §9.3.1). Of a POST nobody knows whether it has been heard.
            if not (outcome is CUT_OFF and connection.silent and request.method == "GET"):
                return outcome
        connect_s = given.connect_ms / 1000 if given.connect_ms else self._connect_s
        try:
            connection = await self._connect(origin, connect_s, total_at)
        except ConnectError as error:
            return error.failure
        return await _ask(connection, octets, total_at, read_s)

    # Connections

    def _kept(self, origin: Origin) -> Connection | None:
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if connection.is_open:
                return connection
        return None

    async def _connect(self, origin: Origin, connect_s: float, total_at: float) -> Connection:
        connect_at = self._loop.time() + connect_s
        try:
            async with asyncio.timeout_at(min(connect_at, total_at)):
                addresses = await self._addresses(origin)
                connection = await self._open_one(origin, addresses)
        except ConnectError:
            raise
        except TimeoutError:
            late = Failure(FailureKind.CONNECT, CANNOT_CONNECT, "connect timed out")
            raise ConnectError(late if connect_at <= total_at else LATE) from None
        except ssl.CertificateError as error:
            raise _cannot(TLS_CERTIFICATE, "certificate not valid") from error
        except ssl.SSLError as error:
            raise _cannot(TLS_HANDSHAKE, "TLS handshake failed") from error
        except OSError as error:
            self._resolver.forget(origin.host, origin.port)
            raise _cannot(CANNOT_CONNECT, "cannot connect") from error
        return connection

    async def _addresses(self, origin: Origin) -> list[AddressInfo]:
        if address := _as_address(origin):
            return [address]
        try:
            return await self._resolver.addresses(origin.host, origin.port)
        except ForbiddenAddressError as error:
            failure = Failure(FailureKind.FORBIDDEN, CANNOT_CONNECT, str(error))
            raise ConnectError(failure) from error
        except OSError as error:
            raise _cannot(CANNOT_RESOLVE, "name not resolved") from error

    async def _open_one(self, origin: Origin, addresses: list[AddressInfo]) -> Connection:
        connected = await start_connection(
            addresses, happy_eyeballs_delay=HAPPY_EYEBALLS_S, interleave=1
        )
        connection = Connection(self._on_idle, self._on_lost, self._loop)
        # Counted before it can be lost.
        self._open[connection] = origin
        try:
            await self._loop.create_connection(
                lambda: connection,
                sock=connected,
                ssl=(self._tls or _default_tls()) if origin.tls else None,
                server_hostname=origin.host.rstrip(".") if origin.tls else None,
            )
        except BaseException:
            self._open.pop(connection, None)
            connected.close()
            raise
        return connection

    def _on_idle(self, connection: Connection) -> None:
        origin = self._open.get(connection)
        if origin is None or len(self._open) > self._connections_max:
            connection.abort()
        else:
            self._idle.setdefault(origin, []).append(connection)

    def _on_lost(self, connection: Connection) -> None:
        origin = self._open.pop(connection, None)
        idle = self._idle.get(origin) if origin else None
        if origin and idle is not None:
            if connection in idle:
                idle.remove(connection)
            if not idle:
                del self._idle[origin]


async def _ask(
    connection: Connection, octets: bytes, total_at: float, read_s: float
) -> Answer | Failure:
    try:
        return await connection.ask(octets, total_at, read_s)
    except asyncio.CancelledError:
        connection.abort()
        raise


def _octets(request: WebhookRequest, authority: str, path: str) -> bytes:
    lines = [f"{request.method} /{path} HTTP/1.1\r\nHost: {authority}\r\nAccept: */*\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in request.headers.items()]
    if request.body or request.method != "GET":
        lines.append(f"Content-Length: {len(request.body)}\r\n")
    head = "".join(lines)
    if head.count("\n") != len(lines) + 2 or head.count("\r") != len(lines) + 2:
        raise ValueError("a line break within a header")
    return f"{head}\r\n".encode() + request.body


@lru_cache(maxsize=ORIGINS_CACHED_MAX)
def origin_of(scheme: str, authority: str) -> Origin:
    """Of a URL that `parse_destination` has made."""
    tls = scheme == "https"
    host, colon, port = authority.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = authority, "443" if tls else "80"
    return Origin(tls, host.strip("[]"), int(port), authority)


@lru_cache(maxsize=ORIGINS_CACHED_MAX)
def _as_address(origin: Origin) -> AddressInfo | None:
    try:
        version = ip_address(origin.host).version
    except ValueError:
        return None
    place = (origin.host, origin.port) if version == 4 else (origin.host, origin.port, 0, 0)
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place


@lru_cache(maxsize=1)
def _default_tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _cannot(code: int, detail: str) -> ConnectError:
    return ConnectError(Failure(FailureKind.CONNECT, code, detail))
