"""Where a SIP URI leads (RFC 3263 §4): NAPTR for the transport, SRV for hosts and ports, A and AAAA
for addresses."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Collection
from random import Random

from gateway.net.dns_client import DnsClient, DnsFailed
from gateway.net.dns_records import Srv, in_naptr_order, in_srv_order
from gateway.net.sip_address import family_of
from gateway.sip.transaction import Destination
from gateway.sip.via import DEFAULT_PORT

log = logging.getLogger(__name__)

RESOLVE_S = 6.0
DESTINATIONS_MAX = 32
SERVICES_MAX = 8

# §4.1, §4.2: the services of NAPTR, and the names of SRV. A WebSocket is not ours to open.
_SERVICES = {"sip+d2u": "UDP", "sip+d2t": "TCP", "sips+d2t": "TLS"}
_SRV_NAMES = {"UDP": "_sip._udp", "TCP": "_sip._tcp", "TLS": "_sips._tcp"}
# Where neither the URI nor NAPTR says it; TLS has to be asked for.
_UNNAMED = ("UDP", "TCP")


class SipResolver:
    """`families` are those that we can send to; `transports` those that we can begin."""

    def __init__(
        self,
        dns: DnsClient,
        random: Random,
        families: Collection[int] = (socket.AF_INET, socket.AF_INET6),
        transports: Collection[str] = tuple(_SRV_NAMES),
    ) -> None:
        self._dns = dns
        self._random = random
        self._families = families
        self._transports = transports

    async def resolve(self, host: str, port: int = 0, transport: str = "") -> list[Destination]:
        """What to try, the first first; nothing where the DNS has no answer. `port` 0 and
        `transport` "" are where the URI names none; `sips` is "tls". An SRV choice is made anew
        each time, by weight."""
        wanted = transport.upper()
        if wanted and wanted not in self._transports:
            return []
        address = host.strip("[]")
        if family_of(address) is not None:
            return [_destination(wanted or "UDP", address, port)]
        try:
            async with asyncio.timeout(RESOLVE_S):
                found = await self._look_up(host, port, wanted)
        except (DnsFailed, TimeoutError) as error:
            reason = str(error) or f"nothing within {RESOLVE_S:g} s"
            log.warning("host not resolved", extra={"host": host, "reason": reason})
            return []
        return list(dict.fromkeys(found))[:DESTINATIONS_MAX]

    async def _look_up(self, host: str, port: int, transport: str) -> list[Destination]:
        if port:
            return await self._of_host(transport or "UDP", host, port)
        names = [(transport, f"{_SRV_NAMES[transport]}.{host}")] if transport else []
        names = names or await self._named_by_naptr(host)
        if not names:
            unnamed = [each for each in _UNNAMED if each in self._transports]
            names = [(each, f"{_SRV_NAMES[each]}.{host}") for each in unnamed]
        services = await asyncio.gather(*[self._dns.srv(name) for _, name in names])
        if not any(services):
            return await self._of_host(transport or "UDP", host, 0)
        found: list[Destination] = []
        for (way, _), records in zip(names, services, strict=True):
            found += await self._of_services(way, records)
        return found

    async def _named_by_naptr(self, host: str) -> list[tuple[str, str]]:
        """Of each service that we can use, in order, its transport and its SRV name."""
        try:
            records = in_naptr_order(await self._dns.naptr(host))
        except DnsFailed:
            return []  # Many a server that knows SRV fails at NAPTR.
        return [
            (transport, record.replacement)
            for record in records
            if record.flags == "s"
            and record.replacement
            and (transport := _SERVICES.get(record.service)) in self._transports
            and transport is not None
        ][:SERVICES_MAX]

    async def _of_services(self, transport: str, records: list[Srv]) -> list[Destination]:
        ordered = [each for each in in_srv_order(records, self._random) if each.target]
        hosts = await asyncio.gather(
            *[self._of_host(transport, each.target, each.port) for each in ordered],
            return_exceptions=True,
        )
        found: list[Destination] = []
        for each in hosts:
            if isinstance(each, list):
                found += each
            elif not isinstance(each, DnsFailed):
                raise each
        return found

    async def _of_host(self, transport: str, host: str, port: int) -> list[Destination]:
        """Of one family that fails the other is still good."""
        families = [each for each in (socket.AF_INET, socket.AF_INET6) if each in self._families]
        results = await asyncio.gather(
            *[self._dns.addresses(host, family) for family in families], return_exceptions=True
        )
        addresses: list[str] = []
        failures: list[BaseException] = []
        for result in results:
            if isinstance(result, list):
                addresses += result
            else:
                failures.append(result)
        if failures and not addresses:
            raise failures[0]
        return [_destination(transport, address, port) for address in addresses]


def _destination(transport: str, address: str, port: int) -> Destination:
    return Destination(transport, address, port or DEFAULT_PORT.get(transport, 5060))
