"""Where a peer comes from: whether an ESME may bind from there, and who counts as the same."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# Whoever has an IPv6 address has the other 2^64 of its network as well.
IPV6_PREFIX = 64


def origin(peer: str) -> str:
    """What is counted together: an IPv4 address, a /64 of IPv6. All that are no address are one."""
    address = address_of(peer)
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), IPV6_PREFIX), strict=False))
    return str(address or "")


def is_allowed(peer: str, networks: tuple[str, ...]) -> bool:
    """Whether the list, if there is one, holds the peer. It fails closed: an entry that cannot be
    read, and a peer whose address is not known, let nobody in."""
    if not networks:
        return True
    address = address_of(peer)
    try:
        listed = [ip_network(network, strict=False) for network in networks]
    except ValueError:
        return False
    return address is not None and any(address in network for network in listed)


def address_of(peer: str) -> IPv4Address | IPv6Address | None:
    """An IPv4 peer of a listener for both families is an IPv4 address (RFC 4291 §2.5.5.2)."""
    try:
        address = ip_address(peer)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
