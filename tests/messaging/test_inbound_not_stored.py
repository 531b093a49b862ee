"""A reply that the store does not take at that moment is asked for again, and so not lost."""

import asyncio
from dataclasses import dataclass

import pytest

from gateway.errors import Refusal
from gateway.store.interface import Replay
from tests.messaging.inbound_world import InboundWorld
from tests.messaging.webhook_world import running
from tests.support.virtual_time import virtual_time

TOKEN = "I-Twilio-Idempotency-Token"


@dataclass
class Trouble:
    """For 10 s the store takes no messages. How the intake learns of it differs."""

    accepting: bool
    late: bool = False

    def begin(self, world: InboundWorld) -> None:
        world.store.accepting = self.accepting
        world.late = self.late
        world.refusal = Refusal.STORE_UNAVAILABLE

    def end(self, world: InboundWorld) -> None:
        world.store.accepting = True
        world.refusal = None


DOWN = Trouble(accepting=False)
FULL = Trouble(accepting=True)
BROKEN = Trouble(accepting=True, late=True)


async def reply_in(trouble: Trouble, seconds: float = 60.0) -> InboundWorld:
    """A message comes while there is trouble, which ends."""
    world = InboundWorld()
    world.answer("Hi", "text/plain")
    trouble.begin(world)
    async with running(world.webhooks):
        world.receive("hello")
        await world.endpoints.asked()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if trouble.late:
            trouble.end(world)
        await asyncio.sleep(10)
        trouble.end(world)
        await asyncio.sleep(seconds)
    return world


@pytest.mark.parametrize("trouble", [DOWN, FULL])
def test_event_is_told_when_its_replies_can_be_stored(trouble: Trouble) -> None:
    world = virtual_time(reply_in)(trouble)
    assert world.store.outcomes == ["200"]
    assert len({request.headers[TOKEN] for _, request in world.endpoints.requests}) == 1


@virtual_time
async def test_nothing_of_an_answer_is_done_while_the_store_takes_nothing() -> None:
    world = await reply_in(DOWN)
    assert world.bodies == ["Hi"]
    assert len(world.endpoints.requests) > 1


@virtual_time
async def test_reply_that_comes_back_when_its_event_is_on_record_makes_a_new_debt() -> None:
    world = await reply_in(BROKEN)
    assert [(each.round, each.outcome) for each in world.store.notified] == [(0, "200"), (1, "200")]
    assert [each.round for each in world.store.records if isinstance(each, Replay)] == [1]
    assert world.bodies == ["Hi", "Hi"]
    assert len({request.headers[TOKEN] for _, request in world.endpoints.requests}) == 1


@virtual_time
async def test_several_replies_that_come_back_make_one_new_debt() -> None:
    world = InboundWorld()
    world.answer("<Response><Message>A</Message><Message>B</Message></Response>")
    BROKEN.begin(world)
    async with running(world.webhooks):
        world.receive("hello")
        await world.endpoints.asked()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        BROKEN.end(world)
        await asyncio.sleep(10)
    assert world.bodies == ["A", "B", "A", "B"]


@virtual_time
async def test_store_that_never_takes_the_reply_leads_to_the_undelivered() -> None:
    world = InboundWorld()
    world.answer("Hi", "text/plain")
    world.store.accepting = False
    async with running(world.webhooks):
        world.receive("hello")
        await asyncio.sleep(4.1 * 3_600)
    (notified,) = world.store.notified
    assert notified.gave_up
    assert notified.outcome == "gave up: 11200 the replies of its answer cannot be stored now"


@virtual_time
async def test_answer_without_replies_needs_no_store() -> None:
    world = InboundWorld()
    world.store.accepting = False
    async with running(world.webhooks):
        world.receive("hello")
        await asyncio.sleep(1)
    assert world.store.outcomes == ["200"]


@virtual_time
async def test_reply_that_is_refused_for_itself_is_not_asked_for_again() -> None:
    world = InboundWorld()
    world.answer("Hi", "text/plain")
    world.refusal, world.late = Refusal.OPTED_OUT, True
    async with running(world.webhooks):
        world.receive("hello")
        await asyncio.sleep(60)
    assert world.store.outcomes == ["200"]
    assert len(world.endpoints.requests) == 1
