"""SIP trunks to carriers, and the numbers that they reach."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.config.sections import TimerSeconds

TrunkId = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,31}\Z",
        description="an id of at most 32 small letters, digits, '-' and '_'",
    ),
]
TrunkHost = Annotated[str, Meta(min_length=1, max_length=253)]
Prefix = Annotated[
    str,
    Meta(pattern=r"^[1-9][0-9]{0,14}\Z", description='1 to 15 digits of E.164 without "+"'),
]
Secret = Annotated[str, Meta(max_length=128)]
StatusCode = Annotated[int, Meta(ge=300, le=699)]
Digits = Annotated[
    str,
    Meta(pattern=r"^[0-9+*#]{0,15}\Z", description="at most 15 digits, '+', '*' and '#'"),
]
CountryCode = Annotated[
    str, Meta(pattern=r"^[1-9][0-9]{0,2}\Z", description="1 to 3 digits of a country code")
]

# A final answer of these means the person called, not the way to it: nobody else is tried.
NO_FAILOVER = (480, 484, 486, 600, 603, 604, 607)


class SipTransport(StrEnum):
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class Srtp(StrEnum):
    """Whether media is encrypted, by keys in the descriptions (RFC 4568): never; where the carrier
    can (RFC 8643); or else there is no call."""

    NO = "no"
    MAY = "may"
    MUST = "must"


class NumberFormat(StrEnum):
    """How a carrier writes numbers: `+49…`, `49…`, or as the country dials them (`national_prefix`
    in place of the country code, `international_prefix` before all others)."""

    E164 = "e164"
    DIGITS = "digits"
    NATIONAL = "national"


class CallerIdentity(StrEnum):
    """Where a carrier is told who calls: in From alone, or by RFC 3325 too."""

    FROM = "from"
    ASSERTED = "asserted"


class NumberRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[carrier.trunk.numbers]: rewriting to and from E.164. `add` goes before what is dialed, for a
    technical prefix of the carrier's."""

    format: NumberFormat = NumberFormat.E164
    country_code: CountryCode = "1"
    national_prefix: Digits = ""
    international_prefix: Digits = "00"
    add: Digits = ""


class CarrierTrunk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[[carrier.trunk]]: a SIP trunk to a carrier, known everywhere as `carrier/trunk`.

    `host` is an address, or a name that is looked up (RFC 3263; without a `port` by NAPTR and
    SRV). `channels` calls at most stand at once, and `cps` may begin in a second. `options_s` is
    how often OPTIONS asks whether it is alive, 0 never; after `no_answer_s` without an 18x or a
    final answer the next trunk is tried. Final answers in `no_failover` end the call. With a
    `username` we answer its challenges, and with `register_s` register there so often.
    `allowed_ips` are the addresses or networks that its calls to us come from; without any, those
    that its `host` leads to, and over UDP from the same port. `srtp` is what our offers ask for;
    keys stand in the INVITE, so it goes with `transport = "tls"`.
    """

    id: TrunkId
    host: TrunkHost
    port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    transport: SipTransport = SipTransport.UDP
    username: str = ""
    password: Secret | None = None
    password_env: str = ""
    from_domain: str = ""
    channels: Annotated[int, Meta(ge=1, le=100_000)] = 100
    cps: Annotated[float, Meta(ge=0.01, le=10_000)] = 10.0
    options_s: Annotated[float, Meta(ge=0, le=3_600)] = 30.0
    register_s: Annotated[int, Meta(ge=0, le=86_400)] = 0
    no_answer_s: TimerSeconds = 6.0
    no_failover: tuple[StatusCode, ...] = NO_FAILOVER
    identity: CallerIdentity = CallerIdentity.ASSERTED
    srtp: Srtp = Srtp.NO
    numbers: NumberRules = NumberRules()
    allowed_ips: tuple[str, ...] = ()


class CallRoute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[[carrier.call_route]]: numbers that a carrier's trunks reach, by prefix. The smallest
    `priority` is tried first, and `weight` shares calls among equals. `price` is per minute, in US
    dollars.
    """

    prefixes: Annotated[tuple[Prefix, ...], Meta(min_length=1)]
    priority: Annotated[int, Meta(ge=1, le=100)] = 1
    weight: Annotated[int, Meta(ge=1, le=1_000)] = 1
    price: Annotated[float, Meta(ge=0, le=100)] = 0.0
