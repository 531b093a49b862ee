"""What is kept of calls and told of them: the records, the callbacks of customers, the event
stream, the meters."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from random import Random

from gateway.account import Account
from gateway.clock import Clock, call_sid
from gateway.store.call_store import CallStore
from gateway.streams.call_stream import CallSink, CallStream
from gateway.voice.call_callbacks import CallCallbacks
from gateway.voice.call_meters import CallMeters, CallReadings
from gateway.voice.call_records import CallRecords
from gateway.voice.call_surroundings import OneWayCall
from gateway.voice.media_session import MediaReadings
from gateway.webhooks.request import Poster

log = logging.getLogger(__name__)


class KeptCalls:
    """`allow_private` lets callbacks go to loopback and private networks."""

    def __init__(
        self,
        store: CallStore,
        poster: Poster,
        accounts: Callable[[str], Account | None],
        clock: Clock,
        random: Random,
        allow_private: bool,
        sinks: Sequence[CallSink],
    ) -> None:
        self.records = CallRecords(store, clock, streamed=bool(sinks))
        self._stream = CallStream(store, sinks, random)
        self.callbacks = CallCallbacks(
            store, poster, accounts, clock, random, allow_private=allow_private
        )
        self.meters = CallMeters()
        self.records.subscribe(self.meters.on_event)
        self.records.subscribe(self.callbacks.on_event)
        if sinks:
            self.records.subscribe(self._stream.on_event)

    def on_one_way(self, told: OneWayCall) -> None:
        """Of a call that stands."""
        log.warning(
            "audio goes one way",
            extra={
                "call": call_sid(told.call.id),
                "account": told.call.account_sid,
                "silent": told.silent.value,
                "source": told.call.source,
                "trunk": told.trunk,
            },
        )

    def begin(self) -> None:
        """Take up what an earlier run has left; before the first call."""
        self.records.begin()
        self.callbacks.begin()

    async def run(self) -> None:
        """Until canceled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.records.run(), name="records of calls")
            tasks.create_task(self.callbacks.run(), name="callbacks of calls")
            tasks.create_task(self._stream.run(), name="stream of calls")

    def readings(self, media: MediaReadings) -> CallReadings:
        return self.meters.readings(self.records, self.callbacks, media)
