"""kill -9, again and again, while customers send: what was acknowledged is kept."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random

import pytest
import pytest_asyncio

from carriers_sim.behaviour import Behaviour
from carriers_sim.dlr_schedule import ReceiptBehaviour
from carriers_sim.recorder import Counts
from gateway.clock import message_sid
from gateway.message import FINAL, Direction, Status
from gateway.store.interface import MessageFilter, StoredMessage
from gateway.store.sqlite import SqliteStore
from tests.e2e.configuration import ACCOUNT_SID
from tests.e2e.patience import until
from tests.e2e.site import CARRIERS, Site, a_site
from tests.e2e.traffic import Traffic

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]

ROUNDS = 8
# The daemon is killed after so many more acknowledgements.
LEAST, MOST = 50, 400
# Before one of its starts is over, it is killed as well, after so many seconds.
START_CUT_SHORT_S = 0.5
BINDS = 2
WINDOW = 10
PAGE = 1_000
SLOW_CARRIER = Behaviour(
    response_delay_s=(0.005, 0.03), receipts=ReceiptBehaviour(delay_s=(0.05, 0.5))
)


@dataclass(frozen=True)
class Aftermath:
    """What there is once the last daemon has drained and stopped."""

    site: Site
    traffic: Traffic
    stored: dict[str, StoredMessage]
    exit_code: int

    @property
    def counts(self) -> list[Counts]:
        return [self.site.carriers.recorder.counts(carrier) for carrier in CARRIERS]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def aftermath(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Aftermath]:
    directory = tmp_path_factory.mktemp("killed")
    random = Random(2)
    async with a_site(directory, SLOW_CARRIER, BINDS, WINDOW) as site:
        traffic = Traffic(site)
        async with traffic.flowing():
            for number in range(ROUNDS):
                await traffic.acknowledge(random.randint(LEAST, MOST))
                await site.daemon.kill()
                if number == ROUNDS // 2:
                    await cut_short(site)
                await site.daemon.start()
            await traffic.acknowledge(LEAST)
        await until(site.daemon.health, lambda health: health["messages_open"] == 0)
        await traffic.collect_receipts(set(traffic.over_smpp))
        await site.sink.wait_for(lambda: told_final(site) >= traffic.with_callback)
        exit_code = await site.daemon.stop()
        stored = await all_stored(SqliteStore(directory / "store"))
        yield Aftermath(site, traffic, stored, exit_code)


async def cut_short(site: Site) -> None:
    try:
        async with asyncio.timeout(START_CUT_SHORT_S):
            await site.daemon.start()
    except TimeoutError:
        pass
    await site.daemon.kill()


async def all_stored(store: SqliteStore) -> dict[str, StoredMessage]:
    """Every outbound message of the account, by its sid."""
    found: list[StoredMessage] = []
    try:
        before: int | None = None
        while page := await store.list(ACCOUNT_SID, MessageFilter(), PAGE, before):
            found += page
            before = page[-1].message.id
    finally:
        await store.close()
    return {
        message_sid(stored.message.id): stored
        for stored in found
        if stored.message.direction is not Direction.INBOUND
    }


def told_final(site: Site) -> set[str]:
    """The messages of whose final state the web server has heard."""
    final = {status.value for status in FINAL}
    return {
        call["MessageSid"] for call in site.sink.of("/status") if call["MessageStatus"] in final
    }


def final_states(stored: StoredMessage) -> list[Status]:
    return [step.status for step in stored.transitions if not step.part and step.status in FINAL]


async def test_both_ways_in_were_busy(aftermath: Aftermath) -> None:
    assert len(aftermath.traffic.over_rest) > ROUNDS
    assert len(aftermath.traffic.over_smpp) > ROUNDS


async def test_no_acknowledged_message_is_lost(aftermath: Aftermath) -> None:
    assert set(aftermath.traffic.acknowledged) <= set(aftermath.stored)


async def test_every_message_has_exactly_one_final_state(aftermath: Aftermath) -> None:
    """Those too whose acknowledgement the kill has swallowed."""
    finals = Counter(tuple(final_states(stored)) for stored in aftermath.stored.values())

    assert set(finals) == {(Status.DELIVERED,)}


async def test_every_acknowledged_message_arrived(aftermath: Aftermath) -> None:
    arrived = {message.text for message in aftermath.site.carriers.recorder.messages}

    assert set(aftermath.traffic.acknowledged.values()) <= arrived


async def test_no_message_arrived_that_was_not_stored(aftermath: Aftermath) -> None:
    bodies = {stored.message.body for stored in aftermath.stored.values()}

    assert {message.text for message in aftermath.site.carriers.recorder.messages} <= bodies


async def test_only_what_was_in_flight_arrived_twice(aftermath: Aftermath) -> None:
    twice = sum(each.duplicates + each.resent_after_lost_response for each in aftermath.counts)

    assert twice <= ROUNDS * len(CARRIERS) * BINDS * WINDOW


async def test_order_was_kept(aftermath: Aftermath) -> None:
    assert sum(each.order_breaks for each in aftermath.counts) == 0


async def test_every_receipt_reached_the_esme(aftermath: Aftermath) -> None:
    assert set(aftermath.traffic.over_smpp) <= set(aftermath.traffic.receipts)


async def test_every_callback_was_signed(aftermath: Aftermath) -> None:
    assert all(call.signed for call in aftermath.site.sink.calls)


async def test_the_last_daemon_ended_well(aftermath: Aftermath) -> None:
    assert aftermath.exit_code == 0
