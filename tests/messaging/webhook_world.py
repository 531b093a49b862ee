"""Builders for the webhook tests: messages, a store in memory, and endpoints that obey a script."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from gateway.account import Account, Sender, SenderType
from gateway.clock import Clock
from gateway.events import StatusEvent
from gateway.message import Direction, Encoding, Message, Origin, Status
from gateway.messaging.callbacks import Callbacks
from gateway.messaging.journal import event_of
from gateway.messaging.webhook_outbox import OutboxLimits
from gateway.messaging.webhooks import Webhooks, WebhookSettings
from gateway.store.interface import Listener, Transition
from gateway.webhooks.request import Answer, Failure, WebhookRequest
from tests.messaging.ledger import Ledger

TOKEN = "0123456789abcdef0123456789abcdef"
ACCOUNT_SID = "AC0123456789abcdef0123456789abcdef"
NUMBER = "+15005550006"
TEXTER = "+15005550009"
URL = "https://hooks.example.com/status"
WALL_START = 1_700_000_000.0

Script = Callable[[WebhookRequest], Answer | Failure]


def a_message(
    message_id: int = 1,
    *,
    status_callback: str = URL,
    sender: str = NUMBER,
    recipient: str = TEXTER,
    body: str = "hello",
    direction: Direction = Direction.OUTBOUND_API,
    account_sid: str = ACCOUNT_SID,
) -> Message:
    return Message(
        id=message_id,
        account_sid=account_sid,
        sender=sender,
        recipient=recipient,
        body=body,
        encoding=Encoding.GSM_7BIT,
        segments=1,
        direction=direction,
        origin=Origin.CARRIER if direction is Direction.INBOUND else Origin.REST,
        accepted_at=WALL_START,
        expires_at=WALL_START + 14_400,
        status_callback=status_callback,
    )


def a_transition(
    message: Message,
    number: int = 1,
    status: Status = Status.SENT,
    at: float = WALL_START,
    listener: Listener = Listener.WEBHOOK,
    error_code: int = 0,
    done_date: str = "",
) -> Transition:
    return Transition(
        message_id=message.id,
        number=number,
        status=status,
        at=at,
        listener=listener,
        error_code=error_code,
        done_date=done_date,
    )


def an_event(
    message_id: int = 1, number: int = 1, status: Status = Status.SENT, url: str = URL
) -> StatusEvent:
    message = a_message(message_id, status_callback=url)
    return event_of(message, a_transition(message, number, status))


def an_account(*senders: Sender) -> Account:
    return Account(sid=ACCOUNT_SID, auth_token=TOKEN, senders=senders)


def a_number(
    sms_url: str = "", sms_method: str = "POST", fallback_url: str = "", fallback_method: str = ""
) -> Sender:
    return Sender(
        NUMBER,
        SenderType.LONG_CODE,
        sms_url=sms_url,
        sms_method=sms_method,
        sms_fallback_url=fallback_url,
        sms_fallback_method=fallback_method or "POST",
    )


def accounts_of(account: Account) -> Callable[[str], Account | None]:
    return {account.sid: account}.get


class MemoryStore(Ledger):
    """A ledger that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.grown = asyncio.Event()

    def commit(self) -> None:
        super().commit()
        self.grown.set()

    @property
    def outcomes(self) -> list[str]:
        return [record.outcome for record in self.notified]


class Endpoints:
    """Servers by host name, each with its latency and its script. Unknown ones answer 200."""

    def __init__(self) -> None:
        self.latency_s: dict[str, float] = {}
        self.scripts: dict[str, Script] = {}
        self.requests: list[tuple[float, WebhookRequest]] = []
        self.in_flight: dict[str, int] = defaultdict(int)
        self.in_flight_peak: dict[str, int] = defaultdict(int)
        self._asked = asyncio.Event()

    async def asked(self) -> None:
        """Until there was a request."""
        await self._asked.wait()

    async def post(self, request: WebhookRequest) -> Answer | Failure:
        host = urlsplit(request.url).hostname or ""
        self.requests.append((asyncio.get_running_loop().time(), request))
        self._asked.set()
        self.in_flight[host] += 1
        self.in_flight_peak[host] = max(self.in_flight_peak[host], self.in_flight[host])
        await asyncio.sleep(self.latency_s.get(host, 0.0))
        self.in_flight[host] -= 1
        script = self.scripts.get(host)
        return script(request) if script else Answer(200)

    @property
    def times(self) -> list[float]:
        return [when for when, _ in self.requests]

    def statuses(self) -> list[tuple[str, str]]:
        """(MessageSid, MessageStatus) of each request, in order."""
        forms = [fields_of(request) for _, request in self.requests]
        return [(form["MessageSid"], form["MessageStatus"]) for form in forms]


def fields_of(request: WebhookRequest) -> dict[str, str]:
    form = parse_qs(request.body.decode(), keep_blank_values=True, strict_parsing=True)
    return {key: values[0] for key, values in form.items()}


class World:
    """The engine with all that it needs. Its time is the running loop's."""

    def __init__(self, limits: OutboxLimits | None = None, account: Account | None = None) -> None:
        self.store = MemoryStore()
        self.endpoints = Endpoints()
        self.clock = Clock(asyncio.get_running_loop().time, WALL_START)
        self.account = account or an_account()
        self.webhooks = Webhooks(
            store=self.store,
            poster=self.endpoints,
            clock=self.clock,
            rng=random.Random(1),
            settings=WebhookSettings(limits=limits or OutboxLimits()),
        )
        self.callbacks = Callbacks(self.webhooks, accounts_of(self.account), lambda code: "")

    def tell(
        self,
        message_id: int = 1,
        number: int = 1,
        status: Status = Status.SENT,
        url: str = URL,
    ) -> None:
        """As the journal does: the store has the transition, then the event is published."""
        message = a_message(message_id, status_callback=url)
        transition = a_transition(message, number, status, at=self.clock.now())
        self.store.has(message, transition)
        self.callbacks.on_event(event_of(message, transition))


@asynccontextmanager
async def running(webhooks: Webhooks) -> AsyncIterator[None]:
    task = asyncio.create_task(webhooks.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
