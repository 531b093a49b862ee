"""Where a webhook may go: the URL as customers write it, and the addresses that we never call.

Pure. A customer chooses the URL and we make the request from inside our network, so a destination
is refused unless it is a public unicast address (SSRF). An address in the URL is judged here; a
name is judged when it is resolved, at the moment of connecting, by `client`, so that a
name which changes its address (DNS rebinding) is judged by the address that is called. Redirects
are not followed, because each hop would be a destination that nobody checked in.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from yarl import URL

from gateway.errors import GatewayError

POLICY_ALL = frozenset({"all"})

URL_LENGTH_MAX = 4_096
# RFC 1035 §2.3.4. The resolver's own complaint of a longer label would look like a fault of ours.
HOSTNAME_LENGTH_MAX = 253
LABEL_LENGTH_MAX = 63

# Parsed URLs kept, because the messages of a customer share one; beyond it a URL is parsed again.
DESTINATIONS_CACHED_MAX = 4_096

_HOSTNAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")
# 127.1, 0x7f.1 and 2130706433 are addresses to some resolvers and names to others.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

_GLOBAL_UNICAST_6 = IPv6Network("2000::/3")  # RFC 4291 §2.4: all that is assigned to the Internet
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1: the last 32 bits are an IPv4 address
_V4_COMPATIBLE = IPv6Network("::/96")  # RFC 4291 §2.5.5.1
# Special by the IANA registries, though `ipaddress` of Python 3.11 calls parts of them global.
_SPECIAL = (
    ip_network("192.0.0.0/24"),  # IETF protocol assignments
    ip_network("192.88.99.0/24"),  # 6to4 relay anycast
    ip_network("3fff::/20"),  # documentation
)


class DestinationError(GatewayError):
    """The URL is none that a webhook can go to; the text says why."""


class FailureKind(StrEnum):
    """Why an attempt failed: in the words of Twilio's retry policy `rp`, or one of ours.

    FORBIDDEN is an address that we never call. UNUSABLE is an answer that the server meant, and
    that cannot be used. POSTPONED is trouble of ours with an answer.
    """

    CONNECT = "ct"
    READ = "rt"
    CLIENT_ERROR = "4xx"
    SERVER_ERROR = "5xx"
    FORBIDDEN = "forbidden"
    UNUSABLE = "unusable"
    POSTPONED = "postponed"


# What shows that a host is in trouble, and not that it dislikes one request.
HOST_TROUBLE = frozenset({FailureKind.CONNECT, FailureKind.READ, FailureKind.SERVER_ERROR})


@dataclass(frozen=True, slots=True)
class Overrides:
    """Connection overrides in a URL's fragment: `#ct=2000&rt=5000&tt=8000&rc=2&rp=5xx,ct`.

    Times are in milliseconds; None is the gateway's own. Without `rc` a webhook is retried as long
    as the outbox does; with it, at most so many times. Without `rp` every failure is retried.
    """

    connect_ms: int | None = None
    read_ms: int | None = None
    total_ms: int | None = None
    retries_max: int | None = None
    policies: frozenset[str] = POLICY_ALL

    def retries(self, kind: FailureKind, attempts: int) -> bool:
        """Whether the customer wants another attempt after this many, the last one failed."""
        if kind in (FailureKind.FORBIDDEN, FailureKind.UNUSABLE):
            return False
        wanted = "all" in self.policies or kind in self.policies
        return wanted and (self.retries_max is None or attempts <= self.retries_max)


@dataclass(frozen=True, slots=True)
class Destination:
    """A webhook's URL, taken apart.

    `url` is what the server will see: normalised, without credentials and fragment. `host` is
    `name:port`, the endpoint whose troubles are its own. `authorization` is the Basic header
    (RFC 7617) made of the URL's credentials.
    """

    url: str
    host: str
    authorization: str = field(default="", repr=False)
    overrides: Overrides = Overrides()


def parse_destination(text: str, allow_private: bool = False) -> Destination:
    """Take a URL apart, and refuse one that cannot be called.

    `allow_private` lets webhooks go to loopback and private networks, for a gateway whose
    customers are its own operators.

    Raises:
        DestinationError: the URL is malformed, not http or https, or leads inside.
    """
    if len(text) > URL_LENGTH_MAX:
        raise DestinationError(f"the URL is longer than {URL_LENGTH_MAX} characters")
    return _parse(text, allow_private)


def parse_overrides(fragment: str) -> Overrides:
    """Read the connection overrides. A number beyond its range is cut to its bound; what is unknown
    or no number is left at its default.
    """
    given = dict(pair.partition("=")[::2] for pair in fragment.split("&"))

    def number(key: str, low: int, high: int) -> int | None:
        text = given.get(key, "")
        if not (text.isascii() and text.isdigit()):
            return None
        return min(max(int(text), low), high)

    policies = frozenset(given.get("rp", "").split(",")) & {"4xx", "5xx", "ct", "rt", "all"}
    return Overrides(
        connect_ms=number("ct", 100, 10_000),
        read_ms=number("rt", 100, 15_000),
        total_ms=number("tt", 100, 15_000),
        retries_max=number("rc", 0, 5),
        policies=policies or POLICY_ALL,
    )


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address belongs to the public unicast Internet.

    An IPv6 address that carries an IPv4 address (mapped, compatible, NAT64, 6to4) is judged by
    that, because that is where its packets go.
    """
    if isinstance(address, IPv6Address):
        carried = _carried_ipv4(address)
        if carried is not None:
            return is_public(carried)
        if address not in _GLOBAL_UNICAST_6:
            return False
    if any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _carried_ipv4(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64 or address in _V4_COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


@lru_cache(maxsize=DESTINATIONS_CACHED_MAX)
def _parse(text: str, allow_private: bool) -> Destination:
    if any(character < " " or character == "\x7f" for character in text):
        raise DestinationError("the URL has control characters")
    try:
        url = URL(text)
    except ValueError as error:
        raise DestinationError("the URL is malformed") from error
    if url.scheme not in ("http", "https"):
        raise DestinationError("the URL is neither http nor https")
    host = url.raw_host or ""
    _check_host(host, allow_private)
    if not url.port:
        raise DestinationError("the URL has no usable port")
    return Destination(
        url=f"{url.scheme}://{url.host_port_subcomponent}{url.raw_path_qs}",
        host=f"{host}:{url.port}",
        authorization=_basic(url.user, url.password),
        overrides=parse_overrides(url.raw_fragment),
    )


def _check_host(host: str, allow_private: bool) -> None:
    try:
        address = ip_address(host)
    except ValueError:
        labels = host.rstrip(".").split(".")
        too_long = len(host) > HOSTNAME_LENGTH_MAX or max(map(len, labels)) > LABEL_LENGTH_MAX
        if too_long or not _HOSTNAME.fullmatch(host):
            raise DestinationError("the URL has no valid host") from None
        if _NUMBER.fullmatch(labels[-1]):
            raise DestinationError("the URL's host is not a canonical address") from None
        # RFC 6761 §6.3: always loopback, so there is no need to wait for the resolver's answer.
        if labels[-1] == "localhost" and not allow_private:
            raise DestinationError("the URL leads to a private address") from None
    else:
        if not (allow_private or is_public(address)):
            raise DestinationError("the URL leads to a private address")


def _basic(user: str | None, password: str | None) -> str:
    if user is None and password is None:
        return ""
    credentials = f"{user or ''}:{password or ''}".encode()
    return "Basic " + base64.b64encode(credentials).decode("ascii")
