"""Carriers: what they reach and at what price, and the SMPP binds to them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.account import SenderType
from gateway.config.secrets import PASSWORD_MAX
from gateway.config.sections import SystemId, TimerSeconds, Window

# Ids become part of names such as `carrier/bind`, in the store and in metrics.
Id = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,31}\Z",
        description="an id of at most 32 small letters, digits, '-' and '_'",
    ),
]
Prefix = Annotated[
    str,
    Meta(pattern=r"^[1-9][0-9]{0,14}\Z", description='1 to 15 digits of E.164 without "+"'),
]
MccMnc = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{3}([0-9]{2,3})?\Z",
        description='an MCC such as "310" or an MCC and MNC such as "310260"',
    ),
]


class BindType(StrEnum):
    """Which way a bind carries messages (SMPP v3.4 §2.2)."""

    TRANSCEIVER = "transceiver"
    TRANSMITTER = "transmitter"
    RECEIVER = "receiver"


class Concatenation(StrEnum):
    """How a text of several segments reaches the carrier: as parts with a user data header (3GPP
    TS 23.040 §9.2.3.24.1) or with the SAR TLVs (SMPP v3.4 §5.3.2.22), or whole in message_payload
    (§5.3.2.32)."""

    UDH = "udh"
    SAR = "sar"
    PAYLOAD = "payload"


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


class CarrierBind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[[carrier.bind]]: one SMPP session with a carrier, known everywhere as `carrier/bind`.

    `password` stands in the file, or in the environment variable that `password_env` names; after
    `load` it is in `password` either way. `window` is how many submit_sm may await their
    response; `tps` the contract in submit_sm a second. After `enquire_link_s` of silence we ask
    whether the carrier is alive; after `response_timeout_s` without submit_sm_resp the outcome is
    unknown. `receipts` asks for delivery receipts. `concatenation` says how texts of several
    segments are sent.
    """

    id: Id
    host: Annotated[str, Meta(min_length=1)]
    port: Annotated[int, Meta(ge=1, le=65_535)]
    system_id: SystemId
    password: Annotated[str, Meta(max_length=PASSWORD_MAX)] | None = None
    password_env: str = ""
    system_type: Annotated[str, Meta(max_length=12)] = ""
    bind_type: BindType = BindType.TRANSCEIVER
    window: Window = 50
    tps: Annotated[float, Meta(ge=0.01, le=100_000)] = 100.0
    enquire_link_s: TimerSeconds = 30.0
    response_timeout_s: TimerSeconds = 10.0
    receipts: bool = True
    concatenation: Concatenation = Concatenation.UDH


class Carrier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[[carrier]]: a company that carries messages, over one bind or several."""

    id: Id
    binds: Annotated[tuple[CarrierBind, ...], Meta(min_length=1)] = msgspec.field(name="bind")
    routes: Annotated[tuple[CarrierRoute, ...], Meta(min_length=1)] = msgspec.field(name="route")
    name: str = ""
