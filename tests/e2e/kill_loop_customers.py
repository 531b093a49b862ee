"""Customers that go on whatever happens to the gateway, and write down what they see of it.

Each worker waits for each answer, and has recipients of its own: what one of those gets must rise.
Those with keys ask again, with the same key, until they have an answer, and now and then once more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from random import Random

import aiohttp
from msgspec.structs import replace

from gateway.smpp.constants import EsmClass, status_name
from gateway.smpp.errors import SmppError
from gateway.smpp.pdus import DeliverSm, SubmitSm, SubmitSmResp
from gateway.smpp.receipt import parse
from tests.e2e.configuration import ACCOUNT_SID, AUTH_TOKEN, LONG_CODE
from tests.e2e.daemon import Daemon
from tests.e2e.esme import Esme, submit_sm
from tests.e2e.kill_loop_ledger import Ask, Ledger, Way

IDEMPOTENCY_HEADER = "Idempotency-Key"
IDEMPOTENCY_TAG = 0x1400
RECIPIENTS = 3
# Of accepted messages that had a key one in so many is asked for again, among the last so many.
REPEATED_ONE_IN = 10
REPEATABLE = 200
LONG_ONE_IN = 10
# Of messages whose end was told one in so many is erased or deleted by its customer.
FORGOTTEN_ONE_IN = 20
AWAY_S = 0.05
REQUEST_S = 20.0
ESME_ANSWER_S = 20.0
STATUS_OF_STAT = {"DELIVRD": "delivered", "UNDELIV": "undelivered", "EXPIRED": "undelivered"}


@dataclass(frozen=True)
class Crowd:
    """How many workers there are of each kind; each ESME has `esme_workers`. `pause_s` is what a
    worker lets pass between an answer and its next message. Without `keys` nobody has one. An ESME
    stays bound for a time between the two of `esme_stays_s`, then is away for one of `esme_away_s`.
    """

    rest_workers: int = 6
    esmes: int = 2
    esme_workers: int = 6
    pause_s: float = 0.02
    keys: bool = True
    esme_stays_s: tuple[float, float] = (3_600.0, 3_600.0)
    esme_away_s: tuple[float, float] = (0.0, 0.0)


class Customers:
    """`status_url` is asked for each message, and gets its statuses."""

    def __init__(
        self,
        daemon: Daemon,
        ledger: Ledger,
        recipient: Callable[[], str],
        status_url: Callable[[], str],
        random: Random,
        crowd: Crowd,
    ) -> None:
        self.ledger = ledger
        self._daemon = daemon
        self._recipient = recipient
        self._status_url = status_url
        self._random = random
        self._crowd = crowd
        self._stopped = asyncio.Event()
        self._listening = asyncio.Event()
        self._grown = asyncio.Event()
        self._finished: deque[str] = deque(maxlen=REPEATABLE)
        self._session: aiohttp.ClientSession

    async def acknowledge(self, more: int) -> None:
        """Until so many more messages have been accepted."""
        wanted = len(self.ledger.accepted) + more
        while len(self.ledger.accepted) < wanted:
            self._grown.clear()
            await self._grown.wait()

    def stop_asking(self) -> None:
        """Nobody asks for more; what has a key is still asked for until it is answered."""
        self._stopped.set()

    @asynccontextmanager
    async def present(self) -> AsyncIterator[None]:
        """Customers ask until `stop_asking`, and listen as long as the context is entered."""
        crowd = self._crowd
        async with (
            aiohttp.ClientSession(
                headers={"Authorization": aiohttp.encode_basic_auth(ACCOUNT_SID, AUTH_TOKEN)},
                timeout=aiohttp.ClientTimeout(total=REQUEST_S),
            ) as self._session,
            asyncio.TaskGroup() as workers,
        ):
            for number in range(crowd.rest_workers):
                workers.create_task(self._rest(crowd.keys and number % 2 == 1))
            for number in range(crowd.esmes):
                workers.create_task(self._esme(crowd.keys and number % 2 == 1))
            workers.create_task(self._forget())
            try:
                yield
            finally:
                self._stopped.set()
                self._listening.set()

    async def _pause(self) -> None:
        await asyncio.sleep(self._crowd.pause_s * self._random.uniform(0.5, 1.5))

    # Over REST

    async def _rest(self, keyed: bool) -> None:
        recipients = [self._recipient() for _ in range(RECIPIENTS)]
        repeatable: deque[Ask] = deque(maxlen=REPEATABLE)
        for turn in count():
            await self._pause()
            if self._stopped.is_set():
                return
            if repeatable and self._random.randrange(REPEATED_ONE_IN) == 0:
                again = self._random.choice(repeatable)
                if again.sid not in self.ledger.maybe_deleted:
                    again.repeated += 1
                    await self._post(again)
                continue
            long = self._random.randrange(LONG_ONE_IN) == 0
            # Should parts come again, nobody takes them for those of another message.
            recipient = self._recipient() if long else recipients[turn % RECIPIENTS]
            ask = self.ledger.ask(Way.REST, recipient, keyed=keyed, long=long)
            ask.status_url = self._status_url()
            await self._post(ask)
            while keyed and not ask.sid:
                await asyncio.sleep(AWAY_S)
                await self._post(ask)
            if keyed:
                repeatable.append(ask)

    async def _post(self, ask: Ask) -> None:
        """One request for the message."""
        form = {
            "To": ask.recipient,
            "From": LONG_CODE,
            "Body": ask.text,
            "StatusCallback": ask.status_url,
        }
        headers = {IDEMPOTENCY_HEADER: ask.key} if ask.key else {}
        try:
            with self.ledger.trying():
                post = self._session.post(self._messages(), data=form, headers=headers)
                async with post as answer:
                    status, fields = answer.status, await answer.json()
        except aiohttp.ClientConnectorError:
            ask.unheard += 1
            await asyncio.sleep(AWAY_S)
            return
        except (aiohttp.ClientError, TimeoutError):
            ask.unanswered += 1
            await asyncio.sleep(AWAY_S)
            return
        if status in (200, 201):
            self._accept(ask, fields["sid"])
        elif status == 404 and ask.sid:
            self.ledger.gone += 1
        else:
            self.ledger.refused(ask, f"HTTP {status} {fields['code']}")
            await asyncio.sleep(AWAY_S)

    def _accept(self, ask: Ask, sid: str) -> None:
        self.ledger.answered(ask, sid)
        self._grown.set()

    async def _forget(self) -> None:
        """Erase the texts of some messages that are over, and delete some."""
        while not self._stopped.is_set():
            await asyncio.sleep(AWAY_S)
            while self._finished:
                sid = self._finished.popleft()
                if sid not in self.ledger.accepted:
                    continue  # It is still being asked for.
                chance = self._random.randrange(2 * FORGOTTEN_ONE_IN)
                try:
                    if chance == 0:
                        await self._erase(sid)
                    elif chance == 1:
                        await self._delete(sid)
                except (aiohttp.ClientError, TimeoutError):
                    pass

    async def _erase(self, sid: str) -> None:
        async with self._session.post(self._messages(sid), data={"Body": ""}) as answer:
            if answer.status == 200:
                self.ledger.erased.add(sid)

    async def _delete(self, sid: str) -> None:
        self.ledger.maybe_deleted.add(sid)
        async with self._session.delete(self._messages(sid)) as answer:
            if answer.status == 204:
                self.ledger.deleted.add(sid)

    def over(self, sid: str, status: str) -> None:
        """The customer has heard of a status of one of its messages."""
        self.ledger.heard(sid, status)
        if self.ledger.final_of(sid):
            self._finished.append(sid)

    def _messages(self, sid: str = "") -> str:
        path = f"/{sid}" if sid else ""
        return f"{self._daemon.rest}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages{path}.json"

    # Over SMPP

    async def _esme(self, keyed: bool) -> None:
        recipients = [self._recipient() for _ in range(self._crowd.esme_workers)]
        asks: dict[str, Ask] = {}
        while not self._listening.is_set():
            esme = Esme(self._daemon.smpp_port)
            heard = asyncio.create_task(self._hear(esme))
            try:
                async with esme, asyncio.TaskGroup() as workers:
                    for recipient in recipients:
                        workers.create_task(self._submit_all(esme, recipient, keyed, asks))
                    workers.create_task(self._stay(esme))
            except (OSError, AssertionError, TimeoutError, SmppError):
                await asyncio.sleep(AWAY_S)
            finally:
                heard.cancel()
                self._take(esme)

    async def _stay(self, esme: Esme) -> None:
        """Until the connection is over, the ESME has stayed long enough, or nobody listens."""
        over = asyncio.create_task(esme.closed.wait())
        told = asyncio.create_task(self._listening.wait())
        stays_s = self._random.uniform(*self._crowd.esme_stays_s)
        await asyncio.wait((over, told), timeout=stays_s, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        told.cancel()
        if not esme.closed.is_set():
            await esme.unbind()
        if not self._listening.is_set():
            await asyncio.sleep(self._random.uniform(*self._crowd.esme_away_s))

    async def _hear(self, esme: Esme) -> None:
        while True:
            await asyncio.sleep(AWAY_S)
            self._take(esme)

    def _take(self, esme: Esme) -> None:
        """Note what the ESME has been told since the last time."""
        taken, esme.taken = esme.taken, []
        esme.delivered.clear()
        for pdu in taken:
            if pdu.esm_class & EsmClass.DELIVERY_RECEIPT:
                self._receipt(pdu)
            else:
                self.ledger.from_handsets[pdu.short_message.decode()] += 1

    def _receipt(self, pdu: DeliverSm) -> None:
        receipt = parse(pdu.short_message, pdu.tlvs)
        if receipt is None:
            self.ledger.refusals["a receipt that says nothing"] += 1
        else:
            self.over(receipt.message_id, STATUS_OF_STAT.get(receipt.stat, "failed"))

    async def _submit_all(
        self, esme: Esme, recipient: str, keyed: bool, asks: dict[str, Ask]
    ) -> None:
        while not esme.closed.is_set():
            await self._pause()
            ask = asks.get(recipient)
            if ask is None or ask.sid:
                if self._stopped.is_set():
                    return
                if (
                    ask is None
                    or ask.sid in self.ledger.maybe_deleted
                    or self._random.randrange(REPEATED_ONE_IN)
                ):
                    ask = self.ledger.ask(Way.SMPP, recipient, keyed=keyed)
                else:
                    ask.repeated += 1
                if keyed:
                    asks[recipient] = ask
            await self._submit(esme, ask)

    async def _submit(self, esme: Esme, ask: Ask) -> None:
        pdu = submit_sm(ask.recipient, ask.text.encode())
        try:
            with self.ledger.trying():
                async with asyncio.timeout(ESME_ANSWER_S):
                    response = await esme.send(with_key(pdu, ask.key))
        except SmppError:
            ask.unheard += 1
            await asyncio.sleep(AWAY_S)
            return
        except (OSError, TimeoutError):
            ask.unanswered += 1
            await asyncio.sleep(AWAY_S)
            return
        if response.command_status:
            self.ledger.refused(ask, status_name(response.command_status))
            await asyncio.sleep(AWAY_S)
        else:
            assert isinstance(response.pdu, SubmitSmResp)
            self._accept(ask, response.pdu.message_id)


def with_key(pdu: SubmitSm, key: str) -> SubmitSm:
    """The submit_sm with an idempotency key, where there is one."""
    return replace(pdu, tlvs={IDEMPOTENCY_TAG: key.encode()}) if key else pdu
