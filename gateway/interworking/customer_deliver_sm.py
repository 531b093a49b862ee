"""Receipts, intermediate notifications and inbound messages as deliver_sm, towards customers (SMPP
v3.4 §4.6).
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from gateway.clock import message_sid
from gateway.interworking import user_data
from gateway.interworking.addresses import to_octets, to_smpp
from gateway.interworking.esme_message_id import esme_message_id
from gateway.interworking.user_data import DATA_CODING, SHORT_MESSAGE_MAX
from gateway.message import Encoding, Message, Status
from gateway.smpp import receipt
from gateway.smpp.constants import DataCoding, EsmClass, Tag
from gateway.smpp.errors import FieldError
from gateway.smpp.pdus import DeliverSm, WrittenDeliverSm
from gateway.text.errors import TextError
from gateway.text.segmentation import TextEncoding, segment
from gateway.text.udh import concatenation_udh

STAT_BY_STATUS: dict[Status, str] = {
    Status.DELIVERED: "DELIVRD",
    Status.UNDELIVERED: "UNDELIV",
    Status.FAILED: "REJECTD",
    Status.CANCELED: "DELETED",
}
# Twilio's codes for a message that expired in its queue.
EXPIRED_CODES = frozenset({30001, 30036})
# Members of enums take a tenth of a microsecond each.
_DELIVERY_RECEIPT = int(EsmClass.DELIVERY_RECEIPT)
_INTERMEDIATE = int(EsmClass.INTERMEDIATE_NOTIFICATION)
# The user data of one part behind a concatenation header (23.040 §9.2.3.24).
PART_OCTETS = 134
PARTS_MAX = 255

# An address with its `+`, as E.164 and sender ids are; a field has room for longer ones.
ADDRESS_MAX = 20
# Senders are few and come again, which recipients need not.
SENDERS_CACHED_MAX = 4_096
_sender_octets = lru_cache(SENDERS_CACHED_MAX)(to_octets)
# A receipt as §4.6.1 has it, of one octet each what is always the same: service_type; addresses;
# esm_class to sm_default_msg_id; short_message; receipted_message_id and message_state.
_WRITTEN = (
    b"\0%b%b"
    + bytes((_DELIVERY_RECEIPT, 0, 0, 0, 0, 0, 0, 0, 0))
    + b"%c%b"
    + int(Tag.RECEIPTED_MESSAGE_ID).to_bytes(2, "big")
    + b"\0%c%b\0"
    + int(Tag.MESSAGE_STATE).to_bytes(2, "big")
    + b"\0\1%b"
)


def stat_of(status: Status, error_code: int = 0, carrier_status: str = "") -> str:
    """The final status in the words of Appendix B: the carrier's where it gave any that customers
    know."""
    if error_code in EXPIRED_CODES:
        return "EXPIRED"
    return carrier_status if carrier_status in receipt.STATE_BY_STAT else STAT_BY_STATUS[status]


def receipt_for_customer(
    message: Message,
    status: Status,
    at: float,
    error_code: int = 0,
    carrier_status: str = "",
    carrier_error: str = "",
) -> DeliverSm:
    """The receipt of a message in a final status: addresses swapped (5.0 §4.3.5.1), in text and
    TLVs. The carrier's own words go through where there are any; else `err` is the last three
    digits of our error code.
    """
    stat = stat_of(status, error_code, carrier_status)
    err = carrier_error or (f"{error_code % 1000:03d}" if error_code else "000")
    return _receipt(message, _DELIVERY_RECEIPT, stat, err, at)


def written_receipt_for_customer(
    message: Message,
    status: Status,
    at: float,
    error_code: int = 0,
    carrier_status: str = "",
    carrier_error: str = "",
) -> WrittenDeliverSm | None:
    """The same receipt in half of the time, without a value for each field between; None where it
    has more to say than nearly all have."""
    source, destination = message.recipient, message.sender
    if message.smpp or len(source) > ADDRESS_MAX or len(destination) > ADDRESS_MAX:
        return None
    stat = stat_of(status, error_code, carrier_status)
    err = carrier_error or (f"{error_code % 1000:03d}" if error_code else "000")
    message_id = message_sid(message.id)
    text = receipt.format_text(message_id, stat, message.accepted_at, at, err, message.body)
    if len(text) > SHORT_MESSAGE_MAX:
        return None
    body = _WRITTEN % (
        to_octets(source),
        _sender_octets(destination),
        len(text),
        text,
        len(message_id) + 1,
        message_id.encode("ascii"),
        receipt.MESSAGE_STATES[stat],
    )
    return WrittenDeliverSm(body)


def intermediate_for_customer(message: Message, stat: str, err: str, at: float) -> DeliverSm:
    """An intermediate notification (§5.2.12): where the message stands, which is not its end."""
    known = stat if stat in receipt.STATE_BY_STAT else "ENROUTE"
    return _receipt(message, _INTERMEDIATE, known, err or "000", at)


def _receipt(message: Message, esm_class: int, stat: str, err: str, at: float) -> DeliverSm:
    message_id = esme_message_id(message)
    source_ton, source_npi, source_addr = to_smpp(message.recipient)
    dest_ton, dest_npi, destination_addr = to_smpp(message.sender)
    tlvs = receipt.tlvs(message_id, stat)
    if message.smpp:
        reference = message.smpp.tlvs.get(Tag.USER_MESSAGE_REFERENCE)
        if reference:
            tlvs[Tag.USER_MESSAGE_REFERENCE] = reference
    return DeliverSm(
        "",
        source_ton,
        source_npi,
        source_addr,
        dest_ton,
        dest_npi,
        destination_addr,
        esm_class,
        short_message=receipt.format_text(
            message_id, stat, message.accepted_at, at, err, message.body
        ),
        tlvs=tlvs,
    )


def message_for_customer(message: Message) -> DeliverSm:
    """An inbound message, with what the carrier said of it besides; what is longer than
    short_message goes as message_payload (§3.2.3)."""
    octets = message.udh + user_data.octets(message)
    long = len(octets) > SHORT_MESSAGE_MAX
    pdu = _inbound(
        message,
        EsmClass.UDHI if message.udh else EsmClass.DEFAULT,
        DATA_CODING[message.encoding],
        b"" if long else octets,
    )
    smpp = message.smpp
    if smpp is None:
        return msgspec.structs.replace(pdu, tlvs={Tag.MESSAGE_PAYLOAD: octets}) if long else pdu
    return msgspec.structs.replace(
        pdu,
        service_type=smpp.service_type,
        protocol_id=smpp.protocol_id,
        priority_flag=smpp.priority_flag,
        data_coding=pdu.data_coding if smpp.data_coding is None else smpp.data_coding,
        tlvs=smpp.tlvs | {Tag.MESSAGE_PAYLOAD: octets} if long else smpp.tlvs,
    )


def without_tlvs(message: Message) -> tuple[DeliverSm, ...]:
    """An inbound message for an ESME of SMPP v3.3, to whom no TLV may go (§3.4): one too long for
    short_message is cut into parts with a header.

    Raises:
        FieldError: it has a header of its own and is too long all the same.
    """
    pdu = message_for_customer(message)
    if Tag.MESSAGE_PAYLOAD not in pdu.tlvs:
        return (msgspec.structs.replace(pdu, tlvs={}),)
    coding, parts = _cut(message)
    if message.udh or len(parts) > PARTS_MAX:
        raise FieldError("too long for an ESME of SMPP v3.3")
    header = (message.id & 0xFF, len(parts))
    return tuple(
        _inbound(message, EsmClass.UDHI, coding, concatenation_udh(*header, number) + part)
        for number, part in enumerate(parts, 1)
    )


def _cut(message: Message) -> tuple[int, tuple[bytes, ...]]:
    """Its data_coding and its parts."""
    if message.encoding is Encoding.BINARY:
        octets = message.octets
        starts = range(0, len(octets), PART_OCTETS)
        return DataCoding.OCTETS, tuple(octets[at : at + PART_OCTETS] for at in starts)
    try:
        text = segment(message.body)
    except TextError as error:
        raise FieldError(str(error)) from None
    gsm = text.encoding is TextEncoding.GSM_7BIT
    return (DataCoding.DEFAULT_ALPHABET if gsm else DataCoding.UCS2), text.parts


def _inbound(message: Message, esm_class: int, data_coding: int, short_message: bytes) -> DeliverSm:
    source_ton, source_npi, source_addr = to_smpp(message.sender)
    dest_ton, dest_npi, destination_addr = to_smpp(message.recipient)
    return DeliverSm(
        source_addr_ton=source_ton,
        source_addr_npi=source_npi,
        source_addr=source_addr,
        dest_addr_ton=dest_ton,
        dest_addr_npi=dest_npi,
        destination_addr=destination_addr,
        esm_class=esm_class,
        data_coding=data_coding,
        short_message=short_message,
    )
