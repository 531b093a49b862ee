"""When a number's SmsUrl fails for good, its fallback is called instead."""

import asyncio

import pytest
from twilio.request_validator import (
    RequestValidator,
)

from gateway.webhooks.destination import FailureKind
from gateway.webhooks.request import Answer, Failure, WebhookRequest
from tests.messaging.inbound_world import HOST, SMS_URL, InboundWorld
from tests.messaging.webhook_world import TOKEN, a_number, fields_of, running
from tests.support.virtual_time import virtual_time

FALLBACK_URL = "https://fallback.example.com/sms"
FALLBACK_HOST = "fallback.example.com"
DOWN = Failure(FailureKind.CONNECT, 11205, "cannot connect")


def a_world(url: str = SMS_URL, method: str = "POST") -> InboundWorld:
    world = InboundWorld(a_number(url, fallback_url=FALLBACK_URL, fallback_method=method))
    world.endpoints.scripts[HOST] = lambda request: DOWN
    return world


async def receive(world: InboundWorld, seconds: float = 10.0) -> list[WebhookRequest]:
    """The requests that a message leads to."""
    async with running(world.webhooks):
        world.receive("hello")
        await asyncio.sleep(seconds)
    return [request for _, request in world.endpoints.requests]


@virtual_time
async def test_fallback_is_called_after_two_failures() -> None:
    requests = await receive(a_world())
    assert [request.url for request in requests] == [SMS_URL, SMS_URL, FALLBACK_URL]


@virtual_time
async def test_fallback_is_called_after_the_retries_that_the_url_allows() -> None:
    requests = await receive(a_world(f"{SMS_URL}#rc=0"))
    assert [request.url for request in requests] == [SMS_URL, FALLBACK_URL]


@virtual_time
async def test_fallback_is_told_what_failed() -> None:
    *_, request = await receive(a_world())
    fields = fields_of(request)
    assert (fields["ErrorCode"], fields["ErrorUrl"], fields["Body"]) == ("11205", SMS_URL, "hello")


@virtual_time
async def test_request_to_the_fallback_is_signed_for_its_url() -> None:
    *_, request = await receive(a_world())
    signed = request.headers["X-Twilio-Signature"]
    assert RequestValidator(TOKEN).validate(FALLBACK_URL, fields_of(request), signed)


@virtual_time
async def test_fallback_has_a_method_of_its_own() -> None:
    *_, request = await receive(a_world(method="GET"))
    assert request.method == "GET"
    assert "ErrorCode=11205" in request.url


@virtual_time
async def test_fallback_gets_the_same_token() -> None:
    requests = await receive(a_world())
    assert len({request.headers["I-Twilio-Idempotency-Token"] for request in requests}) == 1


@virtual_time
async def test_outcome_says_that_it_was_the_fallback() -> None:
    world = a_world()
    await receive(world)
    assert world.store.outcomes == ["fallback: 200"]


@virtual_time
async def test_reply_of_the_fallback_is_sent() -> None:
    world = a_world()
    world.endpoints.scripts[FALLBACK_HOST] = lambda request: Answer(200, "text/plain", b"Hi")
    await receive(world)
    assert world.bodies == ["Hi"]


@virtual_time
async def test_answer_that_cannot_be_read_leads_to_the_fallback() -> None:
    world = a_world()
    world.answer("<Response>")
    *_, request = await receive(world)
    assert len(world.endpoints.requests) == 2
    assert fields_of(request)["ErrorCode"] == "12100"


@virtual_time
async def test_answer_of_the_fallback_that_cannot_be_read_is_the_end() -> None:
    world = a_world()
    world.endpoints.scripts[FALLBACK_HOST] = lambda request: Answer(200, "text/xml", b"<")
    await receive(world)
    assert world.store.outcomes == ["fallback: 200, 12100 the TwiML is not well-formed"]


@virtual_time
async def test_fallback_that_fails_is_given_up_after_four_hours() -> None:
    world = a_world()
    world.endpoints.scripts[FALLBACK_HOST] = lambda request: DOWN
    await receive(world, 4.2 * 3_600)
    assert world.store.outcomes == ["fallback: gave up: 11205 cannot connect"]
    assert world.store.notified[0].gave_up


@virtual_time
async def test_messages_go_to_the_fallback_at_once_while_the_url_is_known_to_be_dead() -> None:
    world = a_world()
    async with running(world.webhooks):
        for i in range(20):
            world.receive("hello", message_id=i + 1)
        await asyncio.sleep(5)
        world.receive("hello", message_id=100)
        await asyncio.sleep(0.1)
    assert world.store.notified[-1].message_id == 100


@virtual_time
async def test_going_to_the_fallback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await receive(a_world())
    messages = [record.message for record in caplog.records]
    assert messages == ["webhook failed", "webhook goes to its fallback"]
