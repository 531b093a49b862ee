"""Messages from handsets (MO): opt-out keywords, the webhook to the number's SmsUrl, the replies.

A message comes here when it is durable. What is to be told is told by the engine of `webhooks`;
replies go the way of every other message, through the intake.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urljoin

from gateway.account import Account, Sender
from gateway.clock import Clock, message_sid
from gateway.errors import Refusal, Refused
from gateway.events import StatusEvent
from gateway.message import Direction, Message, Origin
from gateway.messaging import phone_number, twiml
from gateway.messaging.admission import SendRequest
from gateway.messaging.callbacks import idempotency_token
from gateway.messaging.journal import event_of
from gateway.messaging.opt_out import DEFAULT_REPLIES, Keyword, OptOuts, keyword
from gateway.messaging.reply_loop import REPLY_RATE_EXCEEDED, ReplyLoopGuard
from gateway.messaging.webhook_delivery import Failed
from gateway.messaging.webhooks import Webhooks
from gateway.store.interface import Listener, OptOut, Owed, Store, Transition
from gateway.webhooks.destination import (
    Destination,
    DestinationError,
    FailureKind,
    parse_destination,
)
from gateway.webhooks.request import (
    API_VERSION,
    RETRIEVAL_FAILURE,
    Answer,
    Failure,
    WebhookRequest,
    signed_request,
)
from gateway.webhooks.signature import Field

log = logging.getLogger(__name__)

NOT_STORED = Failure(
    FailureKind.POSTPONED, RETRIEVAL_FAILURE, "the replies of its answer cannot be stored now"
)


class Submit(Protocol):
    """The intake's `submit`."""

    def __call__(
        self,
        request: SendRequest,
        on_accepted: Callable[[Message], None],
        on_refused: Callable[[Refused], None],
    ) -> None: ...


class Handover:
    """Whether the store took the replies of one answer.

    While they are handed over, one that it does not take is told by `end`, and the answer counts
    as not given. One that comes back afterwards is told by `again`, once.
    """

    def __init__(self, again: Callable[[], None]) -> None:
        self._again = again
        self._is_over = False
        self._is_complete = True

    def on_not_stored(self) -> None:
        if self._is_over and self._is_complete:
            self._again()
        self._is_complete = False

    def end(self) -> bool:
        """Whether it took all so far."""
        self._is_over = True
        return self._is_complete


class Inbound:
    """What follows from a message that a handset sent.

    The store's opt-outs are read only when a keyword is recovered whose effect is missing.
    `allow_private` holds for the StatusCallbacks of replies.
    """

    def __init__(
        self,
        webhooks: Webhooks,
        accounts: Callable[[str], Account | None],
        opt_outs: OptOuts,
        submit: Submit,
        store: Store,
        clock: Clock,
        allow_private: bool = False,
    ) -> None:
        self._webhooks = webhooks
        self._accounts = accounts
        self._opt_outs = opt_outs
        self._submit = submit
        self._store = store
        self._clock = clock
        self._allow_private = allow_private
        self._reply_loop = ReplyLoopGuard()
        webhooks.add_source(self)

    def on_inbound(self, message: Message, transition: Transition) -> None:
        """Take a message that has just become durable, whoever its listener is.

        A keyword is obeyed and confirmed here. The customer's server is told where it is the
        listener; an ESME is told by the SMPP server.
        """
        account = self._accounts(message.account_sid)
        word = keyword(message.body)
        if account is not None and word is not None:
            changes = self._changes(word, message)
            if changes:
                self._heed(word, message)
            # A second STOP of somebody who is out already is obeyed in silence, and a YES of
            # somebody who never left is an ordinary answer.
            if changes or word is Keyword.HELP:
                reply = twiml.Reply(DEFAULT_REPLIES[word])
                self._send(account, message, reply, after_opt_out=True)
        if transition.listener is Listener.WEBHOOK:
            self._webhooks.offer(event_of(message, transition), self)

    def recover(self, owed: Owed) -> None:
        """Take up a message of which, at our last end, its listener had not been told.

        Its keyword may have been obeyed or not. It is confirmed at most once, so not here.
        """
        message = owed.message
        word = keyword(message.body)
        if word is not None and self._changes(word, message) and not self._overruled(message):
            self._heed(word, message)
        self._webhooks.recover(owed)

    def url(self, message: Message) -> str:
        if message.direction is not Direction.INBOUND:
            return ""
        number = self._number(message)
        return message.status_callback or (number.sms_url if number else "")

    def fallback_url(self, message: Message) -> str:
        number = self._number(message)
        return number.sms_fallback_url if number else ""

    def request(
        self, event: StatusEvent, destination: Destination, instead_of: Failed | None
    ) -> WebhookRequest | None:
        account = self._accounts(event.message.account_sid)
        if account is None:
            return None
        number = self._number(event.message)
        method = number.sms_method if number else "POST"
        fields = inbound_fields(event.message)
        if instead_of:
            method = number.sms_fallback_method if number else "POST"
            fields += [("ErrorCode", str(instead_of.code)), ("ErrorUrl", instead_of.url)]
        token = idempotency_token(event)
        return signed_request(destination, method, fields, account.auth_token, token)

    def answered(
        self,
        event: StatusEvent,
        destination: Destination,
        answer: Answer,
        again: Callable[[], None],
    ) -> str | Failure:
        """Send the replies that the answer asks for."""
        message = event.message
        facts = {"inbound": message_sid(message.id), "host": destination.host}
        try:
            read = twiml.parse(answer.content_type, answer.body, answer.truncated)
        except twiml.TwimlError as error:
            log.warning("TwiML not usable", extra={**facts, "code": error.code})
            return Failure(FailureKind.UNUSABLE, error.code, error.reason)
        for warning in read.warnings:
            log.warning(
                "TwiML partly used",
                extra={**facts, "code": warning.code, "reason": warning.text},
            )
        account = self._accounts(message.account_sid)
        if account is None or not read.replies:
            return str(answer.status)
        if not self._store.accepting:
            return NOT_STORED
        handover = Handover(again)
        for reply in read.replies:
            self._send(account, message, reply, destination.url, handover.on_not_stored)
        return str(answer.status) if handover.end() else NOT_STORED

    def _changes(self, word: Keyword, message: Message) -> bool:
        """Whether a word says other than what is on record."""
        is_out = self._opt_outs.is_opted_out(message.account_sid, message.recipient, message.sender)
        return word is (Keyword.START if is_out else Keyword.STOP)

    def _heed(self, word: Keyword, message: Message) -> None:
        """Put a STOP or START on record."""
        record = OptOut(
            account_sid=message.account_sid,
            sender=message.recipient,
            recipient=message.sender,
            at=message.accepted_at,
            opted_out=word is Keyword.STOP,
        )
        self._store.append(record)
        self._opt_outs.apply(record)

    def _overruled(self, message: Message) -> bool:
        """Whether the store has a word of the texter's that is as new as this one or newer."""
        return any(
            record.at >= message.accepted_at
            and (record.account_sid, record.sender, record.recipient)
            == (message.account_sid, message.recipient, message.sender)
            for record in self._store.load_opt_outs()
        )

    def _send(
        self,
        account: Account,
        inbound: Message,
        reply: twiml.Reply,
        base_url: str = "",
        on_not_stored: Callable[[], None] = lambda: None,
        after_opt_out: bool = False,
    ) -> None:
        sender = reply.sender or inbound.recipient
        recipient = reply.recipient or inbound.sender
        facts = {"inbound": message_sid(inbound.id), "account": account.sid}
        if not self._reply_loop.allows(sender, recipient, self._clock.now()):
            log.warning("reply loop", extra={**facts, "code": REPLY_RATE_EXCEEDED})
            return

        def on_refused(refused: Refused) -> None:
            log.warning("reply refused", extra={**facts, "refusal": refused.refusal.name})
            if refused.refusal is Refusal.STORE_UNAVAILABLE:
                on_not_stored()

        self._submit(
            SendRequest(
                account=account,
                sender=sender,
                recipient=recipient,
                body=reply.body,
                origin=Origin.REST,
                direction=Direction.OUTBOUND_REPLY,
                status_callback=self._status_callback(base_url, reply.status_callback, facts),
                after_opt_out=after_opt_out,
            ),
            lambda message: log.debug(
                "reply accepted", extra={**facts, "reply": message_sid(message.id)}
            ),
            on_refused,
        )

    def _status_callback(self, base_url: str, url: str, facts: dict[str, str]) -> str:
        """The absolute URL; a wrong one costs the callbacks and not the reply."""
        if not url:
            return ""
        absolute = urljoin(base_url, url)
        try:
            parse_destination(absolute, self._allow_private)
        except DestinationError as error:
            log.warning("StatusCallback refused", extra={**facts, "reason": str(error)})
            return ""
        return absolute

    def _number(self, message: Message) -> Sender | None:
        """The account's number that was texted."""
        account = self._accounts(message.account_sid)
        senders = account.senders if account else ()
        return next((number for number in senders if number.address == message.recipient), None)


def inbound_fields(message: Message) -> list[Field]:
    """The parameters of an inbound webhook.

    We know countries and no cities, states or postcodes; those are sent empty, as Twilio sends
    them where it does not know them.
    """
    sid = message_sid(message.id)
    fields = [
        ("MessageSid", sid),
        ("SmsSid", sid),
        ("SmsMessageSid", sid),
        ("AccountSid", message.account_sid),
        ("From", message.sender),
        ("To", message.recipient),
        ("Body", message.body),
        ("NumMedia", "0"),
        ("NumSegments", str(message.segments)),
        ("SmsStatus", "received"),
        ("ApiVersion", API_VERSION),
    ]
    for name, address in (("From", message.sender), ("To", message.recipient)):
        number = phone_number.parse(address)
        fields += [(f"{name}{place}", "") for place in ("City", "State", "Zip")]
        fields.append((f"{name}Country", number.country if number else ""))
    word = keyword(message.body)
    if word is not None:
        fields.append(("OptOutType", word.value))
    return fields
