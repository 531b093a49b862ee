"""The REST API from a customer's side, as bare HTTP."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import aiohttp

from tests.e2e.configuration import ACCOUNT_SID, AUTH_TOKEN, LONG_CODE
from tests.e2e.patience import until

FINAL = frozenset({"delivered", "undelivered", "failed", "canceled"})
PAGE_SIZE = 1_000


class RestClient:
    """`url` is asked for each time, because a restart of the daemon moves it."""

    def __init__(
        self, url: Callable[[], str], sid: str = ACCOUNT_SID, token: str = AUTH_TOKEN
    ) -> None:
        self._url = url
        self._sid = sid
        self._session = aiohttp.ClientSession(
            headers={"Authorization": aiohttp.encode_basic_auth(sid, token)},
            connector=aiohttp.TCPConnector(keepalive_timeout=4.0),
        )

    async def post(self, form: dict[str, str], sid: str = "") -> tuple[int, dict[str, Any]]:
        async with self._session.post(self._messages(sid), data=form) as answer:
            return answer.status, await answer.json()

    async def create(self, to: str, body: str, sender: str = LONG_CODE, **more: str) -> str:
        """The sid of a message that is accepted."""
        status, message = await self.post({"To": to, "From": sender, "Body": body, **more})
        assert status == 201, message
        return str(message["sid"])

    async def refused(self, to: str, body: str, sender: str = LONG_CODE) -> tuple[int, int]:
        """HTTP status and error code of a message that is not accepted."""
        status, error = await self.post({"To": to, "From": sender, "Body": body})
        return status, int(error["code"])

    async def fetch(self, sid: str) -> dict[str, Any]:
        async with self._session.get(self._messages(sid)) as answer:
            message: dict[str, Any] = await answer.json()
            return message

    async def final(self, sid: str) -> dict[str, Any]:
        """The message, once it is in a final state."""
        return await until(lambda: self.fetch(sid), lambda message: message["status"] in FINAL)

    async def messages(self) -> list[dict[str, Any]]:
        """All messages of the account, newest first."""
        found: list[dict[str, Any]] = []
        page = f"{self._messages('')}?PageSize={PAGE_SIZE}"
        while True:
            async with self._session.get(page) as answer:
                listing = await answer.json()
            found += listing["messages"]
            if not listing["next_page_uri"]:
                return found
            page = f"{self._url()}{listing['next_page_uri']}"

    async def close(self) -> None:
        await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def _messages(self, sid: str) -> str:
        path = f"/{sid}" if sid else ""
        return f"{self._url()}/2010-04-01/Accounts/{self._sid}/Messages{path}.json"
