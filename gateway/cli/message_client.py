"""A client of the REST API, as small as `supernet send` and `supernet route` need it."""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator
from types import TracebackType
from typing import TypeVar
from urllib.parse import quote, urlsplit

import aiohttp
import msgspec

from gateway.cli.console import CommandError
from gateway.ingress.rest.routing_json import DecisionResource

T = TypeVar("T")

API_VERSION = "2010-04-01"
ROUTING = "/v1/Routing"
REQUEST_TIMEOUT_S = 60.0
# Below the server's own, so that a connection is not closed under a request that just starts.
KEEP_ALIVE_S = 4.0
PAGE_SIZE = 1_000


class MessageState(msgspec.Struct, frozen=True, gc=False):
    """What is needed of a message resource; the rest of it is not kept."""

    sid: str
    status: str
    date_created: str = ""
    error_code: int | None = None
    error_message: str | None = None


class Refusal(msgspec.Struct, frozen=True):
    """The gateway has not accepted the message. `status` is HTTP's, 0 without any answer."""

    status: int
    code: int = 0
    message: str = ""
    retry_after_s: float = 0.0


class OutcomeUnknown(msgspec.Struct, frozen=True):
    """The answer did not come, so the message may have been accepted. It is not sent again."""

    reason: str


class MessagePage(msgspec.Struct, frozen=True):
    messages: list[MessageState]
    next_page_uri: str | None = None


class ErrorBody(msgspec.Struct, frozen=True):
    code: int = 0
    message: str = ""


class MessageClient:
    """Creates, fetches and lists the messages of one account, and asks for their routes, on
    keep-alive connections.

    Raises:
        CommandError: `url` is none.
    """

    def __init__(self, url: str, account_sid: str, auth_token: str, connections_max: int) -> None:
        check_url(url)
        self._url = url.rstrip("/")
        self._messages = f"/{API_VERSION}/Accounts/{account_sid}/Messages"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections_max, keepalive_timeout=KEEP_ALIVE_S),
            headers={"Authorization": basic(account_sid, auth_token)},
            timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S),
        )

    async def __aenter__(self) -> MessageClient:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def create(
        self, to: str, sender: str, body: str
    ) -> MessageState | Refusal | OutcomeUnknown:
        """Hand a message over, once."""
        form = {"To": to, "From": sender, "Body": body}
        try:
            async with self._session.post(
                f"{self._url}{self._messages}.json", data=form
            ) as response:
                octets = await response.read()
                if response.status == 201:
                    return msgspec.json.decode(octets, type=MessageState)
                return _refusal(response, octets)
        except aiohttp.ClientConnectorError as error:
            # The request never left, so it may safely be made again.
            return Refusal(0, message=f"cannot reach {self._url}: {_reason(error)}")
        except (aiohttp.ClientError, TimeoutError) as error:
            return OutcomeUnknown(str(error) or type(error).__name__)
        except msgspec.DecodeError:
            return OutcomeUnknown("the answer is no message resource")

    async def fetch(self, sid: str) -> MessageState:
        """Raises CommandError: the gateway does not answer, or refuses."""
        octets = await self._get(f"{self._messages}/{sid}.json")
        return _decode(octets, MessageState)

    async def pages(self, page_size: int = PAGE_SIZE) -> AsyncIterator[list[MessageState]]:
        """The account's messages, newest first.

        Raises:
            CommandError: the gateway does not answer, or refuses.
        """
        uri: str | None = f"{self._messages}.json?PageSize={page_size}"
        while uri:
            page = _decode(await self._get(uri), MessagePage)
            yield page.messages
            uri = page.next_page_uri

    async def check(self) -> None:
        """Raises CommandError: no gateway is there, or it does not know the account."""
        async for _page in self.pages(page_size=1):
            return

    async def explain(self, sid: str) -> DecisionResource:
        """Raises CommandError: the gateway does not answer, or refuses."""
        octets = await self._get(f"{ROUTING}/Explain/{quote(sid, safe='')}")
        return _decode(octets, DecisionResource)

    async def rank(self, to: str, sender: str, traffic_type: str) -> DecisionResource:
        """Raises CommandError: the gateway does not answer, or refuses."""
        form = {"To": to, "From": sender, "TrafficType": traffic_type}
        return _decode(await self._ask("POST", f"{ROUTING}/Rank", form), DecisionResource)

    async def _get(self, uri: str) -> bytes:
        return await self._ask("GET", uri)

    async def _ask(self, method: str, uri: str, form: dict[str, str] | None = None) -> bytes:
        try:
            async with self._session.request(method, f"{self._url}{uri}", data=form) as response:
                octets = await response.read()
                if response.status == 200:
                    return octets
                refusal = _refusal(response, octets)
        except aiohttp.ClientConnectorError as error:
            raise CommandError(f"cannot reach {self._url}: {_reason(error)}") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise CommandError(f"no answer from {self._url}: {reason}") from None
        raise CommandError(describe(refusal))


def basic(username: str, password: str) -> str:
    """The Authorization header of Basic authentication (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def check_url(url: str) -> None:
    """Raises CommandError: that is no URL under which a gateway could be."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise CommandError(f"expected a URL such as http://127.0.0.1:8080, got {url!r}")


def describe(refusal: Refusal) -> str:
    """A refusal on one line."""
    if not refusal.status:
        return refusal.message
    if not refusal.code:
        return f"HTTP {refusal.status}"
    return f"{refusal.code}: {refusal.message} (HTTP {refusal.status})"


def _reason(error: aiohttp.ClientConnectorError) -> str:
    """`Connection refused` and the like; a name that does not resolve has no errno of its own."""
    number = error.os_error.errno
    return os.strerror(number) if number and number > 0 else str(error.os_error)


def _refusal(response: aiohttp.ClientResponse, octets: bytes) -> Refusal:
    try:
        body = msgspec.json.decode(octets, type=ErrorBody)
    except msgspec.DecodeError:
        body = ErrorBody()
    return Refusal(response.status, body.code, body.message, _retry_after_s(response))


def _retry_after_s(response: aiohttp.ClientResponse) -> float:
    """Retry-After in seconds; its other form, a date, counts as none (RFC 9110 §10.2.3)."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0.0


def _decode(octets: bytes, schema: type[T]) -> T:
    try:
        return msgspec.json.decode(octets, type=schema)
    except msgspec.DecodeError:
        raise CommandError("the answer is not that of a gateway") from None
