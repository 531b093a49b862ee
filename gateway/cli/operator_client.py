"""A client of the operator's HTTP face, as small as `supernet replay` needs it."""

from __future__ import annotations

import os
from types import TracebackType
from typing import TypeVar

import aiohttp
import msgspec

from gateway.cli.console import CommandError
from gateway.cli.message_client import check_url
from gateway.messaging.undelivered import Replayed, UndeliveredPage

T = TypeVar("T")

REQUEST_TIMEOUT_S = 60.0


class Trouble(msgspec.Struct, frozen=True):
    """What a refused request is answered with."""

    detail: str = ""


class OperatorClient:
    """Every method raises CommandError where the gateway does not answer, or refuses.

    Raises:
        CommandError: `url` is none.
    """

    def __init__(self, url: str) -> None:
        check_url(url)
        self._url = url.rstrip("/")
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
        )

    async def __aenter__(self) -> OperatorClient:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def undelivered(self, account: str, limit: int, before: str) -> UndeliveredPage:
        query = {"account": account, "limit": str(limit), "before": before}
        return await self._ask("GET", "/webhooks/undelivered", UndeliveredPage, query=query)

    async def replay_messages(self, sids: list[str]) -> Replayed:
        return await self._ask("POST", "/webhooks/replay", Replayed, body={"messages": sids})

    async def replay_account(self, account: str, before: str) -> Replayed:
        body = {"account": account, "all": True, "before": before}
        return await self._ask("POST", "/webhooks/replay", Replayed, body=body)

    async def _ask(
        self,
        method: str,
        path: str,
        schema: type[T],
        query: dict[str, str] | None = None,
        body: dict[str, object] | None = None,
    ) -> T:
        try:
            async with self._session.request(
                method, self._url + path, params=query, json=body
            ) as response:
                status, octets = response.status, await response.read()
        except aiohttp.ClientConnectorError as error:
            number = error.os_error.errno
            reason = os.strerror(number) if number and number > 0 else str(error.os_error)
            raise CommandError(f"cannot reach {self._url}: {reason}") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise CommandError(f"no answer from {self._url}: {reason}") from None
        try:
            if status == 200:
                return msgspec.json.decode(octets, type=schema)
            detail = msgspec.json.decode(octets, type=Trouble).detail
        except msgspec.DecodeError:
            raise CommandError(f"{self._url} is not the admin address of a gateway") from None
        raise CommandError(f"{detail or 'refused'} (HTTP {status})")
