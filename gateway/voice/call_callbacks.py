"""Status callbacks of calls: a form POST for each status, signed (Twilio's
`call-progress-events`).

The end of a call is told at least once, whatever becomes of us: the store knows that it is owed
until a server took it or it was given up. Earlier statuses that were not told when we went down are
not told any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from random import Random

from gateway.account import Account
from gateway.call import CallDirection, CallEvent
from gateway.clock import Clock, call_sid
from gateway.store.call_facts import (
    CallEnded,
    CallTold,
)
from gateway.store.call_store import CallStore
from gateway.voice.call_callback_queue import CallbackLimits, CallbackQueue, CallDelivery
from gateway.webhooks.destination import DestinationError, parse_destination
from gateway.webhooks.request import (
    API_VERSION,
    Failure,
    Poster,
    WebhookRequest,
    signed_request,
)
from gateway.webhooks.signature import Field
from gateway.webhooks.wake import Wake

log = logging.getLogger(__name__)

CALLBACK_SOURCE = "call-progress-events"
# In the words of Twilio's SIP trunking: `terminating` is a call that the customer makes to the
# telephone network, `originating` one that comes from there.
DIRECTIONS: dict[CallDirection, str] = {
    CallDirection.OUTBOUND: "trunking-terminating",
    CallDirection.INBOUND: "trunking-originating",
}


class CallCallbacks:
    """Subscribe `on_event` to the records. `allow_private` lets callbacks go to loopback and
    private networks."""

    def __init__(
        self,
        store: CallStore,
        poster: Poster,
        accounts: Callable[[str], Account | None],
        clock: Clock,
        random: Random,
        *,
        allow_private: bool = False,
        limits: CallbackLimits | None = None,
    ) -> None:
        self._store = store
        self._poster = poster
        self._accounts = accounts
        self._clock = clock
        self._allow_private = allow_private
        self._queue = CallbackQueue(limits or CallbackLimits(), random.random)
        self._wake = Wake(clock)
        self.delivered = 0
        self.failed_attempts = 0
        self.given_up = 0

    @property
    def pending(self) -> int:
        return self._queue.pending

    @property
    def in_flight(self) -> int:
        return self._queue.in_flight

    def begin(self) -> None:
        """Take up the ends that an earlier run has not told."""
        for event in _owed(self._store.owed):
            self.on_event(event)

    def on_event(self, event: CallEvent) -> None:
        """Take an event of any call; only those with a callback are told."""
        url = event.call.status_callback
        if not url:
            return
        try:
            destination = parse_destination(url, self._allow_private)
        except DestinationError as error:
            self._give_up(event, str(error))
            return
        if self._queue.offer(event, destination, self._clock.now()):
            self._wake.set()
        else:
            self._give_up(event, "too many wait")

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._wake.clear()
                for delivery in self._queue.take(self._clock.now()):
                    tasks.create_task(self._attempt(delivery))
                await self._wake.until(self._queue.next_timer())

    async def _attempt(self, delivery: CallDelivery) -> None:
        event = delivery.event
        try:
            request = self._request(delivery)
            answer = await self._poster.post(request) if request else None
        except Exception:
            log.exception("call callback broke", extra={"host": delivery.destination.host})
            answer = None
        self._wake.set()
        if answer is None:
            self._queue.ended(delivery)
            self._give_up(event, "no account, or an error of ours")
        elif isinstance(answer, Failure):
            self._failed(delivery, answer)
        else:
            self._queue.ended(delivery)
            self.delivered += 1
            self._told(event)

    def _failed(self, delivery: CallDelivery, failure: Failure) -> None:
        self.failed_attempts += 1
        if not self._queue.failed(delivery, failure, self._clock.now()):
            self._give_up(delivery.event, str(failure))
            return
        facts = {
            "call": call_sid(delivery.event.call.id),
            "host": delivery.destination.host,
            "attempts": delivery.attempts,
            "failure": str(failure),
        }
        log.info("call callback failed", extra=facts)

    def _request(self, delivery: CallDelivery) -> WebhookRequest | None:
        event = delivery.event
        account = self._accounts(event.call.account_sid)
        if account is None:
            return None
        fields = callback_fields(event)
        token = f"{call_sid(event.call.id)}-{event.number}"
        return signed_request(delivery.destination, "POST", fields, account.auth_token, token)

    def _give_up(self, event: CallEvent, reason: str) -> None:
        self.given_up += 1
        facts = {"call": call_sid(event.call.id), "status": event.status.value, "reason": reason}
        log.warning("call callback given up", extra=facts)
        self._told(event)

    def _told(self, event: CallEvent) -> None:
        if event.record is not None:
            self._store.append(CallTold(event.call.id))


def callback_fields(event: CallEvent) -> list[Field]:
    """The parameters of a status callback; what is not known is left out. SequenceNumber counts
    the statuses of a call from 0; CallDuration, in whole seconds, comes with the last."""
    call = event.call
    fields = [
        ("CallSid", call_sid(call.id)),
        ("AccountSid", call.account_sid),
        ("From", call.caller),
        ("To", call.called),
        ("CallStatus", event.status.value),
        ("Direction", DIRECTIONS[call.direction]),
        ("ApiVersion", API_VERSION),
        ("Timestamp", format_datetime(datetime.fromtimestamp(int(event.at), UTC))),
        ("CallbackSource", CALLBACK_SOURCE),
        ("SequenceNumber", str(event.number - 1)),
    ]
    if event.record is not None:
        fields.append(("CallDuration", str(round(event.record.duration_s))))
    if event.sip_status:
        fields.append(("SipResponseCode", str(event.sip_status)))
    return fields


def _owed(ended: Iterable[CallEnded]) -> Iterable[CallEvent]:
    for each in ended:
        record = each.record
        yield CallEvent(
            record.call,
            each.number,
            record.status,
            record.ended_at,
            record.sip_status,
            record.attempts[-1].trunk if record.attempts else "",
            record,
        )
