"""RFC 3263 against a DNS server on loopback."""

import asyncio
import socket
from collections.abc import Collection
from random import Random

import pytest

from gateway.net import dns_client, sip_resolver
from gateway.net.sip_resolver import SipResolver
from gateway.sip.transaction import Destination
from tests.net.dns_server import Zone, dns_server

pytestmark = pytest.mark.e2e

BOTH = (socket.AF_INET, socket.AF_INET6)
ZONE: Zone = {
    ("carrier.example", "NAPTR"): [
        '20 10 "s" "SIP+D2U" "" _sip._udp.carrier.example.',
        '10 20 "s" "SIP+D2T" "" _sip._tcp.carrier.example.',
        '10 10 "s" "SIPS+D2T" "" _sips._tcp.carrier.example.',
        '5 10 "s" "SIP+D2S" "" _sip._sctp.carrier.example.',
        '5 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .',
    ],
    ("_sip._udp.carrier.example", "SRV"): ["10 0 5070 one.carrier.example."],
    ("_sip._tcp.carrier.example", "SRV"): [
        "20 0 5080 two.carrier.example.",
        "10 0 5080 one.carrier.example.",
    ],
    ("_sips._tcp.carrier.example", "SRV"): ["10 0 5081 one.carrier.example."],
    ("one.carrier.example", "A"): ["192.0.2.1"],
    ("two.carrier.example", "A"): ["192.0.2.2"],
    ("two.carrier.example", "AAAA"): ["2001:db8::2"],
    ("many.example", "A"): ["192.0.2.2", "192.0.2.3"],
    ("plain.example", "A"): ["192.0.2.9"],
    ("_sip._udp.gone.example", "SRV"): ["0 0 0 ."],
    ("gone.example", "A"): ["192.0.2.10"],
}


async def resolve(
    host: str,
    port: int = 0,
    transport: str = "",
    families: Collection[int] = BOTH,
    transports: Collection[str] = ("UDP", "TCP", "TLS"),
) -> list[Destination]:
    async with dns_server(ZONE) as (_, client):
        resolver = SipResolver(client, Random(1), families, transports)
        return await resolver.resolve(host, port, transport)


async def test_naptr_orders_the_transports_and_srv_the_hosts() -> None:
    assert await resolve("carrier.example") == [
        Destination("TLS", "192.0.2.1", 5081),
        Destination("TCP", "192.0.2.1", 5080),
        Destination("TCP", "192.0.2.2", 5080),
        Destination("TCP", "2001:db8::2", 5080),
        Destination("UDP", "192.0.2.1", 5070),
    ]


async def test_transport_of_the_uri_leaves_naptr_out() -> None:
    assert await resolve("carrier.example", 0, "udp") == [Destination("UDP", "192.0.2.1", 5070)]


async def test_transport_that_we_do_not_speak_is_left_out() -> None:
    found = await resolve("carrier.example", transports=("UDP",))
    assert found == [Destination("UDP", "192.0.2.1", 5070)]
    assert await resolve("carrier.example", 0, "tls", transports=("UDP",)) == []
    assert await resolve("carrier.example", 0, "ws") == []


async def test_port_of_the_uri_leaves_naptr_and_srv_out() -> None:
    found = await resolve("many.example", 5999)
    assert set(found) == {Destination("UDP", f"192.0.2.{last}", 5999) for last in (2, 3)}


async def test_without_srv_the_host_itself_is_taken() -> None:
    assert await resolve("plain.example") == [Destination("UDP", "192.0.2.9", 5060)]
    assert await resolve("plain.example", 0, "tls") == [Destination("TLS", "192.0.2.9", 5061)]


async def test_service_that_is_decidedly_not_there_is_not_looked_for_at_the_host() -> None:
    assert await resolve("gone.example") == []


async def test_addresses_are_not_looked_up() -> None:
    assert await resolve("192.0.2.7") == [Destination("UDP", "192.0.2.7", 5060)]
    assert await resolve("192.0.2.7", 5070, "tcp") == [Destination("TCP", "192.0.2.7", 5070)]
    assert await resolve("[2001:db8::7]", 0, "tls") == [Destination("TLS", "2001:db8::7", 5061)]


async def test_name_without_a_dot_is_the_systems() -> None:
    found = await resolve("localhost", 5070, families=(socket.AF_INET,))
    assert found == [Destination("UDP", "127.0.0.1", 5070)]


@pytest.mark.parametrize("host", ["none.example", "a..b", "x" * 70 + ".example", "é\udcff.example"])
async def test_name_that_is_not_there_gives_nothing(host: str) -> None:
    assert await resolve(host) == []


async def test_answer_is_kept_as_long_as_it_holds() -> None:
    async with dns_server(ZONE) as (server, client):
        resolver = SipResolver(client, Random(1), BOTH)
        for _ in range(3):
            await resolver.resolve("plain.example", 5060)
        assert server.asked["plain.example", "A"] == 1
        assert server.asked["plain.example", "AAAA"] == 1


async def test_answer_that_has_lived_its_time_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dns_client, "TTL_MIN_S", 0)
    async with dns_server(ZONE) as (server, client):
        server.ttl = 0
        resolver = SipResolver(client, Random(1), (socket.AF_INET,))
        for _ in range(2):
            await resolver.resolve("plain.example", 5060)
        assert server.asked["plain.example", "A"] == 2


async def test_those_who_ask_at_once_ask_once() -> None:
    async with dns_server(ZONE) as (server, client):
        resolver = SipResolver(client, Random(1), BOTH)
        await asyncio.gather(*[resolver.resolve("plain.example", 5060) for _ in range(20)])
        assert server.asked["plain.example", "A"] == 1


async def test_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_client, "ENTRIES_MAX", 4)
    async with dns_server(ZONE) as (_, client):
        resolver = SipResolver(client, Random(1), (socket.AF_INET,))
        for number in range(10):
            await resolver.resolve(f"none{number}.example", 5060)
        assert len(client._entries) == 4


async def test_name_server_that_is_silent_gives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_client, "QUERY_S", 0.2)
    async with dns_server(ZONE) as (server, client):
        server.silent = True
        assert await SipResolver(client, Random(1)).resolve("plain.example", 5060) == []


async def test_whole_search_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip_resolver, "RESOLVE_S", 0.2)
    async with dns_server(ZONE) as (server, client):
        server.silent = True
        assert await SipResolver(client, Random(1)).resolve("plain.example", 5060) == []


async def test_server_that_fails_at_naptr_or_at_one_family_is_asked_for_the_rest() -> None:
    async with dns_server(ZONE) as (server, client):
        server.failing = {("carrier.example", "NAPTR"), ("one.carrier.example", "AAAA")}
        found = await SipResolver(client, Random(1), BOTH).resolve("carrier.example")
        assert found[0] == Destination("UDP", "192.0.2.1", 5070)
