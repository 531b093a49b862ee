"""What the DNS client does when there is nobody to ask, or too much."""

import asyncio
import socket

import dns.asyncresolver
import dns.resolver
import pytest

from gateway.net import dns_client
from gateway.net.dns_client import DnsClient, DnsFailed
from tests.net.dns_server import LOOPBACK, dns_server

pytestmark = pytest.mark.e2e


async def test_without_a_name_server_names_are_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(configure: bool) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.asyncresolver, "Resolver", nobody)
    client = DnsClient()
    with pytest.raises(DnsFailed):
        await client.srv("carrier.example")
    assert await client.addresses("localhost", socket.AF_INET) == [LOOPBACK]


async def test_names_looked_up_at_once_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_client, "QUERIES_MAX", 1)
    async with dns_server({("one.example", "A"): ["192.0.2.1"]}) as (_, client):
        first = asyncio.ensure_future(client.addresses("one.example", socket.AF_INET))
        await asyncio.sleep(0)
        with pytest.raises(DnsFailed, match="too many"):
            await client.addresses("two.example", socket.AF_INET)
        assert await first == ["192.0.2.1"]


async def test_name_without_a_dot_has_no_services_and_may_be_unknown() -> None:
    async with dns_server({}) as (server, client):
        assert await client.srv("localhost") == []
        assert await client.addresses("no-such-host-here", socket.AF_INET) == []
        assert not server.asked


async def test_failure_is_kept_for_a_while() -> None:
    async with dns_server({("one.example", "A"): ["192.0.2.1"]}) as (server, client):
        server.failing = {("one.example", "A")}
        for _ in range(2):
            with pytest.raises(DnsFailed):
                await client.addresses("one.example", socket.AF_INET)
        assert server.asked["one.example", "A"] == 1


async def test_who_gives_up_does_not_end_the_question_of_others() -> None:
    async with dns_server({("one.example", "A"): ["192.0.2.1"]}) as (_, client):
        first = asyncio.ensure_future(client.addresses("one.example", socket.AF_INET))
        second = asyncio.ensure_future(client.addresses("one.example", socket.AF_INET))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == ["192.0.2.1"]
