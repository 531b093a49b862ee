"""Status callbacks of calls, as a customer's server sees them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from urllib.parse import parse_qsl

import pytest
from twilio.request_validator import RequestValidator

from gateway.account import Account, CustomerTrunk
from gateway.call import CallDirection, CallStatus
from gateway.clock import call_sid
from gateway.voice.call_callback_queue import CallbackLimits
from gateway.voice.call_callbacks import CallCallbacks, callback_fields
from gateway.webhooks.destination import FailureKind
from gateway.webhooks.request import Answer, Failure, WebhookRequest
from tests.store.call_builders import ACCOUNT, CALLED, CALLER, a_call, a_record, an_event, the_end
from tests.voice.record_world import World, a_world

URL = "https://hooks.example.com/calls"
TOKEN = "0123456789abcdef0123456789abcdef"
REFUSED = Failure(FailureKind.CLIENT_ERROR, 11200, "status 400")


class Server:
    """Answers what it is told to, then 200, and lets a test wait for requests."""

    def __init__(self, *answers: Answer | Failure) -> None:
        self.requests: list[WebhookRequest] = []
        self._answers = list(answers)
        self._heard = asyncio.Event()

    async def post(self, request: WebhookRequest) -> Answer | Failure:
        self.requests.append(request)
        self._heard.set()
        return self._answers.pop(0) if self._answers else Answer(200)

    async def until_asked(self, count: int) -> list[dict[str, str]]:
        while len(self.requests) < count:
            self._heard.clear()
            await self._heard.wait()
        return [dict(parse_qsl(each.body.decode())) for each in self.requests]


@asynccontextmanager
async def told_by(
    world: World, server: Server, limits: CallbackLimits | None = None
) -> AsyncIterator[CallCallbacks]:
    account = Account(ACCOUNT, TOKEN)
    callbacks = CallCallbacks(
        world.store, server, {ACCOUNT: account}.get, world.clock, Random(1), limits=limits
    )
    world.records.subscribe(callbacks.on_event)
    callbacks.begin()
    world.records.begin()
    task = asyncio.create_task(callbacks.run())
    try:
        yield callbacks
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


CALL = a_call(status_callback=URL)


async def test_each_status_is_told_in_order(tmp_path: Path) -> None:
    server = Server()
    async with a_world(tmp_path) as world, told_by(world, server) as callbacks:
        world.records.on_event(an_event(CALL))
        world.records.on_event(an_event(CALL, 2, CallStatus.RINGING, sip_status=180))
        world.records.on_event(an_event(CALL, 3, CallStatus.IN_PROGRESS, sip_status=200))
        world.records.on_event(the_end(a_record(CALL)))
        forms = await server.until_asked(4)
        assert [form["CallStatus"] for form in forms] == [
            "initiated",
            "ringing",
            "in-progress",
            "completed",
        ]
        assert [form["SequenceNumber"] for form in forms] == ["0", "1", "2", "3"]
        assert [form.get("CallDuration") for form in forms] == [None, None, None, "15"]
        assert [form.get("SipResponseCode") for form in forms] == [None, "180", "200", "200"]
        await asyncio.sleep(0)
        assert (callbacks.delivered, callbacks.pending) == (4, 0)


def test_the_parameters_are_those_of_twilio() -> None:
    assert dict(callback_fields(an_event(CALL))) == {
        "CallSid": call_sid(1),
        "AccountSid": ACCOUNT,
        "From": CALLER,
        "To": CALLED,
        "CallStatus": "initiated",
        "Direction": "trunking-terminating",
        "ApiVersion": "2010-04-01",
        "Timestamp": "Fri, 02 Jan 2026 03:04:06 +0000",
        "CallbackSource": "call-progress-events",
        "SequenceNumber": "0",
    }


def test_a_call_from_the_network_originates_there() -> None:
    fields = dict(callback_fields(an_event(a_call(direction=CallDirection.INBOUND))))
    assert fields["Direction"] == "trunking-originating"


async def test_the_sdk_finds_the_signature_right(tmp_path: Path) -> None:
    server = Server()
    async with a_world(tmp_path) as world, told_by(world, server):
        world.records.on_event(an_event(CALL))
        (form,) = await server.until_asked(1)
        signature = server.requests[0].headers["X-Twilio-Signature"]
        assert RequestValidator(TOKEN).validate(URL, form, signature)


async def test_what_was_refused_is_told_again_with_the_same_token(tmp_path: Path) -> None:
    server = Server(REFUSED)
    async with a_world(tmp_path) as world, told_by(world, server) as callbacks:
        world.records.on_event(an_event(CALL))
        await server.until_asked(1)
        world.skipped_s = 1.0
        world.records.on_event(an_event(a_call(2, status_callback=URL)))
        await server.until_asked(3)
        tokens = [each.headers["I-Twilio-Idempotency-Token"] for each in server.requests]
        assert sorted(tokens) == [f"{call_sid(1)}-1"] * 2 + [f"{call_sid(2)}-1"]
        assert callbacks.failed_attempts == 1


async def test_a_call_without_a_callback_is_told_to_nobody(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, told_by(world, Server()) as callbacks:
        world.records.on_event(an_event())
        assert callbacks.pending == 0


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "ftp://a.example/", "http://"])
async def test_a_url_that_cannot_be_called_is_given_up(tmp_path: Path, url: str) -> None:
    async with a_world(tmp_path) as world, told_by(world, Server()) as callbacks:
        world.records.on_event(an_event(a_call(status_callback=url)))
        assert (callbacks.pending, callbacks.given_up) == (0, 1)


async def test_what_there_is_no_room_for_is_given_up(tmp_path: Path) -> None:
    none = CallbackLimits(pending_max=0)
    async with a_world(tmp_path) as world, told_by(world, Server(), none) as callbacks:
        world.records.on_event(an_event(CALL))
        assert callbacks.given_up == 1


async def test_an_end_that_was_not_told_is_told_by_the_next_run(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.records.on_event(the_end(a_record(CALL)))
        await world.until_told(1)
    server = Server()
    async with a_world(tmp_path) as again:
        async with told_by(again, server):
            (form,) = await server.until_asked(1)
            await asyncio.sleep(0)
        assert (form["CallStatus"], form["SequenceNumber"]) == ("completed", "3")
    async with a_world(tmp_path) as third:
        assert third.store.owed == []


async def test_a_call_that_a_restart_cut_off_is_told_to_have_failed(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.records.on_event(an_event(CALL))
    server = Server()
    async with a_world(tmp_path) as again, told_by(again, server):
        (form,) = await server.until_asked(1)
    assert (form["CallStatus"], form["SequenceNumber"]) == ("failed", "1")
    assert "SipResponseCode" not in form


async def test_of_an_account_that_is_no_more_nothing_is_told(tmp_path: Path) -> None:
    server = Server()
    async with a_world(tmp_path) as world, told_by(world, server) as callbacks:
        stranger = a_call(account_sid="AC" + "f" * 32, status_callback=URL)
        world.records.on_event(an_event(stranger))
        while callbacks.pending:
            await world.store.fetch(ACCOUNT, 1)
        assert (server.requests, callbacks.given_up) == ([], 1)


def test_a_trunk_says_where_before_its_account_does() -> None:
    trunks = (CustomerTrunk("pbx", status_callback="https://a.example/"), CustomerTrunk("bare"))
    account = Account(ACCOUNT, TOKEN, trunks=trunks, call_status_callback="https://b.example/")
    assert account.callback_of_calls("trunk/pbx") == "https://a.example/"
    assert account.callback_of_calls("trunk/bare") == "https://b.example/"
    assert account.callback_of_calls("alpha/east") == "https://b.example/"
