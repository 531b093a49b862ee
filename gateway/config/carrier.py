"""Carriers: what they reach and at what price, and the SMPP binds to them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.account import SenderType
from gateway.config.dialect import PLAIN, Dialect, IdFormat
from gateway.config.secrets import PASSWORD_MAX
from gateway.config.sections import SystemId, TimerSeconds, Window
from gateway.config.trunk import CallRoute, CarrierTrunk, Prefix

# Ids become part of names such as `carrier/bind`, in the store and in metrics.
Id = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,31}\Z",
        description="an id of at most 32 small letters, digits, '-' and '_'",
    ),
]
MccMnc = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{3}([0-9]{2,3})?\Z",
        description='an MCC such as "310" or an MCC and MNC such as "310260"',
    ),
]


HostAndPort = Annotated[
    str,
    Meta(
        pattern=r"^(\[[0-9a-fA-F:.]+\]|[^\s:\[\]]+):[1-9][0-9]{0,4}\Z",
        description='"host:port", an IPv6 address in brackets',
    ),
]
# The port that IANA has registered for SMPP.
SMPP_PORT = 2775


class BindType(StrEnum):
    """Which way a bind carries messages (SMPP v3.4 §2.2)."""

    TRANSCEIVER = "transceiver"
    TRANSMITTER = "transmitter"
    RECEIVER = "receiver"


class CarrierRoute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[[carrier.route]]: destinations that a carrier reaches, by prefix, by network, or both.

    `mccmnc` has networks by MCC and MNC, and whole countries by their MCC alone. The smallest
    `priority` is tried first, and `weight` shares traffic among equals. `price` is per segment,
    in US dollars.
    """

    prefixes: tuple[Prefix, ...] = ()
    mccmnc: tuple[MccMnc, ...] = ()
    priority: Annotated[int, Meta(ge=1, le=100)] = 1
    weight: Annotated[int, Meta(ge=1, le=1_000)] = 1
    price: Annotated[float, Meta(ge=0, le=10)] = 0.0
    sender_types: tuple[SenderType, ...] = tuple(SenderType)


class BindTls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[carrier.bind.tls]: TLS towards the carrier, where the table is there.

    Its certificate is verified against `ca_file`, or the system's authorities, and must be that of
    `server_name`, or of the host. `verify = false` takes any certificate, and so protects against
    nobody who stands in between. `cert_file` and `key_file` are ours, where the carrier wants to
    know us.
    """

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    server_name: str = ""
    verify: bool = True


class Outbind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[carrier.bind.outbind]: we listen, and the carrier connects when it has something for us
    (SMPP v3.4 §2.2.1): it sends an outbind with `system_id` and `password`, and we bind over that
    connection. Any other is closed.
    """

    system_id: SystemId
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = SMPP_PORT
    password: Annotated[str, Meta(max_length=PASSWORD_MAX)] | None = None
    password_env: str = ""


class CarrierBind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[[carrier.bind]]: one way to a carrier, known everywhere as `carrier/bind`.

    It is one SMPP session, or as many as `sessions` says: these share the traffic and the rate,
    and the bind is up while one of them is. Where `host` is not reached or does not let us in, the
    `backups` are tried in turn; each time that a session is lost it begins with `host` again.

    `password` stands in the file, or in the environment variable that `password_env` names; after
    `load` it is in `password` either way. `window` is how many submit_sm may await their
    response on one session; `tps` the contract in submit_sm a second, of all together. After
    `enquire_link_s` of silence we ask whether the carrier is alive; after `response_timeout_s`
    without submit_sm_resp the outcome is unknown. `receipts` asks for delivery receipts.
    """

    id: Id
    system_id: SystemId
    host: str = ""
    port: Annotated[int, Meta(ge=1, le=65_535)] = SMPP_PORT
    backups: Annotated[tuple[HostAndPort, ...], Meta(max_length=16)] = ()
    sessions: Annotated[int, Meta(ge=1, le=64)] = 1
    password: Annotated[str, Meta(max_length=PASSWORD_MAX)] | None = None
    password_env: str = ""
    system_type: Annotated[str, Meta(max_length=12)] = ""
    bind_type: BindType = BindType.TRANSCEIVER
    window: Window = 50
    tps: Annotated[float, Meta(ge=0.01, le=100_000)] = 100.0
    enquire_link_s: TimerSeconds = 30.0
    response_timeout_s: TimerSeconds = 10.0
    receipts: bool = True
    tls: BindTls | None = None
    outbind: Outbind | None = None
    dialect: Dialect = PLAIN


class Carrier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[[carrier]]: a company that carries messages, over one bind or several.

    `response_id` and `receipt_id` are how it writes its message_id in a submit_sm_resp and in a
    receipt: `exact` is the same octets in both, `hex` and `decimal` are numbers, and `auto` finds
    it out from what comes. A receipt is never given to a message by a guess.
    """

    id: Id
    routes: tuple[CarrierRoute, ...] = msgspec.field(name="route", default=())
    binds: tuple[CarrierBind, ...] = msgspec.field(name="bind", default=())
    trunks: tuple[CarrierTrunk, ...] = msgspec.field(name="trunk", default=())
    call_routes: tuple[CallRoute, ...] = msgspec.field(name="call_route", default=())
    name: str = ""
    response_id: IdFormat = IdFormat.EXACT
    receipt_id: IdFormat = IdFormat.EXACT
    dialect: Dialect = PLAIN
