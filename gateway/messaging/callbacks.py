"""Status callbacks: a form POST to the message's StatusCallback for each status (contract C.4)."""

from __future__ import annotations

from collections.abc import Callable

from gateway.account import Account
from gateway.clock import message_sid
from gateway.events import StatusEvent
from gateway.message import Direction, Message
from gateway.messaging.webhook_delivery import Failed
from gateway.messaging.webhooks import Webhooks
from gateway.webhooks.destination import Destination
from gateway.webhooks.request import API_VERSION, Answer, WebhookRequest, signed_request
from gateway.webhooks.signature import Field


class Callbacks:
    """Tells customers what became of their messages.

    `error_message` gives the words for one of Twilio's error codes, or nothing. Subscribe
    `on_event` to the bus; what an earlier run still owes goes to `Webhooks.recover`.
    """

    def __init__(
        self,
        webhooks: Webhooks,
        accounts: Callable[[str], Account | None],
        error_message: Callable[[int], str],
    ) -> None:
        self._webhooks = webhooks
        self._accounts = accounts
        self._error_message = error_message
        webhooks.add_source(self)

    def on_event(self, event: StatusEvent) -> None:
        """Take an event of any message; only those with a StatusCallback are told."""
        if event.message.status_callback and self.url(event.message):
            self._webhooks.offer(event, self)

    def url(self, message: Message) -> str:
        return "" if message.direction is Direction.INBOUND else message.status_callback

    def fallback_url(self, message: Message) -> str:
        """Twilio has none for status callbacks."""
        return ""

    def request(
        self, event: StatusEvent, destination: Destination, instead_of: Failed | None
    ) -> WebhookRequest | None:
        account = self._accounts(event.message.account_sid)
        if account is None:
            return None
        fields = callback_fields(event, self._error_message(event.error_code))
        token = idempotency_token(event)
        return signed_request(destination, "POST", fields, account.auth_token, token)

    def answered(
        self,
        event: StatusEvent,
        destination: Destination,
        answer: Answer,
        again: Callable[[], None],
    ) -> str:
        return str(answer.status)


def callback_fields(event: StatusEvent, error_message: str) -> list[Field]:
    """The parameters of a status callback; what is not known is left out."""
    sid = message_sid(event.message.id)
    fields = [
        ("MessageSid", sid),
        ("SmsSid", sid),
        ("MessageStatus", event.status.value),
        ("SmsStatus", event.status.value),
        ("AccountSid", event.message.account_sid),
        ("From", event.message.sender),
        ("To", event.message.recipient),
        ("ApiVersion", API_VERSION),
    ]
    if event.error_code:
        fields.append(("ErrorCode", str(event.error_code)))
        if error_message:
            fields.append(("ErrorMessage", error_message))
    if event.done_date:
        fields.append(("RawDlrDoneDate", event.done_date))
    return fields


def idempotency_token(event: StatusEvent) -> str:
    """The same for every attempt to tell an event, and for no other event."""
    return f"{message_sid(event.message.id)}-{event.number}"
