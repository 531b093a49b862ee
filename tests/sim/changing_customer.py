"""A customer that changes its mind: takes messages back, and replaces what they say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from gateway.account import Account
from gateway.clock import Clock
from gateway.errors import Refusal, Refused
from gateway.message import Receipts, Status
from gateway.messaging.pending_messages import PendingMessages, Replacement
from tests.sim.cast import RECIPIENTS
from tests.sim.gateway_process import GatewayProcess, Killed
from tests.sim.ledger import Asked, Change, Ledger, Outcome
from tests.sim.numbered_text import VERSIONS, numbered_text
from tests.sim.rest_customer import SEND_AT_AHEAD_S

PAUSE_S = 2.0
# It thinks of what it has sent lately, which may still wait.
LATELY = 40


class ChangingCustomer:
    """Changes messages of the account, one thing at a time of each. `process` gives the gateway
    that answers now."""

    def __init__(
        self,
        account: Account,
        process: Callable[[], GatewayProcess],
        ledger: Ledger,
        clock: Clock,
        random: Random,
    ) -> None:
        self._account = account
        self._process = process
        self._ledger = ledger
        self._clock = clock
        self._random = random
        self._changing: set[int] = set()

    async def run(self, until: float) -> None:
        async with asyncio.TaskGroup() as tasks:
            while self._clock.now() < until:
                await asyncio.sleep(self._random.expovariate(1 / PAUSE_S))
                process = self._process()
                if process.alive and process.gateway.restored:
                    tasks.create_task(self._change(process))

    async def _change(self, process: GatewayProcess) -> None:
        random = self._random
        pending = process.gateway.pending
        asked = await self._choose(process, pending)
        if asked is None or asked.message_id is None or asked.number in self._changing:
            return
        self._changing.add(asked.number)
        changes = self._ledger.changes.setdefault(asked.number, [])
        version = sum(change.version is not None for change in changes) + 1
        replaces = version < len(VERSIONS) and random.random() < 0.7
        change = Change(version if replaces else None, self._clock.now())
        changes.append(change)
        if replaces:
            request = pending.replace(
                self._account, asked.message_id, self._replacement(asked, version)
            )
        else:
            self._ledger.cancels_asked.add(asked.message_id)
            request = pending.cancel(self._account.sid, asked.message_id)
        try:
            await process.call(request)
            change.outcome = Outcome.DONE
        except Refused as refused:
            if refused.refusal is not Refusal.STORE_UNAVAILABLE:
                change.outcome = Outcome.REFUSED
        except Killed:
            pass
        change.answered_at = self._clock.now()
        if change.outcome is Outcome.DONE and not replaces:
            self._ledger.canceled.add(asked.message_id)
            await self._ask_after(process, asked.message_id)
        self._changing.discard(asked.number)

    async def _ask_after(self, process: GatewayProcess, message_id: int) -> None:
        """What was canceled says so."""
        try:
            standing = await process.call(
                process.gateway.pending.query(self._account.sid, message_id)
            )
        except (Refused, Killed):
            return
        assert standing
        assert standing.status is Status.CANCELED

    async def _choose(self, process: GatewayProcess, pending: PendingMessages) -> Asked | None:
        """A message by its id, or the newest that waits between two addresses."""
        random = self._random
        own = [
            asked
            for asked in self._ledger.asked.values()
            if asked.account is self._account and asked.message_id is not None
        ][-LATELY:]
        if not own:
            return None
        if random.random() < 0.3:
            return random.choice(own)
        sender = random.choice(self._account.senders).address
        recipient = random.choice(RECIPIENTS["US"])
        try:
            found = await process.call(pending.find(self._account.sid, sender, recipient))
        except (Refused, Killed):
            return None
        ids = {asked.message_id: asked for asked in self._ledger.asked.values()}
        # One of which nobody has heard yet that it was accepted is known to nobody.
        known = [ids[message_id] for message_id in found if message_id in ids]
        assert all((one.sender, one.recipient) == (sender, recipient) for one in known)
        return known[0] if known else None

    def _replacement(self, asked: Asked, version: int) -> Replacement:
        random = self._random
        text = numbered_text(
            asked.number, random.choice((1, 1, 2, 3)), random.random() < 0.2, version
        )
        later = random.random() < 0.1
        return Replacement(
            text,
            receipts=random.choice((asked.receipts, Receipts.ALL, Receipts.NONE)),
            send_at=self._clock.now() + random.uniform(*SEND_AT_AHEAD_S) if later else None,
            validity_s=random.uniform(1.0, 120.0) if random.random() < 0.1 else None,
        )
