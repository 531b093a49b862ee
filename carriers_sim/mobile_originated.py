"""Messages from handsets as deliver_sm (SMPP v3.4 §4.6.1), in as many parts as they need, and in
the forms in which message centres deliver them, right and wrong.
"""

from __future__ import annotations

from enum import StrEnum
from random import Random
from typing import Annotated

import msgspec

from carriers_sim.address import parse
from gateway.smpp import codec
from gateway.smpp.constants import DataCoding, EsmClass, Tag
from gateway.smpp.errors import FieldError
from gateway.smpp.pdus import AlertNotification, DeliverSm
from gateway.text.segmentation import TextEncoding, concatenation_udh, segment

# As segment() cuts UCS-2 and octets: 140 less the header.
PART_OCTETS = {8: 134, 16: 133}
SINGLE_OCTETS = 140


class HandsetEncoding(StrEnum):
    """`auto` is GSM 03.38 where the text allows, else UCS-2; `binary` reads the body as hex."""

    AUTO = "auto"
    GSM = "gsm"
    LATIN_1 = "latin1"
    UCS2 = "ucs2"
    BINARY = "binary"


class Concatenation(StrEnum):
    """How the parts of a long message say that they belong together."""

    UDH_8 = "udh8"
    UDH_16 = "udh16"
    SAR = "sar"
    PAYLOAD = "payload"


class PartOrder(StrEnum):
    SENT = "sent"
    REVERSED = "reversed"
    SHUFFLED = "shuffled"


class MobileOriginated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message from a handset, and what goes wrong with it on its way.

    `missing` parts never come, `duplicated` parts come twice. `udh_surplus` is added to the
    header's length and so makes it wrong. `esm_class` sets more bits: a text that looks like a
    receipt is one with 0x04, and without it is none.
    """

    sender: Annotated[str, msgspec.Meta(min_length=1)] = msgspec.field(name="from")
    recipient: Annotated[str, msgspec.Meta(min_length=1)] = msgspec.field(name="to")
    body: str
    encoding: HandsetEncoding = HandsetEncoding.AUTO
    concatenation: Concatenation = Concatenation.UDH_8
    order: PartOrder = PartOrder.SENT
    missing: tuple[int, ...] = ()
    duplicated: tuple[int, ...] = ()
    udh_surplus: Annotated[int, msgspec.Meta(ge=-5, le=200)] = 0
    esm_class: Annotated[int, msgspec.Meta(ge=0, le=255)] = 0


def deliver_sms(message: MobileOriginated, reference: int, chance: Random) -> list[DeliverSm]:
    """The parts in the order in which they come; `reference`, of 8 bits, tells several parts from
    another message's.

    Raises:
        ValueError: an address or the text cannot be carried.
    """
    data_coding, parts = _encoded(message)
    if message.concatenation is Concatenation.PAYLOAD:
        parts = [b"".join(parts)]
    total = len(parts)
    if total > 255:
        raise ValueError(f"the message has {total} parts, and 255 are the most")
    pdus = [
        _part(message, data_coding, part, reference, total, number)
        for number, part in enumerate(parts, start=1)
    ]
    numbered = list(enumerate(pdus, start=1))
    match message.order:
        case PartOrder.REVERSED:
            numbered.reverse()
        case PartOrder.SHUFFLED:
            chance.shuffle(numbered)
        case PartOrder.SENT:
            pass
    return [
        pdu
        for number, pdu in numbered
        if number not in message.missing
        for _ in range(2 if number in message.duplicated else 1)
    ]


def alert_notification(handset: str, esme: str) -> AlertNotification:
    """The handset is there again (§4.12)."""
    source, destination = parse(handset), parse(esme)
    return AlertNotification(
        source_addr_ton=source.ton,
        source_addr_npi=source.npi,
        source_addr=source.digits,
        esme_addr_ton=destination.ton,
        esme_addr_npi=destination.npi,
        esme_addr=destination.digits,
    )


def _encoded(message: MobileOriginated) -> tuple[int, list[bytes]]:
    """The data_coding, and the user data of each part."""
    ref_bits = 16 if message.concatenation is Concatenation.UDH_16 else 8
    body = message.body
    match message.encoding:
        case HandsetEncoding.AUTO:
            segmented = segment(body, ref_bits=ref_bits)
            ucs2 = segmented.encoding is TextEncoding.UCS2
            coding = DataCoding.UCS2 if ucs2 else DataCoding.DEFAULT_ALPHABET
            return coding, list(segmented.parts)
        case HandsetEncoding.GSM:
            segmented = segment(body, ref_bits=ref_bits)
            if segmented.encoding is TextEncoding.UCS2:
                raise ValueError("the body has characters that GSM 03.38 does not")
            return DataCoding.DEFAULT_ALPHABET, list(segmented.parts)
        case HandsetEncoding.LATIN_1:
            return DataCoding.LATIN_1, _cut(body.encode("latin-1"), ref_bits)
        case HandsetEncoding.UCS2:
            return DataCoding.UCS2, _cut(body.encode("utf-16-be"), ref_bits)
        case HandsetEncoding.BINARY:
            return DataCoding.OCTETS, _cut(bytes.fromhex(body), ref_bits)


def _cut(octets: bytes, ref_bits: int) -> list[bytes]:
    """Cut hard, through surrogate pairs too, as some message centres do."""
    if len(octets) <= SINGLE_OCTETS:
        return [octets]
    size = PART_OCTETS[ref_bits] // 2 * 2
    return [octets[at : at + size] for at in range(0, len(octets), size)]


def _part(
    message: MobileOriginated,
    data_coding: int,
    octets: bytes,
    reference: int,
    total: int,
    number: int,
) -> DeliverSm:
    source, destination = parse(message.sender), parse(message.recipient)
    header, tlvs = b"", dict[int, bytes]()
    match message.concatenation:
        case Concatenation.PAYLOAD:
            tlvs[Tag.MESSAGE_PAYLOAD] = octets
            octets = b""
        case Concatenation.SAR if total > 1:
            tlvs[Tag.SAR_MSG_REF_NUM] = reference.to_bytes(2, "big")
            tlvs[Tag.SAR_TOTAL_SEGMENTS] = bytes([total])
            tlvs[Tag.SAR_SEGMENT_SEQNUM] = bytes([number])
        case Concatenation.UDH_8 | Concatenation.UDH_16 if total > 1:
            ref_bits = 16 if message.concatenation is Concatenation.UDH_16 else 8
            header = concatenation_udh(reference, total, number, ref_bits)
        case _:
            pass
    if message.udh_surplus:
        header = header or bytes([0])
        header = bytes([max(0, header[0] + message.udh_surplus)]) + header[1:]
    pdu = DeliverSm(
        source_addr_ton=source.ton,
        source_addr_npi=source.npi,
        source_addr=source.digits,
        dest_addr_ton=destination.ton,
        dest_addr_npi=destination.npi,
        destination_addr=destination.digits,
        esm_class=(EsmClass.UDHI if header else EsmClass.DEFAULT) | message.esm_class,
        data_coding=data_coding,
        short_message=header + octets,
        tlvs=tlvs,
    )
    try:
        codec.encode(pdu, 1)
    except (FieldError, UnicodeEncodeError) as error:
        raise ValueError(str(error)) from None
    return pdu
