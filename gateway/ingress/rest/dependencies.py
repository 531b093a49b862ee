"""What the REST resources need from the rest of the gateway, and nothing more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.account import Account, Sender
from gateway.call import CallRecord
from gateway.clock import Clock
from gateway.config.phone_page import PhoneNumber
from gateway.message import Message, Status
from gateway.messaging.admission import SendRequest
from gateway.messaging.idempotency import OnTaken, Replayed
from gateway.messaging.intake import OnRefused
from gateway.store.call_file import (
    CallFilter,
)
from gateway.store.interface import Store
from gateway.text.preview import Preview
from gateway.voice.call_records import StandingCall
from gateway.voice.web_agent import WebAgent
from routing.router import Router


class Credentials(Protocol):
    """Who the customers are. Never blocks: a costly hash is paid for once and remembered."""

    def rest(self, username: str, password: str) -> Account | None:
        """The account of `AC…` with its auth token, or of `SK…` with its secret."""
        ...


class Intake(Protocol):
    """Takes messages in. Each call ends once its outcome is on stable storage."""

    def accept(self, request: SendRequest) -> Awaitable[Message | Replayed]:
        """Raises `Refused` where the message is not accepted; then nothing was stored. Replayed:
        the request's idempotency key has made that message before."""
        ...

    def submit(self, request: SendRequest, on_taken: OnTaken, on_refused: OnRefused) -> None:
        """The same for who does not wait; one of the two is called, also at once."""
        ...

    def cancel(self, message_id: int) -> Awaitable[None]:
        """Raises `Refused(NOT_CANCELABLE)` unless the message is still scheduled."""
        ...


class Previews(Protocol):
    """Says what would become of a message."""

    def preview(
        self,
        account: Account,
        body: str,
        sender: str = "",
        recipient: str = "",
        smart_encoded: bool = False,
    ) -> Preview:
        """Raises `Refused` where a message of this text would not be accepted either."""
        ...

    def addresses(self, account: Account, sender: str, recipient: str) -> tuple[Sender, str]:
        """The account's sender, and the recipient in E.164. Raises `Refused` where a message from
        the one to the other would not be accepted."""
        ...


class CallBook(Protocol):
    """The calls of accounts, those that stand and those that are over."""

    async def fetch(self, account_sid: str, call_id: int) -> StandingCall | CallRecord | None:
        """A call of the account. Raises `StoreError` where records cannot be read."""
        ...

    async def page(
        self, account_sid: str, where: CallFilter, limit: int, before: int | None = None
    ) -> list[StandingCall | CallRecord]:
        """Calls of the account, the newest first, from below the id `before`. Raises `StoreError`
        where records cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class RestDependencies:
    """`live_status` tells where a message stands that the gateway still works on, else None.

    `sending` is seen there alone: it is not always stored. Until `ready`, while the messages of an
    earlier run are taken up, nothing is changed. `allow_private` lets a StatusCallback lead into
    private networks. Without `calls` there is no Calls resource, and without `web_agent` no call
    can be made. `phone_numbers` are suggested by the page that makes them in a
    browser; None: there is no page.
    """

    credentials: Credentials
    intake: Intake
    store: Store
    live_status: Callable[[int], Status | None]
    ready: Callable[[], bool]
    clock: Clock
    previews: Previews
    router: Router
    allow_private: bool = False
    calls: CallBook | None = None
    web_agent: WebAgent | None = None
    phone_numbers: Sequence[PhoneNumber] | None = None
