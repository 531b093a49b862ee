"""An API over a gateway that lives in memory: the real admission, and a store of plain lists."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any, cast

import httpx
import msgspec
from litestar import Litestar

from gateway.account import Account, Sender, SenderType
from gateway.call import CallRecord
from gateway.clock import Clock, IdFactory, message_sid
from gateway.config.phone_page import PhoneNumber
from gateway.errors import Refusal, Refused, StoreError
from gateway.ingress.rest.app import create_app
from gateway.ingress.rest.dependencies import RestDependencies
from gateway.ingress.rest.gate import Gate
from gateway.ingress.rest.message_post import MessagePosts
from gateway.ingress.rest.server import RestServer
from gateway.message import Direction, Encoding, Message, Origin, Status
from gateway.messaging.admission import Admission, SendRequest
from gateway.messaging.idempotency import Idempotency
from gateway.messaging.intake import Intake, OnAccepted, OnRefused
from gateway.messaging.opt_out import OptOuts
from gateway.store.call_file import (
    CallFilter,
)
from gateway.store.interface import (
    Accepted,
    Deleted,
    MessageFilter,
    Notified,
    OnCommit,
    Record,
    Redacted,
    SeenKey,
    Store,
    StoredMessage,
    Timeline,
    Transition,
)
from gateway.voice.call_records import StandingCall
from gateway.voice.web_agent import WebAgent
from routing.carrier_bind import CarrierBind, RouteEntry
from routing.events import BindUp, Event
from routing.router import Router

ACCOUNT_SID = "AC0123456789abcdef0123456789abcdef"
OTHER_ACCOUNT_SID = "ACfedcba9876543210fedcba9876543210"
AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
KEY_SID = "SK0123456789abcdef0123456789abcdef"
KEY_SECRET = "secret of the key"
SENDER = "+15005550006"
RECIPIENT = "+15005550009"
WINDOW_S = 7 * 86_400.0
NOW = 1_767_323_045.0  # Fri, 02 Jan 2026 03:04:05 +0000
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"


def an_account(**changes: Any) -> Account:
    senders = (Sender(SENDER, SenderType.LONG_CODE), Sender("55501", SenderType.SHORT_CODE))
    values: dict[str, Any] = {"auth_token": AUTH_TOKEN, "name": "Demo", "senders": senders}
    return Account(ACCOUNT_SID, **(values | changes))


class HandClock(Clock):
    """A clock that stands still until it is moved."""

    def __init__(self, wall_now: float = NOW) -> None:
        self.elapsed_s = 0.0
        super().__init__(lambda: self.elapsed_s, wall_now)


class MemoryStore:
    """As much of a store as the API asks of one. Its commits succeed at once, or fail while
    `broken`; it says so beforehand where it is not `writable`."""

    def __init__(self) -> None:
        self.messages: dict[int, StoredMessage] = {}
        self.notified: list[Notified] = []
        self.keys: dict[bytes, SeenKey] = {}
        self.broken = False
        self.writable = True

    def append(self, record: Record, on_commit: OnCommit | None = None) -> None:
        if not self.broken:
            self._write(record)
        if on_commit:
            on_commit(StoreError("disk full") if self.broken else None)

    def _write(self, record: Record) -> None:
        match record:
            case Accepted(message, key, fingerprint):
                self.messages[message.id] = StoredMessage(message)
                if key:
                    self.keys[key] = SeenKey(message.id, fingerprint)
            case Notified():
                self.notified.append(record)
            case Transition():
                stored = self.messages[record.message_id]
                self.messages[record.message_id] = StoredMessage(
                    stored.message, (*stored.transitions, record)
                )
            case Redacted(message_id):
                stored = self.messages[message_id]
                message = msgspec.structs.replace(stored.message, body="")
                self.messages[message_id] = StoredMessage(message, stored.transitions)
            case Deleted(message_id):
                del self.messages[message_id]
            case _:
                raise AssertionError(record)

    async def fetch(self, account_sid: str, message_id: int) -> StoredMessage | None:
        if self.broken:
            raise StoreError("disk full")
        stored = self.messages.get(message_id)
        return stored if stored and stored.message.account_sid == account_sid else None

    async def timeline(self, message_id: int) -> Timeline | None:
        if self.broken:
            raise StoreError("disk full")
        stored = self.messages.get(message_id)
        told = (each for each in self.notified if each.message_id == message_id)
        return Timeline(stored, tuple(told)) if stored else None

    async def find_key(self, key: bytes) -> SeenKey | None:
        if self.broken:
            raise StoreError("disk full")
        return self.keys.get(key)

    async def list(
        self, account_sid: str, where: MessageFilter, limit: int, before: int | None = None
    ) -> list[StoredMessage]:
        return [
            stored
            for stored in sorted(self.messages.values(), key=lambda stored: -stored.message.id)
            if stored.message.account_sid == account_sid
            and where.sender in ("", stored.message.sender)
            and where.recipient in ("", stored.message.recipient)
            and where.since <= stored.message.accepted_at < where.until
            and (before is None or stored.message.id < before)
        ][:limit]


class MemoryCalls:
    """Calls that stand, and those that are over."""

    def __init__(self) -> None:
        self.known: dict[int, StandingCall | CallRecord] = {}
        self.asked: list[CallFilter] = []

    def has(self, *calls: StandingCall | CallRecord) -> None:
        self.known |= {each.call.id: each for each in calls}

    async def fetch(self, account_sid: str, call_id: int) -> StandingCall | CallRecord | None:
        found = self.known.get(call_id)
        return found if found and found.call.account_sid == account_sid else None

    async def page(
        self, account_sid: str, where: CallFilter, limit: int, before: int | None = None
    ) -> list[StandingCall | CallRecord]:
        self.asked.append(where)
        return [
            self.known[call_id]
            for call_id in sorted(self.known, reverse=True)
            if self.known[call_id].call.account_sid == account_sid
            and (before is None or call_id < before)
        ][:limit]


class MemoryIntake:
    """Admits as the gateway does, and keeps the requests that it saw."""

    def __init__(self, store: MemoryStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._ids = IdFactory(clock)
        self.admission = Admission(OptOuts(), lambda recipient, sender_type: True)
        self.requests: list[SendRequest] = []

    def submit(self, request: SendRequest, on_accepted: OnAccepted, on_refused: OnRefused) -> None:
        try:
            message = self.take(request)
        except Refused as refused:
            on_refused(refused)
        else:
            on_accepted(message)

    async def accept(self, request: SendRequest) -> Message:
        return self.take(request)

    def take(self, request: SendRequest) -> Message:
        self.requests.append(request)
        now = self._clock.now()
        admitted = self.admission.check(request, now)
        message = Message(
            id=self._ids.next(),
            account_sid=request.account.sid,
            sender=admitted.sender_address,
            recipient=admitted.recipient,
            body=admitted.body,
            encoding=admitted.encoding,
            segments=admitted.segments,
            direction=request.direction,
            origin=request.origin,
            accepted_at=now,
            expires_at=admitted.expires_at,
            send_at=request.send_at,
        )
        self._store.append(Accepted(message, request.key, request.fingerprint))
        return message

    async def cancel(self, message_id: int) -> None:
        if self._store.messages[message_id].status is not Status.SCHEDULED:
            raise Refused(Refusal.NOT_CANCELABLE)
        self._store.append(Transition(message_id, 1, Status.CANCELED, self._clock.now()))


class KnownCredentials:
    """The auth token of one account, and one key of it."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def rest(self, username: str, password: str) -> Account | None:
        known = ((self._account.sid, AUTH_TOKEN), (KEY_SID, KEY_SECRET))
        return self._account if (username, password) in known else None


class Api:
    """The application with everything behind it, and what a test wants to ask of it."""

    def __init__(
        self,
        account: Account | None = None,
        web_agent: WebAgent | None = None,
        clock: Clock | None = None,
        phone_numbers: Sequence[PhoneNumber] | None = None,
    ) -> None:
        self.clock = HandClock()
        self.store = MemoryStore()
        self.intake = MemoryIntake(self.store, self.clock)
        self.live: dict[int, Status] = {}
        self.ready = True
        self.router = a_router()
        self.calls = MemoryCalls()
        self.account = account or an_account()
        dependencies = RestDependencies(
            KnownCredentials(self.account),
            Idempotency(cast(Intake, self.intake), self.store.find_key, self.clock, WINDOW_S),
            cast(Store, self.store),
            self.live.get,
            lambda: self.ready,
            clock or self.clock,
            self.intake.admission,
            self.router,
            calls=self.calls,
            web_agent=web_agent,
            phone_numbers=phone_numbers,
        )
        gate = Gate(dependencies)
        self.app: Litestar = create_app(dependencies, gate)
        self.posts = MessagePosts(dependencies, gate)

    def server(self) -> RestServer:
        """The API on a port, as the daemon serves it."""
        return RestServer(self.app, "127.0.0.1", 0, posts=self.posts)

    def forget(self) -> None:
        """Have no messages any more, nor requests."""
        self.store.messages.clear()
        self.intake.requests.clear()

    def client(
        self, *, auth: tuple[str, str] | None = (ACCOUNT_SID, AUTH_TOKEN), address: str = "10.0.0.1"
    ) -> httpx.AsyncClient:
        """A client that calls the application without a socket."""
        transport = httpx.ASGITransport(cast(Any, self.app), client=(address, 50_000))
        return httpx.AsyncClient(transport=transport, base_url="http://api.test", auth=auth)

    def has_message(self, **changes: Any) -> StoredMessage:
        """A message that is there already, accepted one second after the one before."""
        self.clock.elapsed_s += 1
        values: dict[str, Any] = {
            "id": IdFactory(self.clock).next(),
            "account_sid": ACCOUNT_SID,
            "sender": SENDER,
            "recipient": RECIPIENT,
            "body": "hello",
            "encoding": Encoding.GSM_7BIT,
            "segments": 1,
            "direction": Direction.OUTBOUND_API,
            "origin": Origin.REST,
            "accepted_at": self.clock.now(),
            "expires_at": self.clock.now() + 14_400,
        }
        message = Message(**(values | changes))
        self.store.append(Accepted(message))
        return self.store.messages[message.id]

    def becomes(self, stored: StoredMessage, status: Status, error_code: int = 0) -> None:
        """The message reaches a status, 10 s later."""
        self.clock.elapsed_s += 10
        number = len(self.store.messages[stored.message.id].transitions) + 1
        step = Transition(
            stored.message.id, number, status, self.clock.now(), error_code=error_code
        )
        self.store.append(step)


class HearingRouter(Router):
    """Keeps what it is told."""

    def __init__(self, binds: Iterable[CarrierBind], now: float) -> None:
        super().__init__(binds, now=now)
        self.heard: list[Event] = []

    def observe(self, event: Event) -> None:
        self.heard.append(event)
        super().observe(event)


def a_router() -> HearingRouter:
    """Two binds into North America that are up, a dear one and a cheap one, and one that is not."""
    binds = (
        CarrierBind("alpha/1", (RouteEntry("+1", price=0.02),), window=10, tps=100),
        CarrierBind("bravo/1", (RouteEntry("+1", price=0.01),), window=10, tps=100),
        CarrierBind("gamma/1", (RouteEntry("+1"),), window=10, tps=100),
    )
    router = HearingRouter(binds, NOW)
    router.observe(BindUp("alpha/1", NOW))
    router.observe(BindUp("bravo/1", NOW))
    router.heard.clear()
    return router


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def a_form(**changes: str) -> dict[str, str]:
    return {"To": RECIPIENT, "From": SENDER, "Body": "hello"} | changes


def path_of(stored: StoredMessage) -> str:
    sid = message_sid(stored.message.id)
    return f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{sid}.json"
