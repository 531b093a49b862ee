"""Receipts and inbound messages as deliver_sm, from carriers and towards customers (SMPP v3.4
§4.6); a carrier may send either in a data_sm as well (§4.7).
"""

from __future__ import annotations

import msgspec

from gateway.config.dialect import PLAIN, Dialect
from gateway.interworking import carrier_addresses, user_data
from gateway.interworking.addresses import from_smpp, to_smpp
from gateway.interworking.dialect_submit_sm import passed
from gateway.interworking.user_data import DATA_CODING, SHORT_MESSAGE_MAX, UserData
from gateway.message import Message, SmppFields, Status
from gateway.smpp import receipt
from gateway.smpp.constants import EsmClass, Tag
from gateway.smpp.pdus import DataSm, DeliverSm
from gateway.smpp.receipt import Receipt

STAT_BY_STATUS: dict[Status, str] = {
    Status.DELIVERED: "DELIVRD",
    Status.UNDELIVERED: "UNDELIV",
    Status.FAILED: "REJECTD",
    Status.CANCELED: "DELETED",
}
# Twilio's codes for a message that expired in its queue.
EXPIRED_CODES = frozenset({30001, 30036})


class MobileOriginated(msgspec.Struct, frozen=True, gc=False):
    """A message from a handset, as the carrier delivered it."""

    sender: str
    recipient: str
    data: UserData
    smpp: SmppFields | None = None


def from_carrier(
    pdu: DeliverSm | DataSm, dialect: Dialect = PLAIN
) -> Receipt | MobileOriginated | None:
    """A receipt if esm_class says so, else a message; None for a receipt that cannot be read.

    Raises:
        PduError: the message cannot be read.
    """
    short_message = pdu.short_message if isinstance(pdu, DeliverSm) else b""
    if receipt.is_receipt(pdu.esm_class):
        text = short_message or pdu.tlvs.get(Tag.MESSAGE_PAYLOAD, b"")
        source_addr, destination_addr = pdu.source_addr, pdu.destination_addr
        if dialect.country_code:
            source_addr, destination_addr = _addresses(pdu, dialect)
        return receipt.parse(
            text,
            pdu.tlvs,
            source_addr,
            destination_addr,
            receipt.is_intermediate(pdu.esm_class),
        )
    sender, recipient = _addresses(pdu, dialect)
    return MobileOriginated(
        sender=sender,
        recipient=recipient,
        data=user_data.read(
            pdu.esm_class,
            pdu.data_coding,
            short_message,
            pdu.tlvs,
            lenient=True,
            alphabet=dialect.default_alphabet,
        ),
        smpp=_fields(pdu, dialect),
    )


def _fields(pdu: DeliverSm | DataSm, dialect: Dialect) -> SmppFields | None:
    """What the carrier says beyond the text, if anything. Its service_type is an affair between
    us and it."""
    protocol_id = priority_flag = 0
    if isinstance(pdu, DeliverSm):
        protocol_id, priority_flag = pdu.protocol_id, pdu.priority_flag
    data_coding = pdu.data_coding if user_data.has_message_class(pdu.data_coding) else None
    tlvs = passed(dialect.tlvs, pdu.tlvs)
    if not (protocol_id or priority_flag or tlvs) and data_coding is None:
        return None
    return SmppFields(
        protocol_id=protocol_id, priority_flag=priority_flag, data_coding=data_coding, tlvs=tlvs
    )


def _addresses(pdu: DeliverSm | DataSm, dialect: Dialect) -> tuple[str, str]:
    """Source and destination as messages have them. Here the handset is the source, and so is
    written as the carrier has its numbers written as destinations."""
    if not dialect.country_code:
        return (
            from_smpp(pdu.source_addr_ton, pdu.source_addr),
            from_smpp(pdu.dest_addr_ton, pdu.destination_addr),
        )
    return (
        carrier_addresses.read(pdu.source_addr_ton, pdu.source_addr, dialect.destination, dialect),
        carrier_addresses.read(pdu.dest_addr_ton, pdu.destination_addr, dialect.source, dialect),
    )


def receipt_for_customer(
    message: Message,
    message_id: str,
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
    stat = carrier_status if carrier_status in receipt.STATE_BY_STAT else STAT_BY_STATUS[status]
    if error_code in EXPIRED_CODES:
        stat = "EXPIRED"
    source_ton, source_npi, source_addr = to_smpp(message.recipient)
    dest_ton, dest_npi, destination_addr = to_smpp(message.sender)
    return DeliverSm(
        source_addr_ton=source_ton,
        source_addr_npi=source_npi,
        source_addr=source_addr,
        dest_addr_ton=dest_ton,
        dest_addr_npi=dest_npi,
        destination_addr=destination_addr,
        esm_class=EsmClass.DELIVERY_RECEIPT,
        short_message=receipt.format_text(
            message_id,
            stat,
            message.accepted_at,
            at,
            carrier_error or f"{error_code % 1000:03d}",
            message.body,
        ),
        tlvs=receipt.tlvs(message_id, stat),
    )


def message_for_customer(message: Message) -> DeliverSm:
    """An inbound message; what is longer than short_message goes as message_payload (§3.2.3)."""
    source_ton, source_npi, source_addr = to_smpp(message.sender)
    dest_ton, dest_npi, destination_addr = to_smpp(message.recipient)
    octets = message.udh + user_data.octets(message)
    long = len(octets) > SHORT_MESSAGE_MAX
    return DeliverSm(
        source_addr_ton=source_ton,
        source_addr_npi=source_npi,
        source_addr=source_addr,
        dest_addr_ton=dest_ton,
        dest_addr_npi=dest_npi,
        destination_addr=destination_addr,
        esm_class=EsmClass.UDHI if message.udh else EsmClass.DEFAULT,
        data_coding=DATA_CODING[message.encoding],
        short_message=b"" if long else octets,
        tlvs={Tag.MESSAGE_PAYLOAD: octets} if long else {},
    )
