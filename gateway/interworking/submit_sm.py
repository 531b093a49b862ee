"""Messages as submit_sm, towards carriers (SMPP v3.4 §4.4)."""

from __future__ import annotations

import msgspec

from gateway.config.carrier import CarrierBind
from gateway.interworking import user_data
from gateway.interworking.addresses import to_smpp
from gateway.interworking.user_data import DATA_CODING
from gateway.message import Encoding, Message
from gateway.smpp.constants import EsmClass, RegisteredDelivery, Tag
from gateway.smpp.pdus import SubmitSm
from gateway.text.segmentation import segment
from gateway.text.udh import concatenation_udh


def parts(message: Message) -> tuple[bytes, ...]:
    """The short_message of each part, user data header included: what `segments` counted."""
    if message.udh or message.encoding is Encoding.BINARY:
        return (message.udh + user_data.octets(message),)
    texts = segment(message.body).parts
    if len(texts) == 1:
        return texts
    ref, total = message.concat_ref & 0xFF, len(texts)
    return tuple(
        concatenation_udh(ref, total, number) + text for number, text in enumerate(texts, 1)
    )


def to_submit_sm(message: Message, short_message: bytes, receipts: bool) -> SubmitSm:
    """One part of a message for a carrier; `receipts` asks for all of them."""
    source_ton, source_npi, source_addr = to_smpp(message.sender)
    dest_ton, dest_npi, destination_addr = to_smpp(message.recipient)
    concatenated = message.segments > 1 or bool(message.udh)
    return SubmitSm(
        source_addr_ton=source_ton,
        source_addr_npi=source_npi,
        source_addr=source_addr,
        dest_addr_ton=dest_ton,
        dest_addr_npi=dest_npi,
        destination_addr=destination_addr,
        esm_class=EsmClass.UDHI if concatenated else EsmClass.DEFAULT,
        registered_delivery=RegisteredDelivery.ALL if receipts else RegisteredDelivery.NONE,
        data_coding=DATA_CODING[message.encoding],
        short_message=short_message,
    )


def whole_submit_sm(message: Message, config: CarrierBind) -> SubmitSm:
    """A message of several segments for a carrier that cuts it up itself (§5.3.2.32)."""
    octets = user_data.octets(message)
    pdu = to_submit_sm(message, b"", config.receipts)
    return msgspec.structs.replace(
        pdu, esm_class=EsmClass.DEFAULT, tlvs={Tag.MESSAGE_PAYLOAD: octets}
    )
