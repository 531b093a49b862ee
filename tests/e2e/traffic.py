"""Customers that send all the while, whatever happens to the gateway, and never send twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import aiohttp

from gateway.smpp.constants import EsmClass
from gateway.smpp.errors import SmppError
from gateway.smpp.pdus import DeliverSm
from gateway.smpp.receipt import parse
from tests.e2e.esme import Esme, submit_sm
from tests.e2e.process import PATIENCE_S
from tests.e2e.site import Site

REST_WORKERS = 6
ESMES = 2
ESME_WORKERS = 10
RECIPIENTS = 3
# Each so many messages of a REST worker ask for status callbacks.
CALLBACK_EVERY = 5
PAUSE_S = 0.05


class Traffic:
    """Each worker numbers its texts upwards, waits for each answer, and has recipients of its own:
    what one of those gets must rise. What was acknowledged is kept by sid."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._numbers = count(1)
        self._grown = asyncio.Event()
        self.over_rest: dict[str, str] = {}
        self.over_smpp: dict[str, str] = {}
        self.with_callback: set[str] = set()
        self.receipts: list[str] = []
        self.refused = 0

    @property
    def acknowledged(self) -> dict[str, str]:
        """The text of each message that was, by its sid."""
        return self.over_rest | self.over_smpp

    async def acknowledge(self, more: int) -> None:
        """Until so many more messages have been acknowledged, over either way in."""
        wanted = len(self.over_rest) + len(self.over_smpp) + more
        async with asyncio.timeout(PATIENCE_S):
            while len(self.over_rest) + len(self.over_smpp) < wanted:
                self._grown.clear()
                await self._grown.wait()

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Customers send while the context is entered; their last requests end before it does."""
        stopped = asyncio.Event()
        async with asyncio.TaskGroup() as customers:
            for _ in range(REST_WORKERS):
                customers.create_task(self._rest_worker(stopped))
            for _ in range(ESMES):
                customers.create_task(self._esme(stopped))
            try:
                yield
            finally:
                stopped.set()

    async def collect_receipts(self, wanted: set[str]) -> None:
        """Bind once more, until every wanted message has its receipt."""
        missing = wanted - set(self.receipts)

        def none_missing(pdu: DeliverSm) -> bool:
            missing.discard(receipted(pdu))
            return not missing

        async with Esme(self._site.daemon.smpp_port) as esme:
            if missing:
                await esme.wait_for(none_missing)
        self.receipts += map(receipted, esme.delivered)

    async def _rest_worker(self, stopped: asyncio.Event) -> None:
        recipients = [self._site.recipient() for _ in range(RECIPIENTS)]
        for turn in count():
            if stopped.is_set():
                return
            text = f"over REST #{next(self._numbers)}"
            called = turn % CALLBACK_EVERY == 0
            more = {"StatusCallback": f"{self._site.sink.url}/status"} if called else {}
            try:
                sid = await self._site.rest.create(recipients[turn % RECIPIENTS], text, **more)
            except (aiohttp.ClientError, TimeoutError, AssertionError):
                # Nobody there, or gone before the answer, or too early or late to be taken.
                self.refused += 1
                await asyncio.sleep(PAUSE_S)
                continue
            self.over_rest[sid] = text
            if called:
                self.with_callback.add(sid)
            self._grown.set()

    async def _esme(self, stopped: asyncio.Event) -> None:
        recipients = [self._site.recipient() for _ in range(ESME_WORKERS)]
        while not stopped.is_set():
            esme = Esme(self._site.daemon.smpp_port)
            try:
                async with esme, asyncio.TaskGroup() as workers:
                    for recipient in recipients:
                        workers.create_task(self._submit(esme, recipient, stopped))
            except (OSError, AssertionError):
                await asyncio.sleep(PAUSE_S)
            self.receipts += map(receipted, esme.delivered)

    async def _submit(self, esme: Esme, recipient: str, stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            text = f"over SMPP #{next(self._numbers)}"
            try:
                sid = await esme.submit(submit_sm(recipient, text.encode()))
            except (OSError, SmppError, AssertionError):
                self.refused += 1
                return
            self.over_smpp[sid] = text
            self._grown.set()


def receipted(pdu: DeliverSm) -> str:
    """The message that a receipt is of."""
    assert pdu.esm_class & EsmClass.DELIVERY_RECEIPT
    receipt = parse(pdu.short_message, pdu.tlvs)
    assert receipt is not None
    return receipt.message_id
