"""Asks the DNS and keeps what it says for as long as it says so (RFC 1035 §3.2.1, RFC 2308 §5).

dnspython speaks the protocol; here are the cache, its bounds and the time that one question may
take. The clock of the cache is the loop's.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.resolver

from gateway.net.dns_records import Naptr, Srv

log = logging.getLogger(__name__)

QUERY_S = 3.0
QUERIES_MAX = 128
ENTRIES_MAX = 4_096
RECORDS_MAX = 32
TTL_MIN_S, TTL_MAX_S = 1, 3_600
# That there is nothing; that nobody has answered; what the system knows without the DNS.
NOTHING_S, FAILURE_S, SYSTEM_S = 30.0, 5.0, 30.0


class DnsFailed(Exception):
    """No server has answered, or none that knows."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """`records` is None where the question failed."""

    records: tuple[Any, ...] | None
    until: float


_Key = tuple[str, str]


class DnsClient:
    """`nameservers` are addresses; without any they are the system's."""

    def __init__(self, nameservers: Sequence[str] = (), port: int = 53) -> None:
        self._loop = asyncio.get_running_loop()
        self._resolver = _resolver(nameservers, port)
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self._asking: dict[_Key, asyncio.Task[_Entry]] = {}

    async def naptr(self, name: str) -> list[Naptr]:
        """Empty where there are none. Raises DnsFailed, as the others do."""
        return [
            Naptr(
                record.order,
                record.preference,
                record.flags.decode("ascii", "replace").lower(),
                record.service.decode("ascii", "replace").lower(),
                _text(record.replacement),
            )
            for record in await self._records(name, "NAPTR")
        ]

    async def srv(self, name: str) -> list[Srv]:
        return [
            Srv(record.priority, record.weight, record.port, _text(record.target))
            for record in await self._records(name, "SRV")
        ]

    async def addresses(self, name: str, family: int) -> list[str]:
        kind = "AAAA" if family == socket.AF_INET6 else "A"
        found = await self._records(name, kind)
        return [record if isinstance(record, str) else str(record.address) for record in found]

    async def _records(self, name: str, kind: str) -> tuple[Any, ...]:
        key = (name.lower().rstrip("."), kind)
        entry = self._entries.get(key)
        if entry is None or self._loop.time() >= entry.until:
            asking = self._asking.get(key)
            if asking is None:
                if len(self._asking) >= QUERIES_MAX:
                    raise DnsFailed("too many names are looked up at once")
                asking = self._asking[key] = self._loop.create_task(self._ask(key))
            entry = await asyncio.shield(asking)
        else:
            self._entries.move_to_end(key)
        if entry.records is None:
            raise DnsFailed(f"nobody answers for {name}")
        return entry.records

    async def _ask(self, key: _Key) -> _Entry:
        try:
            records, ttl = await self._answer(*key)
        finally:
            del self._asking[key]
        entry = self._entries[key] = _Entry(records, self._loop.time() + ttl)
        self._entries.move_to_end(key)
        if len(self._entries) > ENTRIES_MAX:
            self._entries.popitem(last=False)
        return entry

    async def _answer(self, name: str, kind: str) -> tuple[tuple[Any, ...] | None, float]:
        if "." not in name:
            return await self._of_system(name, kind)
        if self._resolver is None:
            return None, FAILURE_S
        try:
            answer = await self._resolver.resolve(name, kind, search=False, lifetime=QUERY_S)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return (), NOTHING_S
        except (dns.exception.DNSException, OSError, ValueError) as error:
            log.warning(
                "name not looked up", extra={"host": name, "type": kind, "cause": _of(error)}
            )
            return None, FAILURE_S
        ttl = answer.chaining_result.minimum_ttl
        return tuple(answer)[:RECORDS_MAX], min(max(ttl, TTL_MIN_S), TTL_MAX_S)

    async def _of_system(self, name: str, kind: str) -> tuple[tuple[Any, ...] | None, float]:
        """A name without a dot is not in the DNS: localhost, or one of the hosts file."""
        if kind not in ("A", "AAAA"):
            return (), SYSTEM_S
        family = socket.AF_INET if kind == "A" else socket.AF_INET6
        try:
            async with asyncio.timeout(QUERY_S):
                found = await self._loop.getaddrinfo(
                    name, None, family=family, type=socket.SOCK_DGRAM
                )
        except (socket.gaierror, UnicodeError):
            return (), SYSTEM_S
        except OSError:
            return None, FAILURE_S
        return tuple(dict.fromkeys(str(each[4][0]) for each in found))[:RECORDS_MAX], SYSTEM_S


def _resolver(nameservers: Sequence[str], port: int) -> dns.asyncresolver.Resolver | None:
    try:
        made = dns.asyncresolver.Resolver(configure=not nameservers)
    except dns.exception.DNSException as error:
        log.warning("no name server is known", extra={"cause": _of(error)})
        return None
    if nameservers:
        made.nameservers = list(nameservers)
        made.port = port
    return made


def _text(name: Any) -> str:
    return str(name).rstrip(".")


def _of(error: Exception) -> str:
    return type(error).__name__
