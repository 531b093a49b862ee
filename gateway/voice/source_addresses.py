"""Who is known by the address that it calls from."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Generic, TypeVar

from gateway.net.peer_address import address_of

# Addresses whose look-up is remembered; beyond it all are forgotten and looked up anew.
REMEMBERED_MAX = 8_192

T = TypeVar("T")


class SourceAddresses(Generic[T]):
    """Networks and whose they are. It fails closed: an entry that cannot be read holds nobody."""

    def __init__(self, listed: Iterable[tuple[Iterable[str], T]]) -> None:
        self._networks: list[tuple[IPv4Network | IPv6Network, T]] = []
        for networks, owner in listed:
            for text in networks:
                try:
                    self._networks.append((ip_network(text, strict=False), owner))
                except ValueError:
                    continue
        self._networks.sort(key=lambda pair: -pair[0].prefixlen)
        self._remembered: dict[str, tuple[T, ...]] = {}

    def find(self, host: str) -> tuple[T, ...]:
        """All whose lists hold it, those of the narrowest network first."""
        found = self._remembered.get(host)
        if found is None:
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            found = self._remembered[host] = self._find(host)
        return found

    def _find(self, host: str) -> tuple[T, ...]:
        address = address_of(host)
        if address is None:
            return ()
        return tuple(owner for network, owner in self._networks if address in network)
