"""How one carrier's SMPP differs from what the specification leaves open."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta


class DefaultAlphabet(StrEnum):
    """What data_coding 0, the "SMSC default alphabet", means there (SMPP v3.4 §5.2.19)."""

    GSM = "gsm"
    GSM_PACKED = "gsm-packed"
    LATIN_1 = "latin-1"
    ASCII = "ascii"


class Concatenation(StrEnum):
    """How a text that needs several parts is written; never in two of these ways at once."""

    UDH = "udh"
    SAR = "sar"
    PAYLOAD = "payload"


class ValidityForm(StrEnum):
    """How validity_period is written, if it is (SMPP v3.4 §7.1.1)."""

    NONE = "none"
    RELATIVE = "relative"
    ABSOLUTE = "absolute"


class PassedTlvs(StrEnum):
    """Which TLVs of a customer's the carrier gets; vendor-specific tags begin at 0x1400."""

    NONE = "none"
    STANDARD = "standard"
    ALL = "all"


class IdFormat(StrEnum):
    """How a carrier writes its message_id, in a submit_sm_resp or in a receipt."""

    AUTO = "auto"
    EXACT = "exact"
    HEX = "hex"
    DECIMAL = "decimal"


Octet = Annotated[int, Meta(ge=0, le=255)]
NumberPrefix = Annotated[
    str, Meta(pattern=r"^\+?[0-9]{0,4}\Z", description='"+", or at most 4 digits, or nothing')
]


class AddressForms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[carrier.dialect.source] and [carrier.dialect.destination]: TON and NPI by kind of address
    (SMPP v3.4 §5.2.5, §5.2.6), and what stands before the digits of a number.

    A number is `national` where it begins with the dialect's `country_code`, which is then left
    out; every other number is `international`.
    """

    international_ton: Octet = 1
    international_npi: Octet = 1
    international_prefix: NumberPrefix = ""
    national_ton: Octet = 2
    national_npi: Octet = 1
    national_prefix: NumberPrefix = ""
    short_code_ton: Octet = 3
    short_code_npi: Octet = 0
    alphanumeric_ton: Octet = 5
    alphanumeric_npi: Octet = 0


class ConstantTlv(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[[carrier.dialect.tlv]]: a TLV that each submit_sm to this carrier has, as some want their
    campaign or contract named. `value` is hexadecimal.
    """

    tag: Annotated[int, Meta(ge=1, le=0xFFFF)]
    value: Annotated[
        str,
        Meta(
            pattern=r"^([0-9a-fA-F]{2}){0,255}\Z",
            description="at most 255 octets as hexadecimal digits",
        ),
    ] = ""


class Dialect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[carrier.dialect]: how the carrier wants submit_sm written and how it writes what it
    delivers. A bind may have one of its own, [carrier.bind.dialect], instead.

    `default_alphabet` is what data_coding 0 means there: `gsm` is one septet an octet,
    `gsm-packed` eight septets in seven octets (3GPP TS 23.038 §6.1.2.1). A text that does not fit
    `latin-1` or `ascii` goes as UCS-2 where that takes no further part, and else over another
    bind; nothing becomes a `?`.

    `concatenation` is that of texts of several parts: a user data header, the three SAR TLVs, or
    one submit_sm with all of it in message_payload.

    `service_type` is said of every message: the one that a customer says names a service of ours.
    `priority` and `protocol_id` are the customer's unless they are given here. `validity` passes on
    what is left of a message's own time. `tlvs` are those of the customer's that are passed on.

    `country_code`: numbers that begin with it are national, in both directions.
    """

    default_alphabet: DefaultAlphabet = DefaultAlphabet.GSM
    concatenation: Concatenation = Concatenation.UDH
    service_type: Annotated[str, Meta(max_length=5)] = ""
    priority: Annotated[int, Meta(ge=0, le=3)] | None = None
    protocol_id: Octet | None = None
    validity: ValidityForm = ValidityForm.NONE
    tlvs: PassedTlvs = PassedTlvs.NONE
    country_code: Annotated[
        str, Meta(pattern=r"^([1-9][0-9]{0,2})?\Z", description="the 1 to 3 digits of a country")
    ] = ""
    source: AddressForms = AddressForms()
    destination: AddressForms = AddressForms()
    constant_tlvs: tuple[ConstantTlv, ...] = msgspec.field(name="tlv", default=())


# Of carriers that need none; compared by identity where every submit_sm passes.
PLAIN = Dialect()
