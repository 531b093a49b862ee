"""The official SDK against a real server, with nothing changed but its base URL."""

# The SDK ships no py.typed, so its classes are Any to mypy.
# mypy: disable-error-code="import-untyped, misc"

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from gateway.call import CallStatus
from gateway.clock import call_sid
from gateway.message import Status
from gateway.voice.call_records import StandingCall
from routing.events import Converted
from tests.ingress.rest.builders import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    KEY_SECRET,
    KEY_SID,
    NOW,
    RECIPIENT,
    SENDER,
    Api,
)
from tests.store.call_builders import a_call, a_record

pytestmark = pytest.mark.e2e

T = TypeVar("T")


def rebased(base: str, url: str) -> str:
    host, path = urlsplit(base), urlsplit(url)
    return urlunsplit((host.scheme, host.netloc, path.path, path.query, path.fragment))


class EdgeHttp(TwilioHttpClient):
    """Way 1: every product of the SDK talks to one base URL."""

    def __init__(self, base: str) -> None:
        super().__init__(pool_connections=False)
        self.base = base

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        return super().request(method, rebased(self.base, url), *args, **kwargs)


class AsyncEdgeHttp(AsyncTwilioHttpClient):
    """Way 3: the same for the asynchronous client."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base

    async def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        return await super().request(method, rebased(self.base, url), *args, **kwargs)


async def with_sdk(api: Api, act: Callable[[Client], T], username: str = ACCOUNT_SID) -> T:
    """What `act` returns, called in a thread beside the server."""
    async with api.server() as server:
        base = f"http://127.0.0.1:{server.port}"
        password = AUTH_TOKEN if username == ACCOUNT_SID else KEY_SECRET
        client = Client(username, password, ACCOUNT_SID, http_client=EdgeHttp(base))
        return await asyncio.to_thread(act, client)


def send(client: Client, **changes: Any) -> MessageInstance:
    return client.messages.create(**{"to": RECIPIENT, "from_": SENDER, "body": "hello"} | changes)


@pytest.mark.parametrize("header", ["Idempotency-Key", "I-Twilio-Idempotency-Token"])
async def test_a_client_that_sends_a_key_may_send_again(
    header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_plainly = TwilioHttpClient.request

    def send_keyed(self: Any, *args: Any, headers: dict[str, str], **kwargs: Any) -> Any:
        return send_plainly(self, *args, headers=headers | {header: "order-7"}, **kwargs)

    monkeypatch.setattr(TwilioHttpClient, "request", send_keyed)

    first, again = await with_sdk(Api(), lambda client: (send(client), send(client)))

    assert first.sid == again.sid


async def test_create() -> None:
    message = await with_sdk(Api(), send)

    assert (message.status, message.num_segments, message.from_) == ("queued", "1", SENDER)
    assert message.date_created == datetime.fromtimestamp(NOW, UTC)


async def test_create_with_an_api_key() -> None:
    message = await with_sdk(Api(), send, username=KEY_SID)

    assert message.account_sid == ACCOUNT_SID


async def test_create_with_two_attributes_set() -> None:
    async with Api().server() as server:
        client = Client(ACCOUNT_SID, AUTH_TOKEN, http_client=TwilioHttpClient(False))
        client.api.base_url = f"http://127.0.0.1:{server.port}"
        message = await asyncio.to_thread(send, client)

    assert message.status == "queued"


# The SDK's own way to authenticate through aiohttp.
@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated:DeprecationWarning")
async def test_create_and_list_asynchronously() -> None:
    async with Api().server() as server:
        http_client = AsyncEdgeHttp(f"http://127.0.0.1:{server.port}")
        async with http_client:
            client = Client(ACCOUNT_SID, AUTH_TOKEN, http_client=http_client)
            sent = await client.messages.create_async(to=RECIPIENT, from_=SENDER, body="hello")
            found = [message.sid async for message in await client.messages.stream_async()]

    assert found == [sent.sid]


async def test_fetch() -> None:
    def act(client: Client) -> tuple[str | None, str | None]:
        sid = send(client, body="h\u00e9llo \u4f60\u597d").sid
        return sid, client.messages(str(sid)).fetch().body

    sid, body = await with_sdk(Api(), act)

    assert (len(str(sid)), body) == (34, "h\u00e9llo \u4f60\u597d")


async def test_schedule_and_cancel() -> None:
    send_at = datetime.fromtimestamp(NOW, UTC) + timedelta(hours=1)

    def act(client: Client) -> tuple[Any, Any]:
        message = send(client, schedule_type="fixed", send_at=send_at)
        return message.status, message.update(status="canceled").status

    assert await with_sdk(Api(), act) == ("scheduled", "canceled")


@pytest.mark.parametrize("outcome", ["confirmed", "unconfirmed"])
async def test_feedback(outcome: str) -> None:
    api = Api()

    def act(client: Client) -> Any:
        return client.messages(str(send(client).sid)).feedback.create(outcome=outcome)

    feedback = await with_sdk(api, act)

    assert (feedback.account_sid, feedback.outcome) == (ACCOUNT_SID, outcome)
    assert feedback.date_created == feedback.date_updated == datetime.fromtimestamp(NOW, UTC)
    assert [event.message_id for event in api.router.heard if isinstance(event, Converted)] == (
        [*api.store.messages] if outcome == "confirmed" else []
    )


async def test_feedback_that_is_neither_is_the_sdks_own_exception() -> None:
    with pytest.raises(TwilioRestException) as error:
        await with_sdk(
            Api(), lambda client: client.messages(str(send(client).sid)).feedback.create()
        )

    assert (error.value.status, error.value.code) == (400, 20001)


async def test_redact_and_delete() -> None:
    api = Api()
    stored = api.has_message()
    api.becomes(stored, Status.DELIVERED)

    def act(client: Client) -> tuple[Any, bool]:
        message = client.messages.list()[0]
        return message.update(body="").body, message.delete()

    assert await with_sdk(api, act) == ("", True)
    assert api.store.messages == {}


async def test_list_walks_the_pages() -> None:
    api = Api()
    for number in range(5):
        api.has_message(body=str(number))

    bodies = await with_sdk(
        api, lambda client: [message.body for message in client.messages.list(page_size=2)]
    )

    assert bodies == ["4", "3", "2", "1", "0"]


async def test_pages_lead_forth_and_back() -> None:
    api = Api()
    for number in range(3):
        api.has_message(body=str(number))

    def act(client: Client) -> list[str | None]:
        first = client.messages.page(page_size=1)
        second = first.next_page()
        assert second is not None
        back = second.previous_page()
        assert back is not None
        return [next(page).body for page in (first, second, back)]

    assert await with_sdk(api, act) == ["2", "1", "2"]


async def test_list_filters_by_date() -> None:
    api = Api()
    for number in range(3):
        api.has_message(body=str(number))
    second = datetime.fromtimestamp(NOW + 2, UTC)

    def act(client: Client) -> list[str | None]:
        found = client.messages.list(date_sent_after=second, date_sent_before=second)
        return [message.body for message in found]

    assert await with_sdk(api, act) == ["1"]


async def test_the_account_can_be_fetched() -> None:
    account = await with_sdk(Api(), lambda client: client.api.v2010.account.fetch())

    assert (account.sid, account.status, account.friendly_name) == (ACCOUNT_SID, "active", "Demo")


@pytest.mark.parametrize(
    ("act", "status", "code"),
    [
        (lambda client: send(client, to="12"), 400, 21211),
        (lambda client: client.messages("SM" + "0" * 31 + "1").fetch(), 404, 20404),
        (lambda client: client.api.v2010.accounts("AC" + "1" * 32).fetch(), 401, 20003),
    ],
)
async def test_an_error_is_the_sdks_own_exception(
    act: Callable[[Client], object], status: int, code: int
) -> None:
    with pytest.raises(TwilioRestException) as error:
        await with_sdk(Api(), act)

    assert (error.value.status, error.value.code) == (status, code)


async def test_calls_are_fetched() -> None:
    api = Api()
    api.calls.has(a_record())

    call = await with_sdk(api, lambda client: client.calls(call_sid(1)).fetch())

    assert (call.sid, call.status, call.duration, call.price) == (
        call_sid(1),
        "completed",
        "15",
        None,
    )
    assert call.start_time == datetime.fromtimestamp(NOW + 1, UTC)
    assert call.end_time == datetime.fromtimestamp(NOW + 21, UTC)


async def test_calls_are_listed_page_by_page() -> None:
    api = Api()
    api.calls.has(*(a_record(a_call(call_id)) for call_id in range(1, 6)))
    api.calls.has(StandingCall(a_call(6), CallStatus.RINGING, NOW))

    found = await with_sdk(api, lambda client: client.calls.list(page_size=2))

    assert [call.sid for call in found] == [call_sid(call_id) for call_id in range(6, 0, -1)]
    assert (found[0].status, found[0].end_time, found[0].duration) == ("ringing", None, None)


async def test_calls_are_filtered() -> None:
    api = Api()
    at = datetime.fromtimestamp(NOW, UTC)

    def act(client: Client) -> object:
        return client.calls.list(
            to=RECIPIENT, from_=SENDER, status="busy", start_time_after=at, end_time_before=at
        )

    await with_sdk(api, act)

    (where,) = api.calls.asked
    assert (where.called, where.caller, where.status) == (RECIPIENT, SENDER, CallStatus.BUSY)
    assert (where.started_since, where.ended_until) == (NOW, NOW + 1)


async def test_a_call_cannot_be_made() -> None:
    def act(client: Client) -> None:
        with pytest.raises(TwilioRestException) as refused:
            client.calls.create(to=RECIPIENT, from_=SENDER, url="https://a.example/")
        assert (refused.value.status, refused.value.code) == (405, 20004)

    await with_sdk(Api(), act)
