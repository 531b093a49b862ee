"""A message as Twilio's API shows it (2010-04-01, Message resource)."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from gateway.clock import message_sid
from gateway.interworking.error_texts import error_text
from gateway.message import FINAL, Direction, Message, Status
from gateway.store.interface import StoredMessage

API_VERSION = "2010-04-01"

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class SubresourceUris(msgspec.Struct, frozen=True, gc=False):
    media: str
    feedback: str


class MessageResource(msgspec.Struct, frozen=True, gc=False, rename={"from_": "from"}):
    """Counts are strings and times are RFC 2822, as Twilio has them."""

    sid: str
    account_sid: str
    from_: str
    to: str
    body: str
    status: Status
    direction: Direction
    num_segments: str
    date_created: str
    date_updated: str
    uri: str
    subresource_uris: SubresourceUris
    date_sent: str | None = None
    error_code: int | None = None
    error_message: str | None = None
    num_media: str = "0"
    price: str | None = None
    price_unit: str = "USD"
    messaging_service_sid: str | None = None
    api_version: str = API_VERSION


def accepted_resource(message: Message) -> MessageResource:
    """A message that has been accepted this instant."""
    created = rfc_2822(int(message.accepted_at))
    return _resource(message, message.body, message.initial_status, created, created, None, 0)


def stored_resource(stored: StoredMessage, live: Status | None) -> MessageResource:
    """A message with its history. `live` is where an open one stands now, if that is known."""
    message, last = stored.message, stored.last
    status = live if live and stored.status not in FINAL else stored.status
    sent_at = next(
        (step.at for step in stored.transitions if step.status is Status.SENT and not step.part),
        message.accepted_at if status is Status.RECEIVED else None,
    )
    return _resource(
        message,
        message.body,
        status,
        rfc_2822(int(message.accepted_at)),
        rfc_2822(int(last.at if last else message.accepted_at)),
        None if sent_at is None else rfc_2822(int(sent_at)),
        last.error_code if last else 0,
    )


def _resource(
    message: Message,
    body: str,
    status: Status,
    created: str,
    updated: str,
    sent: str | None,
    error_code: int,
) -> MessageResource:
    sid = message_sid(message.id)
    uri = f"/{API_VERSION}/Accounts/{message.account_sid}/Messages/{sid}"
    return MessageResource(
        sid=sid,
        account_sid=message.account_sid,
        from_=message.sender,
        to=message.recipient,
        body=body,
        status=status,
        direction=message.direction,
        num_segments=str(message.segments),
        date_created=created,
        date_updated=updated,
        date_sent=sent,
        error_code=error_code or None,
        error_message=error_text(error_code) if error_code else None,
        uri=f"{uri}.json",
        subresource_uris=SubresourceUris(f"{uri}/Media.json", f"{uri}/Feedback.json"),
    )


@lru_cache(maxsize=4_096)
def rfc_2822(second: int) -> str:
    """A Unix second as `Fri, 02 Jan 2026 03:04:05 +0000`, in English whatever the locale."""
    at = datetime.fromtimestamp(second, UTC)
    weekday, month = _WEEKDAYS[at.weekday()], _MONTHS[at.month - 1]
    return f"{weekday}, {at.day:02} {month} {at.year:04} {at:%H:%M:%S} +0000"
