"""Messages from handsets: keywords, webhooks, replies."""

import asyncio

import pytest

from gateway.clock import message_sid
from gateway.errors import Refusal
from gateway.message import Direction, Message, Origin, Status
from gateway.messaging.admission import SendRequest
from gateway.messaging.inbound import inbound_fields
from gateway.messaging.opt_out import DEFAULT_REPLIES, Keyword
from gateway.store.interface import Listener, OptOut, Owed
from gateway.webhooks.destination import FailureKind
from gateway.webhooks.request import Answer, Failure
from tests.messaging.inbound_world import HOST, SMS_URL, InboundWorld, an_mo
from tests.messaging.webhook_world import (
    ACCOUNT_SID,
    NUMBER,
    TEXTER,
    a_message,
    a_number,
    a_transition,
    fields_of,
    running,
)
from tests.support.virtual_time import virtual_time


def is_out(world: InboundWorld) -> bool:
    return world.opt_outs.is_opted_out(ACCOUNT_SID, NUMBER, TEXTER)


def test_webhook_has_the_parameters_of_the_contract() -> None:
    assert dict(inbound_fields(an_mo("hello", 5))) == {
        "MessageSid": message_sid(5),
        "SmsSid": message_sid(5),
        "SmsMessageSid": message_sid(5),
        "AccountSid": ACCOUNT_SID,
        "From": TEXTER,
        "To": NUMBER,
        "Body": "hello",
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
        "FromCity": "",
        "FromState": "",
        "FromZip": "",
        "FromCountry": "US",
        "ToCity": "",
        "ToState": "",
        "ToZip": "",
        "ToCountry": "US",
    }


@pytest.mark.parametrize(("body", "kind"), [("stop", "STOP"), ("Yes ", "START"), ("HELP", "HELP")])
def test_webhook_of_a_keyword_names_its_kind(body: str, kind: str) -> None:
    assert dict(inbound_fields(an_mo(body)))["OptOutType"] == kind


@virtual_time
async def test_message_goes_to_the_sms_url_of_its_number() -> None:
    world = InboundWorld()
    async with running(world.webhooks):
        world.receive("hello")
        await asyncio.sleep(1)
    ((_, request),) = world.endpoints.requests
    assert request.url == SMS_URL
    assert fields_of(request)["Body"] == "hello"
    assert world.store.outcomes == ["200"]


@virtual_time
async def test_sms_method_get_puts_the_parameters_into_the_query() -> None:
    world = InboundWorld(a_number(SMS_URL, sms_method="GET"))
    async with running(world.webhooks):
        world.receive("hello")
        await asyncio.sleep(1)
    ((_, request),) = world.endpoints.requests
    assert request.method == "GET"
    assert request.url.startswith(SMS_URL + "&MessageSid=SM")


@virtual_time
async def test_message_for_a_bind_is_not_posted() -> None:
    world = InboundWorld()
    world.receive("hello", Listener.ESME)
    assert world.webhooks.pending == 0


@virtual_time
async def test_message_that_was_sent_has_no_inbound_webhook() -> None:
    assert InboundWorld().inbound.url(a_message()) == ""


@virtual_time
async def test_twiml_message_is_sent_from_the_number_to_the_texter() -> None:
    world = InboundWorld()
    world.answer("<Response><Message>Hi</Message></Response>")
    async with running(world.webhooks):
        world.receive("hello")
        await asyncio.sleep(1)
    assert world.submitted == [
        SendRequest(
            account=world.account,
            sender=NUMBER,
            recipient=TEXTER,
            body="Hi",
            origin=Origin.REST,
            direction=Direction.OUTBOUND_REPLY,
        )
    ]


@virtual_time
async def test_twiml_message_may_name_other_numbers() -> None:
    world = InboundWorld()
    world.answer('<Response><Message to="+15005550010" from="55501">Hi</Message></Response>')
    async with running(world.webhooks):
        world.receive("hello")
        await asyncio.sleep(1)
    (request,) = world.submitted
    assert (request.sender, request.recipient) == ("55501", "+15005550010")


@pytest.mark.parametrize(
    ("given", "absolute"),
    [
        ("/status", "https://hooks.example.com/status"),
        ("https://other.example.com/s", "https://other.example.com/s"),
        ("http://10.0.0.1/", ""),
    ],
)
def test_status_callback_of_a_reply_is_absolute_and_public(given: str, absolute: str) -> None:
    @virtual_time
    async def reply() -> str:
        world = InboundWorld()
        world.answer(f'<Response><Message statusCallback="{given}">Hi</Message></Response>')
        async with running(world.webhooks):
            world.receive("hello")
            await asyncio.sleep(1)
        return world.submitted[0].status_callback

    assert reply() == absolute


@virtual_time
async def test_plain_text_answer_is_sent() -> None:
    world = InboundWorld()
    world.answer("Hi", "text/plain")
    async with running(world.webhooks):
        world.receive("hello")
        await asyncio.sleep(1)
    assert world.bodies == ["Hi"]


@virtual_time
async def test_answer_that_cannot_be_read_is_on_record_and_not_asked_for_again() -> None:
    world = InboundWorld()
    world.answer("<Response>")
    async with running(world.webhooks):
        world.receive("hello")
        await asyncio.sleep(3_600)
    assert len(world.endpoints.requests) == 1
    assert world.store.outcomes == ["200, 12100 the TwiML is not well-formed"]


@virtual_time
async def test_part_that_is_not_understood_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    world = InboundWorld()
    world.answer("<Response><Redirect>/x</Redirect></Response>")
    async with running(world.webhooks):
        world.receive("hello")
        await asyncio.sleep(1)
    assert [getattr(record, "code", 0) for record in caplog.records] == [12200]


@virtual_time
async def test_replies_are_sent_once_though_the_webhook_is_repeated() -> None:
    world = InboundWorld()
    answers: list[Answer | Failure] = [
        Failure(FailureKind.READ, 11200, "no answer in time"),
        Answer(200, "text/plain", b"Hi"),
    ]
    world.endpoints.scripts[HOST] = lambda request: answers.pop(0)
    async with running(world.webhooks):
        world.receive("hello")
        await asyncio.sleep(60)
    assert world.bodies == ["Hi"]


@virtual_time
async def test_reply_and_its_record_are_handed_over_in_one_step() -> None:
    """One group commit has both, so that a crash leaves both or neither."""
    world = InboundWorld()
    world.answer("Hi", "text/plain")
    async with running(world.webhooks):
        world.receive("hello")
        await world.replied.wait()
        # What was appended in the turn of the reply is committed in the next one.
        await asyncio.sleep(0)
        assert len(world.store.notified) == 1


@virtual_time
async def test_refused_reply_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    world = InboundWorld()
    world.refusal = Refusal.OPTED_OUT
    world.answer("Hi", "text/plain")
    async with running(world.webhooks):
        world.receive("hello")
        await asyncio.sleep(1)
    assert [getattr(record, "refusal", "") for record in caplog.records] == ["OPTED_OUT"]
    assert world.store.outcomes == ["200"]


@virtual_time
async def test_reply_loop_ends(caplog: pytest.LogCaptureFixture) -> None:
    world = InboundWorld()
    world.answer("Hi", "text/plain")
    async with running(world.webhooks):
        for i in range(40):
            world.receive("hello", message_id=i + 1)
        await asyncio.sleep(1)
    assert len(world.submitted) == 30
    assert {getattr(record, "code", 0) for record in caplog.records} == {14107}


@virtual_time
async def test_stop_is_put_on_record_and_confirmed() -> None:
    world = InboundWorld()
    message = world.receive(" Stop\n", Listener.NONE)
    await asyncio.sleep(0)
    assert is_out(world)
    assert world.recorded_opt_outs == [
        OptOut(ACCOUNT_SID, NUMBER, TEXTER, message.accepted_at, opted_out=True)
    ]
    (request,) = world.submitted
    assert request.body == DEFAULT_REPLIES[Keyword.STOP]
    assert request.after_opt_out


@virtual_time
async def test_stop_goes_to_the_webhook_too() -> None:
    world = InboundWorld()
    async with running(world.webhooks):
        world.receive("STOP")
        await asyncio.sleep(1)
    ((_, request),) = world.endpoints.requests
    assert fields_of(request)["OptOutType"] == "STOP"


@virtual_time
async def test_stop_of_a_number_with_a_bind_is_obeyed() -> None:
    world = InboundWorld(a_number())
    world.receive("STOP", Listener.ESME)
    assert is_out(world)


@virtual_time
async def test_second_stop_is_not_confirmed_again() -> None:
    world = InboundWorld()
    world.receive("STOP", Listener.NONE)
    world.receive("STOP", Listener.NONE)
    assert len(world.submitted) == 1


@virtual_time
async def test_start_takes_the_texter_in_again() -> None:
    world = InboundWorld()
    world.receive("STOP", Listener.NONE)
    world.receive("START", Listener.NONE)
    assert not is_out(world)
    assert world.bodies[-1] == DEFAULT_REPLIES[Keyword.START]


@virtual_time
async def test_yes_of_somebody_who_never_left_is_an_ordinary_answer() -> None:
    world = InboundWorld()
    world.receive("YES", Listener.NONE)
    assert world.submitted == []


@virtual_time
async def test_help_is_answered_and_changes_nothing() -> None:
    world = InboundWorld()
    world.receive("HELP", Listener.NONE)
    assert world.bodies == [DEFAULT_REPLIES[Keyword.HELP]]
    assert not is_out(world)


@virtual_time
async def test_two_machines_that_ask_each_other_for_help_stop() -> None:
    world = InboundWorld()
    for i in range(100):
        world.receive("HELP", Listener.NONE, message_id=i + 1)
    assert len(world.submitted) == 30


def recover(world: InboundWorld, message: Message) -> None:
    transition = a_transition(message, status=Status.RECEIVED)
    world.inbound.recover(Owed(message, transition))


@virtual_time
async def test_recovered_message_is_posted() -> None:
    world = InboundWorld()
    recover(world, an_mo("hello"))
    async with running(world.webhooks):
        await asyncio.sleep(1)
    assert world.store.outcomes == ["200"]


@virtual_time
async def test_recovered_stop_that_was_not_put_on_record_is_obeyed_without_a_word() -> None:
    world = InboundWorld()
    recover(world, an_mo("STOP"))
    assert is_out(world)
    assert world.submitted == []


@virtual_time
async def test_recovered_stop_does_not_overrule_a_later_start() -> None:
    world = InboundWorld()
    stop = an_mo("STOP")
    later = OptOut(ACCOUNT_SID, NUMBER, TEXTER, stop.accepted_at + 60, opted_out=False)
    world.store.records.append(later)
    recover(world, stop)
    assert not is_out(world)


@virtual_time
async def test_message_of_an_account_that_is_gone_is_given_up() -> None:
    world = InboundWorld()
    message = a_message(direction=Direction.INBOUND, account_sid="AC" + "f" * 32)
    async with running(world.webhooks):
        world.inbound.on_inbound(message, a_transition(message, status=Status.RECEIVED))
        await asyncio.sleep(1)
    assert world.store.outcomes == ["gave up: the account is no more"]
