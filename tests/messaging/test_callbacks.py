"""What a status callback says."""

import asyncio

from gateway.clock import message_sid
from gateway.message import Direction, Status
from gateway.messaging.callbacks import Callbacks, callback_fields
from gateway.messaging.journal import event_of
from tests.messaging.webhook_world import (
    ACCOUNT_SID,
    NUMBER,
    TEXTER,
    World,
    a_message,
    a_transition,
    accounts_of,
    an_account,
    an_event,
    fields_of,
    running,
)
from tests.support.virtual_time import virtual_time


def test_callback_has_the_parameters_of_the_contract() -> None:
    assert dict(callback_fields(an_event(5, status=Status.DELIVERED), "")) == {
        "MessageSid": message_sid(5),
        "SmsSid": message_sid(5),
        "MessageStatus": "delivered",
        "SmsStatus": "delivered",
        "AccountSid": ACCOUNT_SID,
        "From": NUMBER,
        "To": TEXTER,
        "ApiVersion": "2010-04-01",
    }


def test_failure_has_its_code_and_its_words() -> None:
    message = a_message()
    event = event_of(message, a_transition(message, status=Status.UNDELIVERED, error_code=30003))
    fields = dict(callback_fields(event, "Unreachable destination handset"))
    assert fields["ErrorCode"] == "30003"
    assert fields["ErrorMessage"] == "Unreachable destination handset"


def test_code_without_words_is_told_alone() -> None:
    message = a_message()
    event = event_of(message, a_transition(message, status=Status.FAILED, error_code=30008))
    assert "ErrorMessage" not in dict(callback_fields(event, ""))


def test_carriers_done_date_is_passed_on() -> None:
    message = a_message()
    event = event_of(message, a_transition(message, done_date="2311141213"))
    assert dict(callback_fields(event, ""))["RawDlrDoneDate"] == "2311141213"


@virtual_time
async def test_message_without_a_status_callback_is_not_told() -> None:
    world = World()
    world.tell(url="")
    assert world.webhooks.pending == 0


@virtual_time
async def test_inbound_message_has_no_status_callback() -> None:
    world = World()
    message = a_message(direction=Direction.INBOUND)
    world.callbacks.on_event(event_of(message, a_transition(message, status=Status.RECEIVED)))
    assert world.webhooks.pending == 0


@virtual_time
async def test_callback_goes_to_the_url_of_its_message() -> None:
    world = World()
    async with running(world.webhooks):
        world.tell(9, url="https://user:pass@hooks.example.com/x?y=z#rc=1")
        await asyncio.sleep(1)
    ((_, request),) = world.endpoints.requests
    assert request.url == "https://hooks.example.com/x?y=z"
    assert fields_of(request)["MessageSid"] == message_sid(9)


@virtual_time
async def test_callback_of_an_account_that_is_gone_is_given_up() -> None:
    world = World(account=an_account())
    gone = Callbacks(world.webhooks, accounts_of(an_account()), lambda code: "")
    message = a_message(account_sid="AC" + "f" * 32)
    async with running(world.webhooks):
        gone.on_event(event_of(message, a_transition(message)))
        await asyncio.sleep(1)
    assert world.store.outcomes == ["gave up: the account is no more"]


@virtual_time
async def test_words_of_an_error_come_from_the_table_given() -> None:
    world = World()
    callbacks = Callbacks(world.webhooks, accounts_of(world.account), lambda code: "no signal")
    message = a_message()
    transition = a_transition(message, status=Status.UNDELIVERED, error_code=30003)
    async with running(world.webhooks):
        callbacks.on_event(event_of(message, transition))
        await asyncio.sleep(1)
    assert fields_of(world.endpoints.requests[0][1])["ErrorMessage"] == "no signal"
