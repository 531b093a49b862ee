"""Builders for the tests of the outbox: deliveries, and what became of them."""

from collections.abc import Callable

import msgspec

from gateway.events import StatusEvent
from gateway.message import Message
from gateway.messaging.host_circuit import OPEN_AFTER, PAUSE_FIRST_S
from gateway.messaging.webhook_delivery import Delivery, Failed
from gateway.messaging.webhook_outbox import Outbox, OutboxLimits
from gateway.store.interface import OwedKey
from gateway.webhooks.destination import Destination, FailureKind, parse_destination
from gateway.webhooks.request import Answer, Failure, WebhookRequest
from tests.messaging.webhook_world import ACCOUNT_SID, WALL_START, an_event

NOW = WALL_START
DOWN = Failure(FailureKind.CONNECT, 11205, "cannot connect")
REFUSED = Failure(FailureKind.CLIENT_ERROR, 11200, "status 404")
FORBIDDEN = Failure(FailureKind.FORBIDDEN, 11205, "the name leads to a private address")
UNUSABLE = Failure(FailureKind.UNUSABLE, 12100, "the TwiML is not well-formed")
POSTPONED = Failure(FailureKind.POSTPONED, 11200, "not stored")


class NoSource:
    """The outbox carries the source and never calls it."""

    def url(self, message: Message) -> str:
        raise AssertionError

    def fallback_url(self, message: Message) -> str:
        raise AssertionError

    def request(
        self, event: StatusEvent, destination: Destination, instead_of: Failed | None
    ) -> WebhookRequest | None:
        raise AssertionError

    def answered(
        self,
        event: StatusEvent,
        destination: Destination,
        answer: Answer,
        again: Callable[[], None],
    ) -> str | Failure:
        raise AssertionError


def a_delivery(
    message_id: int = 1,
    number: int = 1,
    host: str = "a",
    fragment: str = "",
    round_: int = 0,
    fallback: str = "",
) -> Delivery:
    return Delivery(
        an_event(message_id, number),
        round_,
        NoSource(),
        parse_destination(f"http://{host}.example/#{fragment}"),
        parse_destination(f"http://{fallback}.example/") if fallback else None,
    )


def of_account(account: int, delivery: Delivery) -> Delivery:
    """The same, but another customer's."""
    message = msgspec.structs.replace(delivery.event.message, account_sid=f"AC{account:032}")
    delivery.event = msgspec.structs.replace(delivery.event, message=message)
    return delivery


def an_outbox(limits: OutboxLimits | None = None, chance: float = 1.0) -> Outbox:
    return Outbox(limits or OutboxLimits(), lambda: chance)


def ids(deliveries: list[Delivery]) -> list[tuple[int, int]]:
    return [(delivery.message_id, delivery.event.number) for delivery in deliveries]


def offer(outbox: Outbox, *deliveries: Delivery, now: float = NOW) -> None:
    for delivery in deliveries:
        outbox.offer(delivery, now)


def fail_host(outbox: Outbox, message_id: int = 999, host: str = "a") -> Delivery:
    """Let one delivery fail, so that its host is in trouble."""
    offer(outbox, a_delivery(message_id, host=host))
    (delivery,) = outbox.take(NOW)
    assert outbox.failed(delivery, DOWN, NOW)
    return delivery


def open_circuit(outbox: Outbox, host: str = "a") -> float:
    """Let deliveries fail that are given up at once; the end of the first pause."""
    for i in range(OPEN_AFTER):
        offer(outbox, a_delivery(901 + i, host=host, fragment="rc=0"))
        (delivery,) = outbox.take(NOW)
        assert not outbox.failed(delivery, DOWN, NOW)
    assert outbox.is_open(ACCOUNT_SID, f"{host}.example:80")
    return NOW + PAUSE_FIRST_S


def resume(outbox: Outbox, now: float, host: str = "a", fallback: str = "") -> list[Delivery]:
    """What starts, with what is read from the store for it."""
    started = outbox.take(now)
    if read(outbox, now, host, fallback):
        started += outbox.take(now)
    return started


def read(outbox: Outbox, now: float, host: str = "a", fallback: str = "") -> list[OwedKey]:
    """Read a page of what waits for the host, as the store would give it."""
    keys = outbox.page(now)
    outbox.paged(
        {
            key: a_delivery(key.message_id, key.number, host, round_=key.round, fallback=fallback)
            for key in keys
        }
    )
    return keys
