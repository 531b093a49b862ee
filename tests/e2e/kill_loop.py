"""kill -9 again and again: at a start, in a recovery, right after the first answer, under load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

from carriers_sim.smsc import Smsc
from tests.e2e.configuration import LONG_CODE, SHORT_CODE
from tests.e2e.daemon import Daemon
from tests.e2e.kill_loop_audit import Stored
from tests.e2e.kill_loop_customers import Customers
from tests.e2e.kill_loop_ledger import Ledger
from tests.e2e.process import PATIENCE_S, installed, outcome
from tests.e2e.rest_client import RestClient

# Of the kills so many come before the daemon says that it has started, and so many a few messages
# after; the others later. Most of a short life is a start: what went wrong shows at the next one.
STARTING_SHARE = 0.4
EARLY_SHARE = 0.45
EARLY_MESSAGES = 25
LATE_MESSAGES = 120
LOOK_S = 0.1


class KillLoop:
    """Kills the daemon and starts it again; `kills` are the times (Unix seconds)."""

    def __init__(self, daemon: Daemon, customers: Customers, random: Random) -> None:
        self.kills: list[float] = []
        self.starts_cut_short = 0
        self._daemon = daemon
        self._customers = customers
        self._random = random
        # How long a start takes, as far as we have seen.
        self._start_s = 0.5

    async def run(self, kills: int) -> None:
        """The daemon runs before and after."""
        while len(self.kills) < kills:
            await self._live(self._random.random())
            await self.kill()
            while len(self.kills) < kills and self._random.random() < STARTING_SHARE:
                await self._cut_short()
            await self.start()

    async def kill(self) -> None:
        self.kills.append(time.time())
        await self._daemon.kill()

    async def start(self) -> None:
        began = time.monotonic()
        async with asyncio.timeout(PATIENCE_S):
            await self._daemon.start()
        self._start_s = time.monotonic() - began

    async def _live(self, chance: float) -> None:
        early = chance < EARLY_SHARE / (1.0 - STARTING_SHARE)
        messages = EARLY_MESSAGES if early else LATE_MESSAGES
        async with asyncio.timeout(PATIENCE_S):
            await self._customers.acknowledge(self._random.randint(0, messages))

    async def _cut_short(self) -> None:
        """Kill it before it can say that it has started, or just then."""
        try:
            async with asyncio.timeout(self._random.uniform(0.0, 1.1) * self._start_s):
                await self._daemon.start()
        except TimeoutError:
            self.starts_cut_short += 1
        await self.kill()


@asynccontextmanager
async def handsets(carrier: Smsc, ledger: Ledger, pause_s: float) -> AsyncIterator[None]:
    """They send while the context is entered, to a number with a webhook and to an ESME's."""

    async def send() -> None:
        for number, recipient in enumerate(cycle((SHORT_CODE, LONG_CODE))):
            await asyncio.sleep(pause_s)
            carrier.inject_mo(f"+1206777{number % 10_000:04}", recipient, ledger.handset_sends())

    sending = asyncio.create_task(send())
    try:
        yield
    finally:
        sending.cancel()


async def settled(daemon: Daemon, ledger: Ledger, timeout_s: float) -> bool:
    """Wait until nothing is open and everything is told; False where that takes too long."""
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                asking = ledger.asking
                health: dict[str, Any] = await daemon.health()
                if not (asking or health["messages_open"] or ledger.untold or ledger.unheard):
                    return True
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        return False


async def flaws(store: Path) -> list[str]:
    """What `supernet store verify` finds wrong with a store that nobody has open."""
    code, said = await outcome(
        installed("supernet"), "store", "verify", "--directory", str(store), directory=store
    )
    return said if code else []


async def all_stored(rest: RestClient) -> dict[str, Stored]:
    """Every outbound message of the account, as it is listed."""
    return {
        message["sid"]: Stored(message["sid"], message["status"], message["body"], message["to"])
        for message in await rest.messages()
        if message["direction"] != "inbound"
    }
