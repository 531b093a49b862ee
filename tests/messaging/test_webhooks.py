"""The webhook engine in virtual time: hours of retries, slow servers, a restart."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest

from gateway.message import Direction, Status
from gateway.messaging.webhook_outbox import UNRECORDED_MAX, OutboxLimits
from gateway.store.interface import Listener, Owed, OwedKey
from gateway.webhooks.destination import FailureKind
from gateway.webhooks.request import Answer, Failure, WebhookRequest
from tests.messaging.webhook_world import Script, World, a_message, a_transition, running
from tests.support.virtual_time import virtual_time

DOWN = Failure(FailureKind.CONNECT, 11205, "cannot connect")
SLOW = "https://slow.example/"
FAST = "https://fast.example/"
HOUR = 3_600


def always_down(request: WebhookRequest) -> Failure:
    return DOWN


def one_by_one(*answers: Answer | Failure) -> Script:
    left = list(answers)
    return lambda request: left.pop(0)


@virtual_time
async def test_event_is_told_and_put_on_record() -> None:
    world = World()
    async with running(world.webhooks):
        world.tell()
        await asyncio.sleep(1)
    assert world.store.outcomes == ["200"]


@virtual_time
async def test_event_offered_before_the_engine_runs_is_told_when_it_does() -> None:
    world = World()
    world.tell()
    async with running(world.webhooks):
        await asyncio.sleep(1)
    assert world.store.outcomes == ["200"]


@virtual_time
async def test_failed_attempt_is_repeated_until_it_succeeds() -> None:
    world = World()
    world.endpoints.scripts["hooks.example.com"] = one_by_one(DOWN, DOWN, DOWN, Answer(204))
    async with running(world.webhooks):
        world.tell()
        await asyncio.sleep(60)
    assert len(world.endpoints.requests) == 4
    assert world.store.outcomes == ["204"]


@virtual_time
async def test_every_attempt_carries_the_same_idempotency_token() -> None:
    world = World()
    world.endpoints.scripts["hooks.example.com"] = always_down
    async with running(world.webhooks):
        world.tell(7, 3)
        await asyncio.sleep(60)
    tokens = {
        request.headers["I-Twilio-Idempotency-Token"] for _, request in world.endpoints.requests
    }
    assert len(tokens) == 1


@virtual_time
async def test_dead_server_is_given_up_after_four_hours() -> None:
    world = World()
    world.endpoints.scripts["hooks.example.com"] = always_down
    async with running(world.webhooks):
        world.tell()
        await asyncio.sleep(3.7 * HOUR)
        assert world.store.outcomes == []
        await asyncio.sleep(0.4 * HOUR)
    assert world.store.outcomes == ["gave up: 11205 cannot connect"]


@virtual_time
async def test_attempts_are_never_more_than_a_quarter_of_an_hour_apart() -> None:
    world = World()
    world.endpoints.scripts["hooks.example.com"] = always_down
    async with running(world.webhooks):
        world.tell()
        await asyncio.sleep(4 * HOUR)
    assert max(later - sooner for sooner, later in pairwise(world.endpoints.times)) <= 901


@virtual_time
async def test_events_of_a_message_arrive_in_order_through_failures() -> None:
    world = World()
    taken = Answer(200)
    world.endpoints.scripts["hooks.example.com"] = one_by_one(DOWN, DOWN, taken, DOWN, taken)
    async with running(world.webhooks):
        world.tell(1, 1, Status.SENT)
        world.tell(1, 2, Status.DELIVERED)
        await asyncio.sleep(60)
    statuses = [status for _, status in world.endpoints.statuses()]
    assert statuses == ["sent", "sent", "sent", "delivered", "delivered"]


@virtual_time
async def test_slow_server_delays_nobody_else() -> None:
    world = World()
    world.endpoints.latency_s["slow.example"] = 14.0
    async with running(world.webhooks):
        for i in range(2_000):
            world.tell(i, url=SLOW)
        await asyncio.sleep(1)
        world.tell(10_000, url=FAST)
        await asyncio.sleep(0.1)
    assert [record.message_id for record in world.store.notified] == [10_000]


@virtual_time
async def test_many_dead_servers_delay_nobody_else() -> None:
    world = World()
    for host in range(400):
        world.endpoints.latency_s[f"dead{host}.example"] = 15.0
        world.endpoints.scripts[f"dead{host}.example"] = always_down
    async with running(world.webhooks):
        for host in range(400):
            world.tell(host, url=f"https://dead{host}.example/")
        await asyncio.sleep(16)
        for i in range(4_000):
            world.tell(1_000 + i, url=f"https://dead{i % 400}.example/")
        await asyncio.sleep(10)
        world.tell(10_000, url=FAST)
        await asyncio.sleep(0.1)
    assert [record.message_id for record in world.store.notified] == [10_000]


@virtual_time
async def test_host_never_sees_more_requests_at_once_than_its_limit() -> None:
    world = World(OutboxLimits(host_in_flight_max=8))
    world.endpoints.latency_s["slow.example"] = 1.0
    async with running(world.webhooks):
        for i in range(200):
            world.tell(i, url=SLOW)
        await asyncio.sleep(60)
    assert world.endpoints.in_flight_peak["slow.example"] == 8
    assert len(world.store.notified) == 200


@virtual_time
async def test_events_beyond_the_memory_come_back_from_the_store() -> None:
    world = World(OutboxLimits(host_pending_max=50))
    world.endpoints.latency_s["slow.example"] = 0.5
    async with running(world.webhooks):
        for i in range(1_000):
            world.tell(i, 1, Status.SENT, SLOW)
            world.tell(i, 2, Status.DELIVERED, SLOW)
            await asyncio.sleep(0.001)
        assert world.webhooks.waiting > 0
        await asyncio.sleep(HOUR)
    assert len(world.endpoints.requests) == 2_000
    assert world.webhooks.waiting == world.webhooks.pending == 0


@virtual_time
async def test_store_that_cannot_be_read_is_read_again_later() -> None:
    world = World(OutboxLimits(host_pending_max=1))
    world.store.readable = False
    async with running(world.webhooks):
        for i in range(3):
            world.tell(i)
        await asyncio.sleep(60)
        assert len(world.store.notified) == 1
        world.store.readable = True
        await asyncio.sleep(60)
    assert len(world.store.notified) == 3


@virtual_time
async def test_fault_of_ours_in_a_reading_ends_no_other_webhook(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(keys: Sequence[OwedKey]) -> list[Owed]:
        raise ZeroDivisionError

    world = World(OutboxLimits(host_pending_max=1))
    monkeypatch.setattr(world.store, "read_owed", broken)
    async with running(world.webhooks):
        for i in range(3):
            world.tell(i)
        await asyncio.sleep(1)
        world.tell(10, url=FAST)
        await asyncio.sleep(1)
    assert [record.message_id for record in world.store.notified] == [0, 10]
    assert "reading of webhooks broke" in caplog.text


@virtual_time
async def test_reading_finds_events_behind_the_long_backlog_of_another_host() -> None:
    world = World(OutboxLimits(host_pending_max=500))
    world.endpoints.scripts["slow.example"] = always_down
    async with running(world.webhooks):
        for i in range(500):
            world.tell(i, url=SLOW)
        for i in range(1_000, 1_600):
            world.tell(i, url=FAST)
        await asyncio.sleep(60)
    assert len(world.store.notified) == 600


@virtual_time
async def test_backlog_of_a_server_that_stays_dead_is_given_up_with_it() -> None:
    """Its events were not even attempted, but for the probes."""
    world = World()
    world.endpoints.latency_s["hooks.example.com"] = 15.0
    world.endpoints.scripts["hooks.example.com"] = always_down
    async with running(world.webhooks):
        for i in range(1_500):
            world.tell(i)
        await asyncio.sleep(4.1 * HOUR)
    assert world.store.outcomes == ["gave up: 11205 cannot connect"] * 1_500
    assert all(record.gave_up for record in world.store.notified)
    assert world.webhooks.given_up == 1_500
    assert len(world.endpoints.requests) < 200


@virtual_time
async def test_order_of_a_message_holds_through_an_overflow() -> None:
    world = World(OutboxLimits(host_pending_max=4))
    world.endpoints.latency_s["slow.example"] = 0.5
    async with running(world.webhooks):
        for number in range(1, 40):
            for message_id in range(5):
                world.tell(message_id, number, url=SLOW)
            await asyncio.sleep(1)
        await asyncio.sleep(HOUR)
    told = [(record.message_id, record.number) for record in world.store.notified]
    assert sorted(told) == [(i, number) for i in range(5) for number in range(1, 40)]
    for i in range(5):
        assert [number for message_id, number in told if message_id == i] == list(range(1, 40))


@virtual_time
async def test_what_was_not_told_before_a_restart_is_told_after_it() -> None:
    before = World()
    before.endpoints.scripts["hooks.example.com"] = always_down
    async with running(before.webhooks):
        before.tell(1, 1, Status.SENT)
        before.tell(1, 2, Status.DELIVERED)
        await asyncio.sleep(10)
    after = World()
    for owed in before.store.load_owed():
        after.webhooks.recover(owed)
    async with running(after.webhooks):
        await asyncio.sleep(10)
    assert [status for _, status in after.endpoints.statuses()] == ["sent", "delivered"]


@virtual_time
async def test_attempt_under_way_at_the_end_stays_in_the_store() -> None:
    world = World()
    world.endpoints.latency_s["hooks.example.com"] = 10.0
    async with running(world.webhooks):
        world.tell()
        await asyncio.sleep(5)
    assert len(list(world.store.load_owed())) == 1


@virtual_time
async def test_transition_for_another_listener_is_not_recovered() -> None:
    world = World()
    message = a_message()
    world.webhooks.recover(Owed(message, a_transition(message, listener=Listener.ESME)))
    assert world.webhooks.pending == 0


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "not a url", "http://127.0.0.1:8080/"])
def test_destination_that_is_not_allowed_is_given_up_at_once(url: str) -> None:
    @virtual_time
    async def tell() -> list[str]:
        world = World()
        async with running(world.webhooks):
            world.tell(url=url)
            await asyncio.sleep(1)
        return world.store.outcomes

    (outcome,) = tell()
    assert outcome.startswith("gave up: the URL")


@virtual_time
async def test_event_that_has_lost_its_url_is_given_up() -> None:
    """An inbound message waits in the store, and the number's SmsUrl was taken away meanwhile."""
    world = World()
    message = a_message(direction=Direction.INBOUND, status_callback="")
    world.webhooks.recover(Owed(message, a_transition(message, status=Status.RECEIVED)))
    await asyncio.sleep(0.1)
    assert world.store.outcomes == ["gave up: there is no URL"]


@virtual_time
async def test_retry_count_of_the_url_ends_the_retries() -> None:
    world = World()
    world.endpoints.scripts["hooks.example.com"] = always_down
    async with running(world.webhooks):
        world.tell(url="https://hooks.example.com/#rc=2")
        await asyncio.sleep(60)
    assert len(world.endpoints.requests) == 3
    assert world.store.outcomes == ["gave up: 11205 cannot connect"]


@virtual_time
async def test_backlog_drains_when_the_server_comes_back() -> None:
    world = World()
    world.endpoints.scripts["hooks.example.com"] = always_down
    async with running(world.webhooks):
        for i in range(500):
            world.tell(i)
        await asyncio.sleep(HOUR / 2)
        del world.endpoints.scripts["hooks.example.com"]
        await asyncio.sleep(900)
    assert world.store.outcomes == ["200"] * 500


@virtual_time
async def test_trouble_of_ours_ends_one_webhook_and_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(request: WebhookRequest) -> Answer:
        raise ZeroDivisionError

    world = World()
    world.endpoints.scripts["broken.example"] = broken
    async with running(world.webhooks):
        world.tell(1, url="https://broken.example/")
        await asyncio.sleep(1)
        world.tell(2)
        await asyncio.sleep(1)
    assert world.store.outcomes == ["gave up: an error of ours", "200"]
    assert "webhook attempt broke" in caplog.text


@virtual_time
async def test_webhook_that_waits_for_its_retry_has_no_task() -> None:
    world = World()
    world.endpoints.scripts["hooks.example.com"] = always_down
    async with running(world.webhooks):
        for i in range(10):
            world.tell(i, url=f"https://hooks{i}.example/")
            world.endpoints.scripts[f"hooks{i}.example"] = always_down
        await asyncio.sleep(0.2)
        assert world.webhooks.pending == 10
        # This test, and the engine.
        assert len(asyncio.all_tasks()) == 2


@virtual_time
async def test_nothing_is_started_while_the_store_is_down() -> None:
    """Its outcome could not be noted."""
    world = World()
    world.store.writable = False
    async with running(world.webhooks):
        world.tell()
        await asyncio.sleep(60)
        assert world.endpoints.requests == []
        world.store.writable = True
        await asyncio.sleep(1)
    assert world.store.outcomes == ["200"]


@virtual_time
async def test_circuit_that_opens_and_closes_is_told_once_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    world = World()
    world.endpoints.latency_s["hooks.example.com"] = 1.0
    world.endpoints.scripts["hooks.example.com"] = always_down
    async with running(world.webhooks):
        for i in range(100):
            world.tell(i)
        await asyncio.sleep(100)
        assert world.webhooks.open_circuits == 1
        del world.endpoints.scripts["hooks.example.com"]
        await asyncio.sleep(300)
    told = [record.message for record in caplog.records if "circuit" in record.message]
    assert told == ["webhook circuit opened", "webhook circuit closed"]
    assert world.webhooks.open_circuits == 0


@virtual_time
async def test_attempts_are_counted_by_how_they_ended() -> None:
    world = World()
    world.endpoints.scripts["hooks.example.com"] = one_by_one(DOWN, Answer(200), DOWN)
    async with running(world.webhooks):
        world.tell(1)
        await asyncio.sleep(60)
        world.tell(2, url="https://hooks.example.com/#rc=0")
        await asyncio.sleep(60)
    webhooks = world.webhooks
    assert (webhooks.delivered, webhooks.failed_attempts, webhooks.given_up) == (1, 2, 1)


@virtual_time
async def test_event_that_was_erased_while_it_waited_is_not_told() -> None:
    world = World(OutboxLimits(host_pending_max=1))
    async with running(world.webhooks):
        world.tell(1)
        world.tell(2)
        del world.store.records[-2:]
        await asyncio.sleep(60)
    assert [record.message_id for record in world.store.notified] == [1]
    assert world.webhooks.pending == world.webhooks.waiting == 0


@virtual_time
async def test_host_of_a_message_is_that_of_its_url() -> None:
    webhooks = World().webhooks
    hosts = [
        webhooks.host(a_message(status_callback=url)) for url in (SLOW, "http://10.0.0.1/", "")
    ]
    assert hosts == ["slow.example:443", "", ""]


@virtual_time
async def test_replayed_event_goes_out_with_the_same_token_and_is_recorded_apart() -> None:
    world = World()
    world.endpoints.scripts["hooks.example.com"] = one_by_one(DOWN, Answer(200))
    async with running(world.webhooks):
        world.tell(7, 3, url="https://hooks.example.com/#rc=0")
        await asyncio.sleep(1)
        (owed,) = await world.store.read_owed([OwedKey(7, 3, 1)])
        world.webhooks.recover(owed)
        await asyncio.sleep(1)
    (_, first), (_, second) = world.endpoints.requests
    token = "I-Twilio-Idempotency-Token"
    assert first.headers[token] == second.headers[token]
    assert [record.round for record in world.store.notified] == [0, 1]


@virtual_time
async def test_long_backlog_of_a_dead_server_is_given_up_to_its_end() -> None:
    """As fast as the store notes it, and no faster."""
    world = World()
    world.endpoints.scripts["hooks.example.com"] = always_down
    count = UNRECORDED_MAX + 1_000
    async with running(world.webhooks):
        for i in range(count):
            world.tell(i)
        await asyncio.sleep(4.1 * HOUR)
    assert world.webhooks.given_up == len(world.store.notified) == count


@virtual_time
async def test_requests_under_way_are_counted() -> None:
    world = World()
    world.endpoints.latency_s["slow.example"] = 10.0
    async with running(world.webhooks):
        for i in range(3):
            world.tell(i, url=SLOW)
        await asyncio.sleep(1)
        assert world.webhooks.in_flight == 3


@virtual_time
async def test_end_that_the_store_never_noted_is_no_trouble_of_the_engine() -> None:
    world = World()
    world.store.held = True
    async with running(world.webhooks):
        world.tell(1)
        await asyncio.sleep(1)
        world.store.fail()
        world.store.held = False
        world.tell(2)
        await asyncio.sleep(1)
    assert [record.message_id for record in world.store.notified] == [2]
