"""Receipts and inbound messages as deliver_sm, from carriers (SMPP v3.4 §4.6), who may send either
in a data_sm as well (§4.7).
"""

from __future__ import annotations

import msgspec

from gateway.interworking import user_data
from gateway.interworking.addresses import from_smpp
from gateway.interworking.user_data import UserData
from gateway.smpp import receipt
from gateway.smpp.constants import Tag
from gateway.smpp.pdus import DataSm, DeliverSm
from gateway.smpp.receipt import Receipt


class MobileOriginated(msgspec.Struct, frozen=True, gc=False):
    """A message from a handset, as the carrier delivered it."""

    sender: str
    recipient: str
    data: UserData


def from_carrier(pdu: DeliverSm | DataSm) -> Receipt | MobileOriginated | None:
    """A receipt if esm_class says so, else a message; None for a receipt that cannot be read.

    Raises:
        PduError: the message cannot be read.
    """
    short_message = pdu.short_message if isinstance(pdu, DeliverSm) else b""
    if receipt.is_receipt(pdu.esm_class):
        text = short_message or pdu.tlvs.get(Tag.MESSAGE_PAYLOAD, b"")
        return receipt.parse(text, pdu.tlvs, pdu.source_addr, pdu.destination_addr)
    return MobileOriginated(
        sender=from_smpp(pdu.source_addr_ton, pdu.source_addr),
        recipient=from_smpp(pdu.dest_addr_ton, pdu.destination_addr),
        data=user_data.read(pdu.esm_class, pdu.data_coding, short_message, pdu.tlvs, lenient=True),
    )
