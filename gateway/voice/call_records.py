"""What is known of calls: those that stand, in memory, and a durable record of each that is over.

Each event of a call is noted before it is told on, the last one only once the record is on stable
storage. A call that was under way when we went down is recorded by the next run, with what was
noted of it: that it was answered makes it `completed`, and it is taken to have ended when we were
last seen alive, which was up to HEARTBEAT_S before; else it has `failed`, with no SIP status.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

import msgspec

from gateway.call import FINAL, Call, CallEvent, CallRecord, CallStatus, EndedBy
from gateway.clock import Clock, call_sid
from gateway.errors import StoreError
from gateway.store.call_facts import (
    CallEnded,
    CallReached,
    CallsAlive,
    CallStarted,
    CallStreamed,
)
from gateway.store.call_file import (
    CallFilter,
    UnderWay,
)
from gateway.store.call_store import CallStore

log = logging.getLogger(__name__)

HEARTBEAT_S = 5.0

OnCallEvent = Callable[[CallEvent], None]


class StandingCall(msgspec.Struct, frozen=True):
    """A call that is not over. Instants are Unix seconds, 0 for what did not come to pass."""

    call: Call
    status: CallStatus
    updated_at: float
    rang_at: float = 0.0
    answered_at: float = 0.0


class CallRecords:
    """Told of each event by `on_event`, and tells it on to who has subscribed.

    There are as many standing calls as the B2BUA lets in (`[sip] calls_max`), which asks
    `accepting` first; an event about a call that has ended is left out. `streamed`: there are sinks
    of the event stream, for which each event is kept in the store.
    """

    def __init__(self, store: CallStore, clock: Clock, *, streamed: bool = False) -> None:
        self._store = store
        self._clock = clock
        self._streamed = streamed
        self._standing: dict[int, StandingCall] = {}
        self._ending: set[int] = set()
        self._listeners: list[OnCallEvent] = []
        self.recovered = 0
        self.lost = 0

    @property
    def accepting(self) -> bool:
        """Whether the record of a new call could be written."""
        return self._store.accepting

    @property
    def standing(self) -> int:
        return len(self._standing)

    @property
    def uncommitted(self) -> int:
        """What waits for its commit."""
        return self._store.uncommitted

    def subscribe(self, listener: OnCallEvent) -> None:
        self._listeners.append(listener)

    def begin(self) -> None:
        """Record the calls that the last run has left under way; before the first event."""
        for left in self._store.under_way:
            record = _record_of(left, self._store.alive_at)
            self.recovered += 1
            self.on_event(
                CallEvent(
                    left.call,
                    left.number + 1,
                    record.status,
                    record.ended_at,
                    record.sip_status,
                    record=record,
                )
            )
        if self.recovered:
            log.warning("calls cut off by a restart", extra={"calls": self.recovered})

    async def run(self) -> None:
        """Note again and again that we live, while calls stand; until cancelled."""
        while True:
            if self._standing:
                self._store.append(CallsAlive(self._clock.now()))
            await asyncio.sleep(HEARTBEAT_S)

    def on_event(self, event: CallEvent) -> None:
        """Note the event of a call; it is told on now, and with a record once that is durable."""
        call_id = event.call.id
        if call_id in self._ending:
            return
        if event.record is not None:
            self._ending.add(call_id)
            owed = bool(event.call.status_callback)
            streamed = event if self._streamed else None
            ended = CallEnded(event.record, event.number, owed, streamed)
            self._store.append(ended, partial(self._on_recorded, event))
            return
        assert event.status not in FINAL, "the end of a call comes with its record"
        known = self._standing.get(call_id)
        if known is None:
            self._store.append(CallStarted(event.call, event.number))
        else:
            self._store.append(CallReached(call_id, event.number, event.status, event.at))
        if self._streamed:
            self._store.append(CallStreamed(event))
        self._standing[call_id] = _reached(known, event)
        self._tell(event)

    # For who asks

    def standing_call(self, account_sid: str, call_id: int) -> StandingCall | None:
        found = self._standing.get(call_id)
        return found if found and found.call.account_sid == account_sid else None

    def standing_calls(
        self, account_sid: str, where: CallFilter, before: int | None = None
    ) -> list[StandingCall]:
        """Calls of an account that stand, from below the id `before`."""
        return [
            each
            for each in self._standing.values()
            if each.call.account_sid == account_sid
            and (before is None or each.call.id < before)
            and _matches(each, where)
        ]

    async def fetch(self, account_sid: str, call_id: int) -> StandingCall | CallRecord | None:
        """A call of the account, whether it stands or is over.

        Raises:
            StoreError: it does not stand, and records cannot be read.
        """
        standing = self.standing_call(account_sid, call_id)
        return standing or await self._store.fetch(account_sid, call_id)

    async def page(
        self, account_sid: str, where: CallFilter, limit: int, before: int | None = None
    ) -> list[StandingCall | CallRecord]:
        """Calls of an account, the newest first, from below the id `before`.

        Raises:
            StoreError: records cannot be read.
        """
        # Those that stand are looked at first: one that ends meanwhile is there twice, not never.
        found: dict[int, StandingCall | CallRecord] = {
            each.call.id: each for each in self.standing_calls(account_sid, where, before)
        }
        for record in await self._store.page(account_sid, where, limit, before):
            found[record.call.id] = record
        return sorted(found.values(), key=lambda each: -each.call.id)[:limit]

    def _on_recorded(self, event: CallEvent, error: StoreError | None) -> None:
        call_id = event.call.id
        if error is not None:
            self.lost += 1
            facts = {"call": call_sid(call_id), "reason": str(error)}
            log.error("call record lost", extra=facts)
        self._standing.pop(call_id, None)
        self._ending.discard(call_id)
        _log_end(event)
        self._tell(event)

    def _tell(self, event: CallEvent) -> None:
        for listener in self._listeners:
            listener(event)


def _log_end(event: CallEvent) -> None:
    record = event.record
    assert record is not None
    facts = {
        "call": call_sid(event.call.id),
        "account": event.call.account_sid,
        "source": event.call.source,
        "trunk": event.trunk,
        "status": event.status.value,
        "sip_status": event.sip_status,
        "ended_by": record.ended_by.value,
        "attempts": len(record.attempts),
        "duration_s": round(record.duration_s, 1),
    }
    if record.silent:
        facts["silent"] = record.silent
    log.info("call ended", extra=facts)


def _reached(known: StandingCall | None, event: CallEvent) -> StandingCall:
    rang_at = known.rang_at if known else 0.0
    answered_at = known.answered_at if known else 0.0
    if event.status is CallStatus.RINGING:
        rang_at = rang_at or event.at
    elif event.status is CallStatus.IN_PROGRESS:
        answered_at = answered_at or event.at
    return StandingCall(event.call, event.status, event.at, rang_at, answered_at)


def _matches(standing: StandingCall, where: CallFilter) -> bool:
    call = standing.call
    return (
        where.caller in ("", call.caller)
        and where.called in ("", call.called)
        and where.status in (None, standing.status)
        and where.started_since <= call.started_at < where.started_until
        # It has not ended, so it is later than any end that is asked for.
        and where.ended_until == float("inf")
        and not where.ended_since
    )


def _record_of(left: UnderWay, alive_at: float) -> CallRecord:
    """The record of a call of which nobody saw the end."""
    answered = bool(left.answered_at)
    return CallRecord(
        left.call,
        CallStatus.COMPLETED if answered else CallStatus.FAILED,
        ended_at=max(left.call.started_at, left.rang_at, left.answered_at, alive_at),
        sip_status=200 if answered else 0,
        ended_by=EndedBy.GATEWAY,
        answered_at=left.answered_at,
        rang_at=left.rang_at,
    )
