"""What every resource lies behind: authentication, limits, and refusals turned into answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request
from litestar.types import ASGIApp

from gateway.account import Account
from gateway.errors import Refusal, Refused, StoreError
from gateway.ingress.rest.authentication import Authentication
from gateway.ingress.rest.dependencies import RestDependencies
from gateway.ingress.rest.errors import RequestError, trouble_answer
from gateway.ingress.rest.form import Form, parse_form, read_body, read_form
from gateway.ingress.rest.rate_limit import RequestLimits

AnyRequest = Request[Any, Any, Any]
JSON_SUFFIX = ".json"
# They change nothing, so they are answered whatever else is under way.
READING = frozenset({"GET", "HEAD"})


class Call:
    """A request that has passed the gate."""

    __slots__ = ("_request", "account", "headers", "now")

    def __init__(
        self, request: AnyRequest, headers: dict[bytes, bytes], account: Account, now: float
    ) -> None:
        self._request = request
        self.headers = headers
        self.account = account
        self.now = now

    def sid(self, name: str) -> str:
        """A sid in the path, without the suffix that asks for JSON."""
        return path_sid(self._request, name)

    def query(self) -> Form:
        return parse_form(self._request.scope["query_string"])

    async def body(self) -> bytes:
        """Raises RequestError: it is too long, or the connection ended before it did."""
        return await read_body(self._request.receive)

    async def form(self) -> Form:
        return await read_form(self.headers, self._request.receive)


Resource = Callable[[Call], Awaitable[ASGIApp]]
Handler = Callable[[AnyRequest], Awaitable[ASGIApp]]


class Gate:
    """Guards resources. One gate for the whole API, so that its limits are of the account."""

    def __init__(self, dependencies: RestDependencies) -> None:
        self._authentication = Authentication(dependencies.credentials)
        self._limits = RequestLimits()
        self._clock = dependencies.clock
        self._ready = dependencies.ready

    def enter(
        self,
        headers: dict[bytes, bytes],
        client: str,
        account_sid: str | None,
        now: float,
        *,
        reading: bool,
    ) -> Account:
        """Let a request of that account in, or of the account of the credentials where its path
        names none; `leave` must follow.

        Raises:
            Refused: it is not let in, and not counted.
        """
        account = self._authentication.account(
            headers.get(b"authorization", b""), client, account_sid, now
        )
        if not reading and not self._ready():
            raise Refused(Refusal.STORE_UNAVAILABLE, "the gateway is starting")
        self._limits.enter(account, now)
        return account

    def leave(self, account: Account) -> None:
        """A request of the account has its answer."""
        self._limits.leave(account)

    def guard(self, resource: Resource) -> Handler:
        """The handler of a resource, for Litestar."""

        async def handle(request: AnyRequest) -> ASGIApp:
            return await self._admit(request, resource)

        return handle

    async def _admit(self, request: AnyRequest, resource: Resource) -> ASGIApp:
        headers: dict[bytes, bytes] = dict(request.scope["headers"])
        client = request.scope["client"]
        try:
            now = self._clock.now()
            account = self.enter(
                headers,
                client[0] if client else "",
                path_sid(request, "AccountSid") if "AccountSid" in request.path_params else None,
                now,
                reading=request.method in READING,
            )
            try:
                return await resource(Call(request, headers, account, now))
            finally:
                self.leave(account)
        except (Refused, RequestError, StoreError) as error:
            return trouble_answer(error)


def path_sid(request: AnyRequest, name: str) -> str:
    sid: str = request.path_params[name]
    return sid.removesuffix(JSON_SUFFIX)
