"""A small DNS server on loopback: answers from a zone, and counts what it is asked."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from gateway.net.dns_client import DnsClient

LOOPBACK = "127.0.0.1"
Zone = dict[tuple[str, str], list[str]]


class DnsServer(asyncio.DatagramProtocol):
    """`zone` is (name, type) to the texts of its records; `ttl` holds for all. A name of `failing`
    is answered by SERVFAIL; while `silent` nothing is answered."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.ttl = 300
        self.failing: set[tuple[str, str]] = set()
        self.silent = False
        self.asked: Counter[tuple[str, str]] = Counter()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def datagram_received(self, octets: bytes, address: tuple[str | int, ...]) -> None:
        query = dns.message.from_wire(octets)
        question = query.question[0]
        key = (question.name.to_text().rstrip("."), dns.rdatatype.to_text(question.rdtype))
        self.asked[key] += 1
        if self.silent:
            return
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if key in self.failing:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif texts := self.zone.get(key):
            name = question.name.to_text()
            response.answer.append(dns.rrset.from_text(name, self.ttl, "IN", key[1], *texts))
        elif not any(name == key[0] for name, _ in self.zone):
            response.set_rcode(dns.rcode.NXDOMAIN)
        assert self._transport is not None
        self._transport.sendto(response.to_wire(), address)


@contextlib.asynccontextmanager
async def dns_server(zone: Zone) -> AsyncIterator[tuple[DnsServer, DnsClient]]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: DnsServer(zone), local_addr=(LOOPBACK, 0)
    )
    port = transport.get_extra_info("sockname")[1]
    try:
        yield server, DnsClient([LOOPBACK], port)
    finally:
        transport.close()
