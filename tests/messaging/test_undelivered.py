"""What was given up is listed, and told again when it is asked for."""

import asyncio

import pytest

from gateway.clock import message_sid
from gateway.errors import StoreError
from gateway.message import Status
from gateway.messaging.undelivered import EVENTS_MAX, Replayed, Undelivered, UndeliveredEvent
from gateway.store.interface import Listener, Notified, Owed, Replay
from gateway.webhooks.destination import FailureKind
from gateway.webhooks.request import Failure
from tests.messaging.webhook_world import (
    ACCOUNT_SID,
    WALL_START,
    World,
    a_message,
    a_transition,
    running,
)
from tests.support.virtual_time import virtual_time

OTHER_ACCOUNT = "AC" + "f" * 32
TOKEN = "I-Twilio-Idempotency-Token"


class UndeliveredWorld(World):
    def __init__(self) -> None:
        super().__init__()
        self.resumed: list[Owed] = []
        self.undelivered = Undelivered(
            self.store, self.webhooks.host, self.resumed.append, self.clock
        )

    def give_up(
        self,
        message_id: int,
        *numbers: int,
        account_sid: str = ACCOUNT_SID,
        listener: Listener = Listener.WEBHOOK,
    ) -> None:
        message = a_message(message_id, account_sid=account_sid)
        for number in numbers or (1,):
            self.store.has(message, a_transition(message, number, listener=listener))
            at = WALL_START + 60
            self.store.records.append(
                Notified(message_id, number, at, "gave up: 11205 cannot connect", gave_up=True)
            )

    async def listed(
        self, limit: int = 100, before: int | None = None, account: str = ""
    ) -> list[tuple[str, int]]:
        page = await self.undelivered.page(account, limit, before)
        return [(event.sid, event.number) for event in page.undelivered]

    @property
    def replays(self) -> list[tuple[int, int, int]]:
        return [
            (each.message_id, each.number, each.round)
            for each in self.store.records
            if isinstance(each, Replay)
        ]


@virtual_time
async def test_what_was_given_up_is_listed() -> None:
    world = UndeliveredWorld()
    world.give_up(7)
    page = await world.undelivered.page("", 100, None)
    assert page.undelivered == (
        UndeliveredEvent(
            sid=message_sid(7),
            account=ACCOUNT_SID,
            number=1,
            status="sent",
            listener="webhook",
            host="hooks.example.com:443",
            at=WALL_START + 60,
            reason="gave up: 11205 cannot connect",
        ),
    )
    assert page.next_before is None


@virtual_time
async def test_what_was_told_is_not_listed() -> None:
    world = UndeliveredWorld()
    async with running(world.webhooks):
        world.tell(1)
        await asyncio.sleep(1)
    assert await world.listed() == []


@virtual_time
async def test_what_an_esme_was_not_told_has_no_host() -> None:
    world = UndeliveredWorld()
    world.give_up(7, listener=Listener.ESME)
    (event,) = (await world.undelivered.page("", 100, None)).undelivered
    assert (event.listener, event.host) == ("esme", "")


@virtual_time
async def test_one_account_is_listed_where_that_is_asked_for() -> None:
    world = UndeliveredWorld()
    world.give_up(1)
    world.give_up(2, account_sid=OTHER_ACCOUNT)
    assert await world.listed(account=OTHER_ACCOUNT) == [(message_sid(2), 1)]


@virtual_time
async def test_pages_follow_each_other() -> None:
    world = UndeliveredWorld()
    for message_id in range(1, 6):
        world.give_up(message_id)
    page = await world.undelivered.page("", 2, None)
    assert page.next_before == message_sid(4)
    assert await world.listed(2, before=4) == [(message_sid(3), 1), (message_sid(2), 1)]


@pytest.mark.parametrize(("limit", "count"), [(1, 2), (2, 2), (3, 2), (4, 4)])
def test_no_message_is_torn_apart_by_a_page(limit: int, count: int) -> None:
    @virtual_time
    async def listed() -> int:
        world = UndeliveredWorld()
        for message_id in (1, 2, 3):
            world.give_up(message_id, 1, 2)
        return len(await world.listed(limit))

    assert listed() == count


@virtual_time
async def test_replay_of_a_message_makes_debts_of_its_events_again() -> None:
    world = UndeliveredWorld()
    world.give_up(1, 1, 2)
    world.give_up(2)
    assert await world.undelivered.replay_messages([message_sid(1)]) == Replayed(2)
    assert world.replays == [(1, 1, 1), (1, 2, 1)]
    assert [(owed.transition.number, owed.round) for owed in world.resumed] == [(1, 1), (2, 1)]


@virtual_time
async def test_replayed_event_is_listed_no_more() -> None:
    world = UndeliveredWorld()
    world.give_up(1)
    await world.undelivered.replay_messages([message_sid(1)])
    assert await world.listed() == []
    assert world.undelivered.replayed == 1


@virtual_time
async def test_event_that_is_given_up_again_can_be_replayed_again() -> None:
    world = UndeliveredWorld()
    world.give_up(1)
    await world.undelivered.replay_messages([message_sid(1)])
    world.store.records.append(Notified(1, 1, WALL_START, "gave up", round=1, gave_up=True))
    await world.undelivered.replay_messages([message_sid(1)])
    assert world.replays == [(1, 1, 1), (1, 1, 2)]


@pytest.mark.parametrize("sid", ["", "SM1", message_sid(99)])
def test_message_without_anything_undelivered_is_named(sid: str) -> None:
    @virtual_time
    async def replay() -> Replayed:
        world = UndeliveredWorld()
        world.give_up(1)
        return await world.undelivered.replay_messages([sid])

    assert replay() == Replayed(0, nothing_undelivered=(sid,))


@virtual_time
async def test_message_that_is_named_twice_is_replayed_once() -> None:
    world = UndeliveredWorld()
    world.give_up(1)
    assert await world.undelivered.replay_messages([message_sid(1)] * 2) == Replayed(1)


@virtual_time
async def test_two_who_replay_the_same_at_once_replay_it_once() -> None:
    world = UndeliveredWorld()
    world.give_up(1)
    replay = world.undelivered.replay_messages
    await asyncio.gather(replay([message_sid(1)]), replay([message_sid(1)]))
    assert world.replays == [(1, 1, 1)]


@virtual_time
async def test_replay_of_an_account_leaves_those_of_others() -> None:
    world = UndeliveredWorld()
    world.give_up(1)
    world.give_up(2, account_sid=OTHER_ACCOUNT)
    assert await world.undelivered.replay_account(ACCOUNT_SID, None) == Replayed(1)
    assert await world.listed() == [(message_sid(2), 1)]


@virtual_time
async def test_replay_of_an_account_has_a_bound_and_says_that_there_is_more() -> None:
    world = UndeliveredWorld()
    for message_id in range(1, EVENTS_MAX + 3):
        world.give_up(message_id)
    replay = world.undelivered.replay_account
    assert await replay(ACCOUNT_SID, None) == Replayed(EVENTS_MAX, message_sid(3))
    assert await replay(ACCOUNT_SID, 3) == Replayed(2)


@virtual_time
async def test_replay_is_durable_when_it_is_answered() -> None:
    world = UndeliveredWorld()
    world.give_up(1)
    world.store.held = True
    replay = asyncio.create_task(world.undelivered.replay_account(ACCOUNT_SID, None))
    await asyncio.sleep(1)
    assert not replay.done()
    assert world.resumed == []
    world.store.commit()
    assert await replay == Replayed(1)


@virtual_time
async def test_operator_who_does_not_wait_gets_the_replay_all_the_same() -> None:
    world = UndeliveredWorld()
    world.give_up(1)
    world.store.held = True
    replay = asyncio.create_task(world.undelivered.replay_account(ACCOUNT_SID, None))
    await asyncio.sleep(1)
    replay.cancel()
    await asyncio.sleep(1)
    world.store.commit()
    assert len(world.resumed) == 1


@virtual_time
async def test_replay_that_cannot_be_stored_is_told_as_such() -> None:
    world = UndeliveredWorld()
    world.give_up(1)
    world.store.held = True
    replay = asyncio.create_task(world.undelivered.replay_account(ACCOUNT_SID, None))
    await asyncio.sleep(1)
    world.store.fail()
    with pytest.raises(StoreError):
        await replay
    assert world.resumed == []


@virtual_time
async def test_nothing_is_replayed_while_the_store_is_down() -> None:
    world = UndeliveredWorld()
    world.give_up(1)
    world.store.writable = False
    with pytest.raises(StoreError):
        await world.undelivered.replay_account(ACCOUNT_SID, None)
    assert world.replays == []


@virtual_time
async def test_replayed_webhook_goes_out_with_the_token_of_the_first() -> None:
    world = World()
    world.endpoints.scripts["hooks.example.com"] = lambda request: Failure(
        FailureKind.CONNECT, 11205, "cannot connect"
    )
    undelivered = Undelivered(world.store, world.webhooks.host, world.webhooks.recover, world.clock)
    async with running(world.webhooks):
        world.tell(1, 1, Status.DELIVERED, "https://hooks.example.com/#rc=0")
        await asyncio.sleep(1)
        world.endpoints.scripts.clear()
        assert await undelivered.replay_account(ACCOUNT_SID, None) == Replayed(1)
        await asyncio.sleep(1)
    assert [each.outcome for each in world.store.notified] == [
        "gave up: 11205 cannot connect",
        "200",
    ]
    assert len({request.headers[TOKEN] for _, request in world.endpoints.requests}) == 1
