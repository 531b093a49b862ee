"""The gateway, put together from its parts. What differs between the daemon and a simulation of it
comes in from outside: the store, the network, the clock, chance, and who calls webhooks.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from importlib.metadata import version
from random import Random

from gateway.account import SenderType
from gateway.admin.readings import Backlog, Readings
from gateway.carriers.bind_events import (
    BindCameUp,
    BindEvent,
    BindWentDown,
    Delivered,
    SubmitAnswered,
    SubmitLost,
    SubmitTimedOut,
)
from gateway.carriers.smpp_bind import SmppBind
from gateway.clock import Clock, IdFactory
from gateway.config import BindType, Carrier, Config
from gateway.config.credentials import Credentials
from gateway.events import EventBus, StatusEvent
from gateway.ingress.esme_delivery import EsmeDelivery
from gateway.ingress.smpp_server import SmppServer
from gateway.interworking.error_texts import error_text
from gateway.message import Status
from gateway.messaging.admission import Admission
from gateway.messaging.callbacks import Callbacks
from gateway.messaging.deliveries import Deliveries, Numbers
from gateway.messaging.dispatcher import Dispatcher
from gateway.messaging.inbound import Inbound
from gateway.messaging.intake import Intake
from gateway.messaging.journal import Journal
from gateway.messaging.opt_out import OptOuts
from gateway.messaging.receipts import Receipts
from gateway.messaging.webhook_outbox import OutboxLimits
from gateway.messaging.webhooks import Poster, Webhooks, WebhookSettings
from gateway.net.network import Network
from gateway.store.interface import Listener, Store
from routing.carrier_bind import CarrierBind as RoutedBind
from routing.carrier_bind import RouteEntry
from routing.numbering_plan import NumberingPlan
from routing.router import Router

log = logging.getLogger(__name__)

DISTRIBUTION = "super-network-gateway"
ROUTER_TICK_S = 1.0


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
    ) -> None:
        self.config = config
        self.store = store
        self.clock = clock
        self._started_at = clock.now()
        self._statuses: Counter[Status] = Counter()
        self._error_codes: Counter[int] = Counter()
        bus = EventBus()
        ids = IdFactory(clock, config.node, store.last_id())
        self.router = Router(routed_binds(config.carriers), plan, clock.now())
        self.credentials = Credentials(config.accounts)
        self.opt_outs = OptOuts()
        self.journal = Journal(store, clock, bus)
        self.receipts = Receipts(
            self.journal,
            store,
            self.router,
            clock,
            config.queue.receipt_wait_s,
            silent_binds(config.carriers),
        )
        self.binds = {
            bind_id(carrier, bind.id): SmppBind(
                bind_id(carrier, bind.id), bind, network, clock, random, self._on_bind_event
            )
            for carrier in config.carriers
            for bind in carrier.binds
        }
        self.dispatcher = Dispatcher(
            self.journal,
            self.receipts,
            self.router,
            self.binds,
            clock,
            config.queue.expired_error_code,
            config.queue.outcome_unknown_wait_s,
        )
        self.intake = Intake(
            Admission(self.opt_outs, self._reachable),
            self.journal,
            self.dispatcher,
            self.credentials.account,
            clock,
            ids,
            random,
        )
        private = config.callbacks.allow_private_destinations
        self.webhooks = Webhooks(
            store.append,
            store.load_unnotified,
            poster,
            clock,
            random,
            WebhookSettings(private, OutboxLimits(in_flight_max=config.callbacks.concurrency)),
        )
        self._callbacks = Callbacks(
            self.webhooks, self.credentials.account, lambda code: error_text(code) or ""
        )
        self.inbound = Inbound(
            self.webhooks,
            self.credentials.account,
            self.opt_outs,
            self.intake.submit,
            store.append,
            store.load_opt_outs,
            clock,
            private,
        )
        self._deliveries = Deliveries(
            self.journal,
            self.receipts,
            self.inbound,
            Numbers(config.accounts),
            self.binds,
            store,
            clock,
            ids,
        )
        self.esme_delivery = EsmeDelivery(store.append, store.load_unnotified, clock)
        self.smpp_server = SmppServer(
            config.smpp, network, clock, self.credentials, self.intake, self.esme_delivery
        )
        bus.subscribe(self._count)
        bus.subscribe(self._callbacks.on_event)
        bus.subscribe(self.esme_delivery.on_event)

    # Life

    def restore(self) -> None:
        """Take up what an earlier run left; to be called before anything else comes in."""
        for opt_out in self.store.load_opt_outs():
            self.opt_outs.apply(opt_out)
        for stored in self.store.load_open():
            opened = self.journal.restore(stored)
            if opened.status is not Status.SENT:
                self.intake.restore(opened)
            self.receipts.restore(opened, stored)
        told = Counter[Listener]()
        for message, transition in self.store.load_unnotified():
            told[transition.listener] += 1
            if transition.status is Status.RECEIVED:
                self.inbound.recover(message, transition)
            elif transition.listener is Listener.WEBHOOK:
                self.webhooks.recover(message, transition)
            self.esme_delivery.recover(message, transition)
        log.info(
            "restored",
            extra={
                "messages": len(self.journal),
                "webhooks": told[Listener.WEBHOOK],
                "esme_deliveries": told[Listener.ESME],
                "opt_outs": len(self.opt_outs),
            },
        )

    async def run(self) -> None:
        """Carry traffic until canceled; the SMPP server is started by its owner."""
        async with asyncio.TaskGroup() as tasks:
            for bind in self.binds.values():
                tasks.create_task(bind.run(), name=f"bind {bind.id}")
            tasks.create_task(self.webhooks.run(), name="webhooks")
            tasks.create_task(self._tick(), name="router tick")

    async def drain(self) -> None:
        """Stop in good order: take nothing new, send nothing new, let answers come in."""
        self.intake.close()
        self.dispatcher.stop()
        await self.smpp_server.stop()
        async with asyncio.TaskGroup() as tasks:
            for bind in self.binds.values():
                tasks.create_task(bind.drain())
        self.esme_delivery.close()
        self.receipts.close()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(ROUTER_TICK_S)
            self.router.tick(self.clock.now())

    # Wiring

    def _on_bind_event(self, event: BindEvent) -> None:
        match event:
            case SubmitAnswered():
                self.dispatcher.on_answered(event)
            case Delivered():
                self._deliveries.on_delivered(event)
            case SubmitTimedOut():
                self.dispatcher.on_timed_out(event)
            case SubmitLost():
                self.dispatcher.on_lost(event)
            case BindCameUp():
                self.dispatcher.on_bind_up(event)
            case BindWentDown():
                self.dispatcher.on_bind_down(event)

    def _reachable(self, recipient: str, sender_type: SenderType) -> bool:
        return self.router.reachable(recipient, sender_type.value)

    def live_status(self, message_id: int) -> Status | None:
        """Where a message under way stands; None for any other."""
        opened = self.journal.find(message_id)
        return opened.status if opened else None

    def _count(self, event: StatusEvent) -> None:
        self._statuses[event.status] += 1
        if event.error_code:
            self._error_codes[event.error_code] += 1

    def readings(self) -> Readings:
        now = self.clock.now()
        return Readings(
            version=version(DISTRIBUTION),
            uptime_s=now - self._started_at,
            accepting=self.store.accepting,
            binds=self.router.snapshot(now),
            backlogs=tuple(Backlog(*backlog) for backlog in self.dispatcher.backlog()),
            statuses={status.value: count for status, count in self._statuses.items()},
            error_codes=dict(self._error_codes),
            counters={
                "messages_accepted": self.intake.accepted,
                "messages_expired": self.dispatcher.expired,
                "messages_received": self._deliveries.received,
                "messages_received_refused": self._deliveries.refused,
                "receipts_matched": self.receipts.matched,
                "receipts_unmatched": self.receipts.unmatched,
                "receipts_duplicate": self.receipts.duplicates,
                "esme_submits": self.smpp_server.submitted,
                "esme_throttled": self.smpp_server.throttled,
                "esme_delivered": self.esme_delivery.delivered,
                "esme_refused": self.esme_delivery.refused,
            },
            gauges={
                "messages_open": len(self.journal),
                "receipts_expected": self.receipts.expected,
                "webhooks_pending": self.webhooks.pending,
                "esme_deliveries_pending": self.esme_delivery.pending,
                "esme_binds": len(self.smpp_server.binds()),
            },
        )


def bind_id(carrier: Carrier, bind: str) -> str:
    return f"{carrier.id}/{bind}"


def silent_binds(carriers: tuple[Carrier, ...]) -> frozenset[str]:
    """The binds that are asked for no receipts."""
    return frozenset(
        bind_id(carrier, bind.id)
        for carrier in carriers
        for bind in carrier.binds
        if not bind.receipts
    )


def routed_binds(carriers: tuple[Carrier, ...]) -> list[RoutedBind]:
    """The carriers of the configuration in the router's words."""
    return [
        RoutedBind(
            id=bind_id(carrier, bind.id),
            routes=tuple(
                RouteEntry(
                    match=match,
                    priority=route.priority,
                    weight=route.weight,
                    price=route.price,
                    sender_types=frozenset(kind.value for kind in route.sender_types),
                )
                for route in carrier.routes
                for match in (*(f"+{prefix}" for prefix in route.prefixes), *route.mccmnc)
            ),
            window=bind.window,
            tps=bind.tps,
            receipts=bind.receipts,
        )
        for carrier in carriers
        for bind in carrier.binds
        if bind.bind_type is not BindType.RECEIVER
    ]
