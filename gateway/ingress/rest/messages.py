"""The Messages resource: create, list, fetch, redact, cancel and delete (2010-04-01)."""

from __future__ import annotations

import asyncio

import msgspec

from gateway.account import Account
from gateway.clock import message_id_of
from gateway.errors import Refusal, Refused, StoreError
from gateway.ingress.rest.dependencies import RestDependencies
from gateway.ingress.rest.form import Form
from gateway.ingress.rest.gate import Call
from gateway.ingress.rest.json_answer import NO_CONTENT, JsonAnswer
from gateway.ingress.rest.key_header import idempotency_key
from gateway.ingress.rest.message_form import message_request
from gateway.ingress.rest.message_json import API_VERSION, accepted_resource, stored_resource
from gateway.ingress.rest.paging import MessagePage, page_of, page_request
from gateway.ingress.rest.time_range import range_names, time_range
from gateway.message import FINAL, Message, Status
from gateway.messaging.admission import SendRequest
from gateway.messaging.idempotency import Replayed
from gateway.messaging.idempotency_key import keyed
from gateway.messaging.phone_number import normalize_sender
from gateway.store.interface import Deleted, MessageFilter, Redacted, Store, StoredMessage

REPLAYED = (b"idempotent-replayed", b"true")
FILTERS = ("To", "From", *range_names("DateSent"))

encode = msgspec.json.Encoder().encode


class Messages:
    """What an account may do with its messages. Those of other accounts are not found."""

    def __init__(self, dependencies: RestDependencies) -> None:
        self._intake = dependencies.intake
        self._store = dependencies.store
        self._live_status = dependencies.live_status
        self._allow_private = dependencies.allow_private

    async def create(self, call: Call) -> JsonAnswer:
        """201 once the message is durable; the message as it stands, where its idempotency key
        has made it before."""
        request = self.request(call.headers, await call.form(), call.account)
        taken = await self._intake.accept(request)
        if isinstance(taken, Replayed):
            return await self.replayed(call.account, taken)
        return created(taken)

    def request(self, headers: dict[bytes, bytes], form: Form, account: Account) -> SendRequest:
        """The message that is asked for, with its idempotency key if it has one.

        Raises:
            Refused: the form or the key cannot be used.
        """
        key = idempotency_key(headers)
        request = message_request(form, account, self._allow_private)
        return request if key is None else keyed(request, key)

    async def replayed(self, account: Account, replayed: Replayed) -> JsonAnswer:
        """The message of an idempotency key as it stands.

        Raises:
            Refused: it is not kept any more.
            StoreError: it cannot be read now.
        """
        stored = await self._store.fetch(account.sid, replayed.id)
        if stored is None:
            raise Refused(Refusal.NOT_FOUND, "the message of this key is no longer kept")
        resource = stored_resource(stored, self._live_status(replayed.id))
        return JsonAnswer(201, encode(resource), (REPLAYED,))

    async def list(self, call: Call) -> JsonAnswer:
        query = call.query()
        where = message_filter(query)
        page = page_request(query)
        found = await self._store.list(call.account.sid, where, page.page_size + 1, page.before)
        shown = found[: page.page_size]
        answer = page_of(
            MessagePage,
            f"/{API_VERSION}/Accounts/{call.account.sid}/Messages.json",
            [(name, query.text(name)) for name in FILTERS if query.text(name)],
            page,
            [stored_resource(stored, self._live_status(stored.message.id)) for stored in shown],
            shown[-1].message.id if len(found) > len(shown) else None,
        )
        return JsonAnswer(200, encode(answer))

    async def fetch(self, call: Call) -> JsonAnswer:
        return self._show(await self._find(call))

    async def update(self, call: Call) -> JsonAnswer:
        """Cancels with Status=canceled, redacts with an empty Body; else changes nothing."""
        form = await call.form()
        if form.text("Status") not in ("", "canceled"):
            raise Refused(Refusal.PARAMETER_INVALID, "the Status can only be set to 'canceled'")
        if form.text("Body"):
            raise Refused(Refusal.PARAMETER_INVALID, "the Body can only be set to an empty text")
        stored = await self._find(call)
        if form.text("Status"):
            await self._intake.cancel(stored.message.id)
            stored = await self._find(call)
        if "Body" in form:
            self._check_complete(stored)
            self._check_writable()
            await committed(self._store, Redacted(stored.message.id))
            stored = await self._find(call)
        return self._show(stored)

    async def delete(self, call: Call) -> JsonAnswer:
        stored = await self._find(call)
        self._check_complete(stored)
        self._check_writable()
        await committed(self._store, Deleted(stored.message.id))
        return JsonAnswer(NO_CONTENT)

    async def _find(self, call: Call) -> StoredMessage:
        message_id = message_id_of(call.sid("MessageSid"))
        if message_id is not None:
            stored = await self._store.fetch(call.account.sid, message_id)
            if stored is not None:
                return stored
        raise Refused(Refusal.NOT_FOUND)

    def _check_complete(self, stored: StoredMessage) -> None:
        """A message that may still change keeps its body and its record (20009, as by Twilio).

        One that is `sent` and no longer live will hear no more: its carrier gives no receipts.
        """
        waits = stored.status is not Status.SENT or self._live_status(stored.message.id)
        if stored.status not in FINAL and waits:
            raise Refused(Refusal.NOT_REDACTABLE)

    def _check_writable(self) -> None:
        """A record would be kept until the store recovers, and its caller wait as long."""
        if not self._store.writable:
            raise Refused(Refusal.STORE_UNAVAILABLE)

    def _show(self, stored: StoredMessage) -> JsonAnswer:
        live = self._live_status(stored.message.id)
        return JsonAnswer(200, encode(stored_resource(stored, live)))


def created(message: Message) -> JsonAnswer:
    """The answer to a message that is durable."""
    return JsonAnswer(201, encode(accepted_resource(message)))


async def committed(store: Store, record: Redacted | Deleted) -> None:
    """Append a record and wait until it is on stable storage.

    Raises:
        StoreError: it is not, and never will be.
    """
    done = asyncio.get_running_loop().create_future()

    def on_commit(error: StoreError | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    store.append(record, on_commit)
    await done


def message_filter(query: Form) -> MessageFilter:
    """To, From, and the three forms of DateSent.

    Raises:
        Refused: PARAMETER_INVALID.
    """
    since, until = time_range(query, "DateSent")
    sender, recipient = query.phone_number("From"), query.phone_number("To")
    return MessageFilter(
        sender=normalize_sender(sender) or sender,
        recipient=normalize_sender(recipient) or recipient,
        since=since,
        until=until,
    )
