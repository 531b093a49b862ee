"""Names and certificates: where the client goes, and whom it trusts there."""

import socket
import ssl
import threading
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.webhooks.client import WebhookClient
from gateway.webhooks.destination import FailureKind, parse_destination
from gateway.webhooks.request import Answer, Failure, signed_request
from gateway.webhooks.resolver import ForbiddenAddressError, GuardedResolver
from tests.messaging.web_servers import (
    SELF_SIGNED,
    Seen,
    a_request,
    an_address,
    loopback,
    post,
    say_ok,
    serving,
    serving_tls,
)
from tests.messaging.webhook_world import (
    TOKEN,
)

pytestmark = pytest.mark.e2e


async def test_name_that_leads_inside_is_not_called() -> None:
    """Judged at the moment of connecting, so a name that changes its address gains nothing."""
    seen = Seen()
    async with serving(seen.answering(200)) as url:
        destination = parse_destination(f"http://rebind.example:{urlsplit(url).port}/")
        request = signed_request(destination, "POST", [], TOKEN, "SM1-1")
        async with WebhookClient(lookup=loopback) as client:
            failure = await client.post(request)
    assert failure == Failure(FailureKind.FORBIDDEN, 11205, "the name leads to a private address")
    assert seen.paths == []


async def test_name_that_leads_to_both_is_called_at_its_public_addresses_only() -> None:
    def lookup(host: str, port: int, **kwargs: Any) -> list[Any]:
        places = ["10.0.0.1", "8.8.8.8", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2606:4700::1111"]
        return [an_address(place, port) for place in places]

    resolver = GuardedResolver(allow_private=False, lookup=lookup)
    found = await resolver.resolve("both.example", 80)
    resolver.close()
    assert [each[4][0] for each in found] == ["8.8.8.8", "2606:4700::1111"]


@pytest.mark.parametrize(
    "place",
    ["127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "fe80::1%lo"],
)
async def test_name_that_leads_inside_in_whatever_spelling_is_refused(place: str) -> None:
    resolver = GuardedResolver(False, lambda host, port, **kwargs: [an_address(place, port)])
    with pytest.raises(ForbiddenAddressError):
        await resolver.resolve("inside.example", 80)
    resolver.close()


async def test_name_that_turns_private_between_two_requests_is_refused_then() -> None:
    places = ["8.8.8.8", "10.0.0.1"]
    resolver = GuardedResolver(False, lambda host, port, **kw: [an_address(places.pop(0), port)])
    assert await resolver.resolve("rebind.example", 80)
    with pytest.raises(ForbiddenAddressError):
        await resolver.resolve("rebind.example", 80)
    resolver.close()


async def test_name_is_resolved_to_the_addresses_that_are_allowed() -> None:
    seen = Seen()
    async with (
        serving(seen.answering(200)) as url,
        WebhookClient(allow_private=True, lookup=loopback) as client,
    ):
        await client.post(a_request(url.replace("127.0.0.1", "hooks.example") + "/x"))
    assert seen.paths == ["/x"]


async def test_name_that_does_not_exist_has_failed() -> None:
    def lookup(host: str, port: int, **kwargs: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with WebhookClient(lookup=lookup) as client:
        failure = await client.post(a_request("http://nowhere.example/"))
    assert failure == Failure(FailureKind.CONNECT, 11210, "name not resolved")


async def test_name_server_that_does_not_answer_counts_as_connecting() -> None:
    release = threading.Event()

    def lookup(host: str, port: int, **kwargs: Any) -> list[Any]:
        release.wait(10)
        return []

    async with WebhookClient(lookup=lookup) as client:
        failure = await client.post(a_request("http://lost.example/#ct=100"))
        release.set()
    assert failure == Failure(FailureKind.CONNECT, 11205, "connect timed out")


async def test_server_without_tls_behind_https_has_failed() -> None:
    async with serving(say_ok) as url:
        failure = await post(url.replace("http://", "https://"))
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.code) == (FailureKind.CONNECT, 11220)


async def test_certificate_that_nobody_signed_is_not_trusted() -> None:
    async with (
        serving_tls() as url,
        WebhookClient(allow_private=True, lookup=loopback) as client,
    ):
        failure = await client.post(a_request(url))
    assert failure == Failure(FailureKind.CONNECT, 11237, "certificate not valid")


async def test_certificate_of_a_trusted_authority_is_trusted() -> None:
    tls = ssl.create_default_context(cafile=str(SELF_SIGNED))
    async with (
        serving_tls() as url,
        WebhookClient(allow_private=True, lookup=loopback, tls=tls) as client,
    ):
        assert isinstance(await client.post(a_request(url)), Answer)


async def test_certificate_for_another_name_is_not_trusted() -> None:
    tls = ssl.create_default_context(cafile=str(SELF_SIGNED))
    async with (
        serving_tls() as url,
        WebhookClient(allow_private=True, lookup=loopback, tls=tls) as client,
    ):
        failure = await client.post(a_request(url.replace("hooks.example", "other.example")))
    assert failure == Failure(FailureKind.CONNECT, 11237, "certificate not valid")
