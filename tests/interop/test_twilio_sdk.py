"""The official SDK against the real daemon, with nothing changed but its base URL."""

# The SDK ships no py.typed, so its classes are Any to mypy.
# mypy: disable-error-code="import-untyped, misc"

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from tests.e2e.configuration import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    KEY_SECRET,
    KEY_SID,
    LONG_CODE,
    OTHER_SID,
    OTHER_TOKEN,
    SHORT_CODE,
    UNREGISTERED,
)
from tests.e2e.process import PATIENCE_S
from tests.e2e.site import Site

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

T = TypeVar("T")

FINAL = {"delivered", "undelivered", "failed", "canceled"}
PAUSE_S = 0.05


async def with_sdk(
    site: Site, act: Callable[[Client], T], username: str = ACCOUNT_SID, password: str = AUTH_TOKEN
) -> T:
    """What `act` returns, called in a thread beside the carriers."""
    account_sid = username if username.startswith("AC") else ACCOUNT_SID
    client = Client(username, password, account_sid, http_client=TwilioHttpClient(False))
    client.api.base_url = site.daemon.rest
    return await asyncio.to_thread(act, client)


def final(client: Client, sid: str) -> Any:
    """The message, once it is in a final state."""
    deadline = time.monotonic() + PATIENCE_S
    while (message := client.messages(sid).fetch()).status not in FINAL:
        assert time.monotonic() < deadline, message.status
        time.sleep(PAUSE_S)
    return message


async def test_message_is_delivered(site: Site) -> None:
    recipient = site.recipient()

    def act(client: Client) -> Any:
        sent = client.messages.create(to=recipient, from_=LONG_CODE, body="Hëllo {€}")
        return final(client, sent.sid)

    message = await with_sdk(site, act)

    assert (message.status, message.error_code, message.num_segments) == ("delivered", None, "1")
    assert [arrived.text for arrived in site.arrived(recipient)] == ["Hëllo {€}"]


async def test_api_key_sends_too(site: Site) -> None:
    def act(client: Client) -> Any:
        sent = client.messages.create(to=site.recipient(), from_=LONG_CODE, body="by key")
        return final(client, sent.sid)

    assert (await with_sdk(site, act, KEY_SID, KEY_SECRET)).status == "delivered"


async def test_undelivered_message_has_its_code_and_words(site: Site) -> None:
    def act(client: Client) -> Any:
        sent = client.messages.create(to=site.recipient("0001"), from_=LONG_CODE, body="lost")
        return final(client, sent.sid)

    message = await with_sdk(site, act)

    assert message.status == "undelivered"
    assert isinstance(message.error_code, int)
    assert message.error_message


async def test_list_finds_what_was_sent_to_a_recipient(site: Site) -> None:
    recipient = site.recipient()

    def act(client: Client) -> list[str]:
        for number in range(3):
            client.messages.create(to=recipient, from_=LONG_CODE, body=str(number))
        return [message.body for message in client.messages.list(to=recipient, page_size=2)]

    assert await with_sdk(site, act) == ["2", "1", "0"]


async def test_redacted_and_deleted(site: Site) -> None:
    def act(client: Client) -> tuple[str, bool, int]:
        sent = client.messages.create(to=site.recipient(), from_=LONG_CODE, body="secret")
        message = final(client, sent.sid)
        redacted = message.update(body="").body
        deleted = message.delete()
        with pytest.raises(TwilioRestException) as error:
            client.messages(sent.sid).fetch()
        return redacted, deleted, error.value.status

    assert await with_sdk(site, act) == ("", True, 404)


async def test_inbound_message_is_listed(site: Site) -> None:
    handset = site.recipient()
    site.carriers["alpha"].inject_mo(handset, SHORT_CODE, "hello there")
    await site.sink.wait_for(lambda: any(call["From"] == handset for call in site.sink.of("/sms")))

    found = await with_sdk(site, lambda client: client.messages.list(from_=handset))

    assert [(m.direction, m.status, m.body) for m in found] == [
        ("inbound", "received", "hello there")
    ]


@pytest.mark.parametrize(
    ("sender", "status", "code"),
    [(UNREGISTERED, 400, 30034), ("+15005559999", 400, 21606), ("", 400, 21603)],
)
async def test_refusal_is_the_sdks_own_exception(
    site: Site, sender: str, status: int, code: int
) -> None:
    with pytest.raises(TwilioRestException) as error:
        await with_sdk(
            site,
            lambda client: client.messages.create(to=site.recipient(), from_=sender, body="no"),
        )

    assert (error.value.status, error.value.code) == (status, code)


async def test_other_account_sees_nothing(site: Site) -> None:
    await site.rest.create(site.recipient(), "private")

    def act(client: Client) -> list[str]:
        return [message.from_ for message in client.messages.list()]

    assert LONG_CODE not in await with_sdk(site, act, OTHER_SID, OTHER_TOKEN)


# The SDK's own way to authenticate through aiohttp.
@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated:DeprecationWarning")
async def test_many_at_once_asynchronously(site: Site) -> None:
    recipients = [site.recipient() for _ in range(20)]
    async with AsyncTwilioHttpClient() as http_client:
        client = Client(ACCOUNT_SID, AUTH_TOKEN, http_client=http_client)
        client.api.base_url = site.daemon.rest
        sent = await asyncio.gather(
            *(
                client.messages.create_async(to=recipient, from_=LONG_CODE, body="at once")
                for recipient in recipients
            )
        )
        for message in sent:
            await site.rest.final(message.sid)
        found = [await client.messages(message.sid).fetch_async() for message in sent]

    assert {message.status for message in found} == {"delivered"}
    assert {message.to for message in found} == set(recipients)
