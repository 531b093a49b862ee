"""The gateway, its customers and its carriers, for an hour or more of virtual time.

    world = World(Scenario.drawn(seed), directory)
    await world.run()

Everything is in one event loop and draws from one seed, so a world that went wrong goes wrong
again in the same way.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import apsw

from carriers_sim.simulator import Simulator
from gateway.clock import Clock
from gateway.messaging import account_queue
from gateway.smpp.pdus import BindReceiver, BindTransceiver, BindTransmitter
from gateway.store.group_commit import REOPEN_MAX_S
from gateway.store.interface import AttemptOutcome, MessageFilter, Owed, StoredMessage
from tests.sim.cast import (
    ACCOUNTS,
    ACME,
    BEE,
    CEE,
    MAX_QUEUE_S,
    RECEIPT_WAIT_S,
    RECIPIENTS,
    WALL_START,
    gateway_config,
    simulator_config,
)
from tests.sim.changing_customer import ChangingCustomer
from tests.sim.esme_customer import EsmeCustomer
from tests.sim.gateway_process import GatewayProcess
from tests.sim.ledger import Ledger
from tests.sim.memory import left_in_memory
from tests.sim.numbered_text import numbered_text
from tests.sim.rest_customer import SEND_AT_AHEAD_S, RestCustomer
from tests.sim.scenario import Scenario
from tests.sim.trouble import Trouble
from tests.sim.webhook_server import WebhookServer
from tests.sim.wiretap import Wiretap
from tests.store.failing_disk import FailingDisk
from tests.support.memory_network import MemoryNetwork

STORED_MAX = 100_000
SHORT_HEAD = 3
INBOUND_PAUSE_S = 45.0
# Whatever was accepted is at its end by then: scheduled, queued, in doubt, without a receipt.
SETTLED_AFTER_S = SEND_AT_AHEAD_S[1] + MAX_QUEUE_S + RECEIPT_WAIT_S + 600.0
SETTLED_CHECKS = 300
# And then what memory keeps for a while (unmatched receipts, limiters) is forgotten.
FORGOTTEN_AFTER_S = 300.0


class AtOnce(ThreadPoolExecutor):
    """Checks passwords when it is asked to: a thread would know nothing of virtual time."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


class Faults(logging.Handler):
    """What the gateway calls a fault of its own: errors with a traceback, and lost callbacks."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.seen.append(self.format(record))


class World:
    """`stored` has every message once `run` has returned."""

    def __init__(self, scenario: Scenario, directory: Path) -> None:
        self.scenario = scenario
        self._directory = directory
        loop = asyncio.get_running_loop()
        loop.set_default_executor(AtOnce())
        self.clock = Clock(loop.time, WALL_START)
        self.ledger = Ledger()
        self.wiretap = Wiretap(self.clock)
        self.faults = Faults()
        self._disk_random = self._random("disk")
        self._disk = FailingDisk() if scenario.disk_failures else None
        self.network = self._network()
        self.simulator = Simulator(
            simulator_config(scenario), network=self.network, clock=self.clock
        )
        self._webhooks = WebhookServer(self.ledger, self.clock, self._random("webhooks"))
        self._esmes = [
            EsmeCustomer(
                BEE,
                system_id,
                bind,
                self.network,
                self.ledger,
                self.clock,
                self._random(f"{system_id}/{bind.command_id.name}"),
            )
            for system_id, bind in (
                ("bee", BindTransceiver),
                ("bee2", BindTransmitter),
                ("bee2", BindReceiver),
            )
        ]
        self._trouble = Trouble(
            scenario,
            self.simulator,
            self.network,
            self._random("trouble"),
            self._crash,
            self._restart,
            self._fail_disk,
        )
        self._process_number = 0
        self.process: GatewayProcess
        self.killed_at: list[float] = []
        self.stopped_at: list[float] = []
        self.started_at: list[float] = []
        self.disk_failed: list[tuple[float, float]] = []
        self.stored: list[StoredMessage] = []
        self.owed: list[Owed] = []
        self.held: set[int] = set()
        self.left: list[str] = []

    async def run(self) -> None:
        """Trouble first, then peace until all is settled and forgotten."""
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: self.faults.seen.append(repr(context))
        )
        logger = logging.getLogger("gateway")
        logger.addHandler(self.faults)
        heads = {"HEAD_MIN": SHORT_HEAD, "HEAD_S": 0.0} if self.scenario.short_heads else {}
        try:
            with ExitStack() as patches:
                for name, value in heads.items():
                    patches.enter_context(patch.object(account_queue, name, value))
                await self._live()
        finally:
            logger.removeHandler(self.faults)

    async def _live(self) -> None:
        scenario = self.scenario
        until = self.clock.now() + scenario.duration_s
        self._webhooks.failing = 0.4 if scenario.bad_webhooks else 0.0
        for esme in self._esmes:
            esme.rude = scenario.bad_esmes
        await self.simulator.start()
        await self._start()
        bound = [asyncio.create_task(esme.keep_bound()) for esme in self._esmes]
        async with asyncio.TaskGroup() as tasks:
            for account in (ACME, CEE):
                customer = RestCustomer(
                    account,
                    lambda: self.process,
                    self.ledger,
                    self.clock,
                    self._random(account.name),
                )
                tasks.create_task(customer.run(until))
            for account in (ACME, BEE) if scenario.changes else ():
                changing = ChangingCustomer(
                    account,
                    lambda: self.process,
                    self.ledger,
                    self.clock,
                    self._random(f"{account.name}/changes"),
                )
                tasks.create_task(changing.run(until))
            for esme in self._esmes:
                tasks.create_task(esme.run(until))
            if scenario.inbound:
                tasks.create_task(self._handsets(until))
            tasks.create_task(self._trouble.run())
        self._webhooks.failing = 0.0
        for esme in self._esmes:
            esme.rude = False
        await self._settle()
        for task in bound:
            task.cancel()
        await asyncio.gather(*bound, return_exceptions=True)
        await self.process.stop()
        await self.simulator.stop()

    async def _settle(self) -> None:
        """Until nothing is under way, but no longer than that may take."""
        for _ in range(SETTLED_CHECKS):
            await asyncio.sleep(SETTLED_AFTER_S / SETTLED_CHECKS)
            if not self._busy:
                break
        await asyncio.sleep(FORGOTTEN_AFTER_S)
        self.left = list(left_in_memory(self.process.gateway, self.clock.now()))
        store = self.process.store
        for account in ACCOUNTS:
            self.stored += await store.list(account.sid, MessageFilter(), STORED_MAX)
        self.stored.sort(key=lambda stored: stored.message.id)
        self.owed = list(store.load_owed())
        self.held = held_messages(self._directory)

    @property
    def ended_at(self) -> list[float]:
        """When a process was killed or asked to stop."""
        return sorted(self.killed_at + self.stopped_at)

    def done_by(self, when: float) -> float:
        """The latest time for what is due at `when`: then; or when the store could be written to
        again, for nothing is decided while it cannot; or when the next process served, if none
        did then or if it took what it had done to its grave."""
        for failed_at, healed_at in self.disk_failed:
            if failed_at <= when <= healed_at + REOPEN_MAX_S:
                when = healed_at + REOPEN_MAX_S
        for ended_at, started_at in zip(self.ended_at, self.started_at[1:], strict=False):
            if self.stored_by(ended_at) <= when < started_at:
                return started_at
        return when

    @property
    def commit_s_max(self) -> float:
        """A write, or a read of a page, takes no longer."""
        return 2.0 if self.scenario.slow_disk else 0.05

    def stored_by(self, ended_at: float) -> float:
        """What was done before this time was surely on the disk when the process ended."""
        for failed_at, healed_at in self.disk_failed:
            if failed_at <= ended_at <= healed_at + REOPEN_MAX_S + self.commit_s_max:
                ended_at = failed_at
        return ended_at - self.commit_s_max

    @property
    def _busy(self) -> bool:
        gateway, smscs = self.process.gateway, self.simulator.smscs.values()
        return bool(
            gateway.messages_open
            or gateway.receipts.expected
            or gateway.webhooks.pending
            or gateway.webhooks.waiting
            or gateway.esme_delivery.pending
            or any(smsc.receipts_due or smsc.deliveries_waiting for smsc in smscs)
        )

    def _network(self) -> MemoryNetwork:
        if not self.scenario.jitter:
            return MemoryNetwork(self.wiretap)
        random = self._random("network")
        return MemoryNetwork(
            self.wiretap,
            delay_s=lambda: random.expovariate(1 / 0.02),
            pieces=lambda octets: _cut_up(octets, random),
        )

    # The process

    async def _start(self) -> None:
        if self._disk:
            self._disk.heal()
        self._process_number += 1
        self.process = GatewayProcess(
            gateway_config(self.scenario),
            self._directory,
            self.network,
            self.clock,
            self._random(f"gateway/{self._process_number}"),
            self._webhooks,
            self._commit_s,
            self._disk.name if self._disk else None,
        )
        self.started_at.append(self.clock.now())
        await self.process.start()

    async def _crash(self) -> None:
        random = self._disk_random
        if random.random() < 0.8:
            await self.process.busy_moment(patience_s=30.0)
            await asyncio.sleep(random.uniform(0.0, 1.5) * self._commit_s())
        self.killed_at.append(self.clock.now())
        await self.process.kill(committed=random.random() < 0.5, octets_lost=random.random() < 0.5)
        await asyncio.sleep(random.uniform(1.5, 60.0))
        await self._start()

    async def _restart(self) -> None:
        self.stopped_at.append(self.clock.now())
        await self.process.stop()
        await asyncio.sleep(self._disk_random.uniform(1.5, 20.0))
        await self._start()

    async def _fail_disk(self) -> None:
        assert self._disk is not None
        failed_at = self.clock.now()
        self._disk.fail()
        await asyncio.sleep(self._disk_random.expovariate(1 / 10.0))
        self._disk.heal()
        self.disk_failed.append((failed_at, self.clock.now()))

    def _commit_s(self) -> float:
        return self._disk_random.expovariate(1 / 0.05) if self.scenario.slow_disk else 0.003

    # Handsets

    async def _handsets(self, until: float) -> None:
        random = self._random("handsets")
        while self.clock.now() < until:
            await asyncio.sleep(random.expovariate(1 / INBOUND_PAUSE_S))
            smsc = self.simulator[random.choice(("alpha", "bravo", "charlie"))]
            account = random.choice((BEE, CEE))
            to = random.choice([one.address for one in account.senders if one.address != "Cee"])
            sender = random.choice(RECIPIENTS["US" if account is BEE else "GB"])
            word = random.choice(("", "", "STOP", "START", "help"))
            number = self.ledger.next_number()
            if not word:
                self.ledger.inbound[number] = to
            smsc.inject_mo(sender, to, word or numbered_text(number, random.choice((1, 1, 2))))

    def _random(self, name: str) -> Random:
        return Random(f"{self.scenario.seed}/{name}")


def held_messages(directory: Path) -> set[int]:
    """Messages that were held for a receipt at some time, and so lost their place in the order."""
    held: set[int] = set()
    for file in (directory / "store.db", *directory.glob("segment-*.db")):
        with closing(apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
            outcome = (AttemptOutcome.HELD,)
            rows = connection.execute("SELECT message_id FROM attempt WHERE outcome = ?", outcome)
            held |= {message_id for (message_id,) in rows}
    return held


def _cut_up(octets: bytes, random: Random) -> tuple[bytes, ...]:
    if len(octets) < 2 or random.random() < 0.7:
        return (octets,)
    at = random.randrange(1, len(octets))
    return octets[:at], octets[at:]
