"""The gateway, put together from its parts. What differs between the daemon and a simulation of it
comes in from outside: the store, the network, the clock, chance, and who calls webhooks.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from gateway.account import Account, SenderType
from gateway.admin.health import troubles
from gateway.admin.readings import Readings
from gateway.carriers.bind_events import (
    Alerted,
    BindCameUp,
    BindEvent,
    BindWentDown,
    Delivered,
    SubmitAnswered,
    SubmitLost,
    SubmitTimedOut,
    WindowChanged,
)
from gateway.carriers.configured_trunks import routed_trunks
from gateway.clock import Clock, IdFactory
from gateway.config import Config
from gateway.config.credentials import Credentials
from gateway.config.sections import SmppTls
from gateway.daemon import meters
from gateway.daemon.configured_carriers import carrier_ids, links, routed_binds, silent_binds
from gateway.daemon.kept_calls import KeptCalls
from gateway.daemon.restoration import restore
from gateway.daemon.routing_alarms import RoutingAlarms
from gateway.events import EventBus, StatusEvent
from gateway.ingress.esme_delivery import EsmeDelivery
from gateway.ingress.smpp_server import SmppServer
from gateway.interworking.error_texts import error_text
from gateway.message import Direction, Message, Status
from gateway.messaging.admission import Admission
from gateway.messaging.callbacks import Callbacks
from gateway.messaging.deliveries import Deliveries, Numbers
from gateway.messaging.dispatcher import Dispatcher
from gateway.messaging.idempotency import Idempotency
from gateway.messaging.inbound import Inbound
from gateway.messaging.intake import Intake
from gateway.messaging.journal import Journal, event_of
from gateway.messaging.opt_out import OptOuts
from gateway.messaging.pending_messages import PendingMessages
from gateway.messaging.reassembly import Reassembly
from gateway.messaging.receipts import Receipts
from gateway.messaging.undelivered import Undelivered
from gateway.messaging.webhook_outbox import OutboxLimits
from gateway.messaging.webhooks import Webhooks, WebhookSettings
from gateway.net.network import Network
from gateway.net.tls import server_context
from gateway.store.call_store import CallStore
from gateway.store.interface import Listener, Owed, Store, Transition
from gateway.streams.event_streams import EventStreams
from gateway.streams.state_board import CLEARED, DOWN, RAISED, UP
from gateway.webhooks.request import Poster
from routing.events import BindDown, BindUp
from routing.numbering_plan import NumberingPlan
from routing.router import Router

if TYPE_CHECKING:
    from gateway.daemon.voice import Voice

DISTRIBUTION = "super-network-gateway"
TICK_S = 1.0
# Where files for the archive are made, in the store's directory.
WORKSHOP = "archive"
# Troubles that are told as retained alarms; those of the event sinks are told by themselves.
ALARMS = ("store", "carriers")


class Gateway:
    """Everything between the store and the sockets, without REST. Made on its event loop."""

    def __init__(
        self,
        config: Config,
        plan: NumberingPlan,
        store: Store,
        network: Network,
        clock: Clock,
        random: Random,
        poster: Poster,
        calls: CallStore | None = None,
    ) -> None:
        """
        `calls` keeps the records of calls; without it none are carried.

        Raises:
            TlsError: a file of [smpp.tls] or [sip.tls] cannot be used.
        """
        self.config = config
        self.store = store
        self.clock = clock
        self.started_at = clock.now()
        self.version = version(DISTRIBUTION)
        self.statuses: Counter[Status] = Counter()
        self.error_codes: Counter[int] = Counter()
        self._bus = bus = EventBus()
        last_id = max(store.last_id(), calls.last_id if calls else 0)
        ids = IdFactory(clock, config.node, last_id)
        routed = routed_binds(config.carriers)
        trunks = routed_trunks(config.carriers) if calls else []
        self._routed_trunks = {trunk.id for trunk in trunks}
        routed += trunks
        self.router = Router(routed, plan, clock.now())
        self.credentials = Credentials(config.accounts)
        self.opt_outs = OptOuts()
        # False until all that an earlier run left has been taken up: nothing is accepted before.
        self.restored = False
        self.journal = Journal(store, clock, bus, config.queue.receipt_wait_s)
        self.receipts = Receipts(
            self.journal,
            store,
            self.router,
            clock,
            config.queue.receipt_wait_s,
            silent_binds(config.carriers),
            carrier_ids(config.carriers),
        )
        self.binds = links(config.carriers, network, clock, random, self._on_bind_event)
        self.dispatcher = Dispatcher(
            self.journal,
            self.receipts,
            self.router,
            self.binds,
            store,
            clock,
            config.queue.expired_error_code,
            config.queue.outcome_unknown_wait_s,
        )
        self.receipts.on_confirmed = self.dispatcher.answers.on_confirmed
        self.admission = Admission(
            self.opt_outs,
            self._reachable,
            ref_bits=config.text.reference_bits,
            languages=config.text.national_languages,
        )
        self.intake = Intake(
            self.admission,
            self.journal,
            self.dispatcher,
            store.read_messages,
            self.credentials.account,
            clock,
            ids,
            random,
        )
        self.pending = PendingMessages(
            store, self.admission, self.intake, self.dispatcher.lanes, self.live_status, clock
        )
        self.idempotency = Idempotency(
            self.intake, store.find_key, clock, config.store.idempotency_window_s
        )
        private = config.callbacks.allow_private_destinations
        limits = OutboxLimits(
            in_flight_max=config.callbacks.concurrency,
            host_in_flight_max=config.callbacks.host_concurrency,
        )
        self.webhooks = Webhooks(store, poster, clock, random, WebhookSettings(private, limits))
        self._callbacks = Callbacks(
            self.webhooks, self.credentials.account, lambda code: error_text(code) or ""
        )
        self.inbound = Inbound(
            self.webhooks,
            self.credentials.account,
            self.opt_outs,
            self.intake.submit,
            store,
            clock,
            private,
        )
        self.reassembly = Reassembly(
            self.journal,
            store,
            clock,
            ids,
            config.queue.reassembly_s,
            self._on_whole,
            self._on_alone,
        )
        self.deliveries = Deliveries(
            self.journal,
            self.receipts,
            self.inbound,
            self.reassembly,
            Numbers(config.accounts),
            self.binds,
            store,
            clock,
            ids,
        )
        self.esme_delivery = EsmeDelivery(store, clock, config.smpp.deliver_s)
        self.receipts.on_intermediate = self.esme_delivery.on_intermediate
        self.deliveries.tell_alert = self.esme_delivery.on_alert
        self.smpp_server = SmppServer(
            config.smpp,
            network,
            clock,
            self.credentials,
            self.idempotency,
            self.pending,
            self.esme_delivery,
            lambda: self.restored,
            self._queue_fill,
            random,
            smpp_tls(config.smpp.tls),
        )
        self.streams = EventStreams(
            config.events,
            config.node,
            store,
            clock,
            random,
            Path(config.store.directory) / WORKSHOP,
        )
        self.routing_alarms = RoutingAlarms(self.router, self.streams.board)
        for bind in self.binds:
            # A crash has left what was last told of it.
            self.streams.board.set(f"binds/{bind}", DOWN, clock.now(), "not bound yet")
        self.voice: Voice | None = None
        if calls is not None:
            # A start without calls is quicker without all that they need.
            from gateway.daemon.voice import Voice

            sinks = self.streams.call_sinks
            kept = KeptCalls(calls, poster, self._account, clock, random, private, sinks)
            self.voice = Voice(
                config, plan, self.router, clock, random, ids.next, kept, self._on_trunk_event
            )
        self.undelivered = Undelivered(store, self.webhooks.host, self.recover, clock)
        bus.subscribe(self._count)
        bus.subscribe(self._callbacks.on_event)
        bus.subscribe(self.esme_delivery.on_event)
        bus.subscribe(self.streams.on_event)

    # Life

    async def restore(self) -> None:
        """Take up what an earlier run left; to be done before `run`. Nothing is accepted until
        then, but it is asked and answered."""
        await restore(self)

    def recover(self, owed: Owed) -> None:
        """Have a listener told of what it has not been told, or is to be told again."""
        if owed.message.direction is Direction.INBOUND and self.reassembly.restore(owed):
            return
        if owed.transition.status is Status.RECEIVED and not owed.round:
            self.inbound.recover(owed)
        elif owed.transition.listener is Listener.WEBHOOK:
            self.webhooks.recover(owed)
        self.esme_delivery.recover(owed)

    async def run(self) -> None:
        """Carry traffic until canceled; the SMPP server is started by its owner."""
        async with asyncio.TaskGroup() as tasks:
            for bind in self.binds.values():
                tasks.create_task(bind.run(), name=f"bind {bind.id}")
            tasks.create_task(self.dispatcher.run(), name="queues")
            tasks.create_task(self.intake.run(), name="intake")
            tasks.create_task(self.receipts.run(), name="receipts")
            tasks.create_task(self.webhooks.run(), name="webhooks")
            tasks.create_task(self.streams.run(), name="event streams")
            tasks.create_task(self._tick(), name="tick")
            if self.voice is not None:
                tasks.create_task(self.voice.run(), name="voice")

    async def drain(self) -> None:
        """Stop in good order: take nothing new, send nothing new, let answers come in."""
        self.intake.close()
        self.dispatcher.stop()
        await self.smpp_server.stop()
        async with asyncio.TaskGroup() as tasks:
            for bind in self.binds.values():
                tasks.create_task(bind.drain())
            if self.voice is not None:
                tasks.create_task(self.voice.drain())
        self.esme_delivery.close()
        self.receipts.close()
        self.reassembly.close()

    async def close(self) -> None:
        """After `run` has ended, and before the store is closed."""
        await self.streams.close()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = self.clock.now()
            self.router.tick(now)
            self.routing_alarms.handle()
            found = troubles(
                self.restored,
                self.store.accepting,
                self.router.snapshot(now),
                self.streams.readings(),
            )
            for name in ALARMS:
                value = RAISED if name in found else CLEARED
                self.streams.board.set(f"alarms/{name}", value, now, found.get(name, ""))

    # Wiring

    def _on_bind_event(self, event: BindEvent) -> None:
        match event:
            case SubmitAnswered():
                self.dispatcher.answers.on_answered(event)
            case Delivered():
                self.deliveries.on_delivered(event)
            case SubmitTimedOut():
                self.dispatcher.answers.on_timed_out(event)
            case SubmitLost():
                self.dispatcher.answers.on_lost(event)
            case BindCameUp():
                self.streams.board.set(f"binds/{event.bind}", UP, self.clock.now())
                self.dispatcher.on_bind_up(event)
            case BindWentDown():
                self.streams.board.set(f"binds/{event.bind}", DOWN, self.clock.now(), event.reason)
                self.dispatcher.on_bind_down(event)
            case WindowChanged():
                self.dispatcher.on_window_changed(event)
            case Alerted():
                self.deliveries.on_alert(event)

    def _account(self, sid: str) -> Account | None:
        """As calls know it now, which may be later than what messages know."""
        known = self.voice.edge.customers.account(sid) if self.voice is not None else None
        return known or self.credentials.account(sid)

    def _on_trunk_event(self, event: BindUp | BindDown) -> None:
        value = UP if isinstance(event, BindUp) else DOWN
        self.streams.board.set(f"binds/{event.bind}", value, event.at)
        # A trunk that only brings calls to us is not one of the router's.
        if event.bind in self._routed_trunks:
            self.router.observe(event)

    def _on_whole(self, message: Message, transition: Transition) -> None:
        self.deliveries.on_whole(message, transition)

    def _on_alone(self, message: Message, transition: Transition) -> None:
        self.deliveries.on_whole(message, transition)
        self._bus.publish(event_of(message, transition))

    def _reachable(self, recipient: str, sender_type: SenderType) -> bool:
        return self.router.reachable(recipient, sender_type.value)

    def _queue_fill(self, account_sid: str, sender: str) -> float:
        """How full the queue of a sender is, from 0 to 1."""
        lane = self.dispatcher.lanes.find(account_sid, sender)
        return lane.queue.segments / lane.queue.capacity if lane else 0.0

    def live_status(self, message_id: int) -> Status | None:
        """Where a message under way stands; None for any other, and for one that waits in the
        store with its status."""
        opened = self.journal.find(message_id)
        if opened:
            return opened.status
        return Status.SENT if self.receipts.awaits(message_id) else None

    def _count(self, event: StatusEvent) -> None:
        self.statuses[event.status] += 1
        if event.error_code:
            self.error_codes[event.error_code] += 1

    def readings(self) -> Readings:
        return meters.read(self)

    @property
    def messages_open(self) -> int:
        """Those at hand, and those that wait in the store."""
        aside = self.dispatcher.lanes.aside + self.receipts.set_aside + self.intake.scheduled
        return len(self.journal) + aside


def smpp_tls(tls: SmppTls) -> ssl.SSLContext | None:
    """The context of the SMPP server's listener with TLS, where there is one.

    Raises:
        TlsError: a file cannot be used.
    """
    if not tls.cert_file:
        return None
    return server_context(tls.cert_file, tls.key_file, tls.client_ca_file)
