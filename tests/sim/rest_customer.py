"""A customer over REST: bursts of messages, some scheduled, some of these canceled again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from gateway.account import Account, SenderType
from gateway.clock import Clock
from gateway.errors import Refusal, Refused
from gateway.message import Origin
from gateway.messaging.admission import SendRequest
from gateway.messaging.idempotency_key import keyed
from tests.sim.cast import RECIPIENTS, STATUS_URLS
from tests.sim.gateway_process import GatewayProcess, Killed
from tests.sim.ledger import Asked, Ledger
from tests.sim.numbered_text import numbered_text

BURST_MAX = 8
FLOOD = 50
FLOOD_SHARE = 0.03
PAUSE_S = 40.0
KEYED_SHARE = 0.4
SEND_AT_AHEAD_S = (300.0, 900.0)


class RestCustomer:
    """`process` gives the gateway that answers now."""

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

    async def run(self, until: float) -> None:
        random = self._random
        async with asyncio.TaskGroup() as tasks:
            while self._clock.now() < until:
                await asyncio.sleep(random.expovariate(1 / PAUSE_S))
                burst = FLOOD if random.random() < FLOOD_SHARE else random.randint(1, BURST_MAX)
                for _ in range(burst):
                    tasks.create_task(self._send())

    async def _send(self) -> None:
        process = self._process()
        if not process.alive:
            return
        asked, request = self._request()
        try:
            message_id = await self._ask(process, request)
        except Refused as refused:
            asked.refused = refused.refusal.name
            return
        except Killed:
            return
        asked.message_id = message_id
        if request.send_at and self._random.random() < 0.3:
            await asyncio.sleep(self._random.uniform(1.0, 400.0))
            await self._cancel(message_id)

    async def _ask(self, process: GatewayProcess, request: SendRequest) -> int:
        """The id of the message. With a key the customer asks until it is answered, sometimes
        twice at a time."""
        if not request.key:
            return (await process.call(process.gateway.idempotency.accept(request))).id
        while True:
            process = self._process()
            times = self._random.choice((1, 1, 2))
            answers = await asyncio.gather(
                *(process.call(process.gateway.idempotency.accept(request)) for _ in range(times)),
                return_exceptions=True,
            )
            ids = {answer.id for answer in answers if not isinstance(answer, BaseException)}
            if ids:
                assert len(ids) == 1, f"one key made the messages {ids}"
                return ids.pop()
            for error in answers:
                if isinstance(error, Refused) and error.refusal is not Refusal.STORE_UNAVAILABLE:
                    raise error
            await asyncio.sleep(self._random.uniform(1.0, 20.0))

    async def _cancel(self, message_id: int) -> None:
        process = self._process()
        if not process.alive:
            return
        self._ledger.cancels_asked.add(message_id)
        try:
            await process.call(process.gateway.intake.cancel(message_id))
        except (Refused, Killed):
            return
        self._ledger.canceled.add(message_id)

    def _request(self) -> tuple[Asked, SendRequest]:
        random, account = self._random, self._account
        sender = random.choice(account.senders)
        countries = [
            country
            for country in account.countries
            if country in RECIPIENTS and self._reaches(sender.type, country)
        ]
        recipient = random.choice(RECIPIENTS[random.choice(countries)])
        asked = self._ledger.ask(account, sender.address, recipient, Origin.REST)
        body = numbered_text(
            asked.number, random.choice((1, 1, 1, 1, 2, 3)), unicode=random.random() < 0.2
        )
        scheduled = random.random() < 0.05
        request = SendRequest(
            account=account,
            sender=sender.address,
            recipient=recipient,
            body=body,
            origin=Origin.REST,
            status_callback=STATUS_URLS[account.name] if random.random() < 0.6 else "",
            validity_s=random.uniform(1.0, 120.0) if random.random() < 0.15 else None,
            send_at=self._clock.now() + random.uniform(*SEND_AT_AHEAD_S) if scheduled else 0.0,
        )
        if random.random() < KEYED_SHARE:
            request = keyed(request, b"%d" % asked.number)
        return asked, request

    @staticmethod
    def _reaches(sender_type: SenderType, country: str) -> bool:
        if sender_type is SenderType.ALPHANUMERIC:
            return country != "US"
        return sender_type is SenderType.LONG_CODE or country == "US"
