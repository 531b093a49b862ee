"""Receipts and inbound messages as deliver_sm, from carriers (SMPP v3.4 §4.6), who may send either
in a data_sm as well (§4.7).
"""

from __future__ import annotations

import msgspec

from gateway.config.dialect import PLAIN, Dialect
from gateway.interworking import carrier_addresses, user_data
from gateway.interworking.addresses import from_smpp
from gateway.interworking.dialect_submit_sm import passed
from gateway.interworking.user_data import UserData
from gateway.message import SmppFields
from gateway.smpp import receipt
from gateway.smpp.constants import Tag
from gateway.smpp.pdus import DataSm, DeliverSm
from gateway.smpp.receipt import Receipt


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
    esm_class = pdu.esm_class
    if esm_class and receipt.is_receipt(esm_class):
        text = short_message or pdu.tlvs.get(Tag.MESSAGE_PAYLOAD, b"")
        source_addr, destination_addr = pdu.source_addr, pdu.destination_addr
        if dialect.country_code:
            source_addr, destination_addr = _addresses(pdu, dialect)
        return receipt.parse(
            text,
            pdu.tlvs,
            source_addr,
            destination_addr,
            receipt.is_intermediate(esm_class),
        )
    sender, recipient = _addresses(pdu, dialect)
    data = user_data.read(
        esm_class,
        pdu.data_coding,
        short_message,
        pdu.tlvs,
        lenient=True,
        alphabet=dialect.default_alphabet,
    )
    return MobileOriginated(sender, recipient, data, _fields(pdu, data, dialect))


def _fields(pdu: DeliverSm | DataSm, data: UserData, dialect: Dialect) -> SmppFields | None:
    """What the carrier says beyond the text, if anything. Its service_type is an affair between
    us and it."""
    protocol_id = priority_flag = 0
    if isinstance(pdu, DeliverSm):
        protocol_id, priority_flag = pdu.protocol_id, pdu.priority_flag
    data_coding = user_data.message_class(pdu.data_coding, data.encoding)
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
