"""Messages from handsets as deliver_sm (SMPP v3.4 §4.6.1), in as many parts as they need."""

from __future__ import annotations

from carriers_sim.address import parse
from gateway.smpp import codec
from gateway.smpp.constants import DataCoding, EsmClass
from gateway.smpp.errors import FieldError
from gateway.smpp.pdus import DeliverSm
from gateway.text.segmentation import TextEncoding, concatenation_udh, segment


def deliver_sms(sender: str, recipient: str, body: str, reference: int) -> list[DeliverSm]:
    """The parts in order; `reference`, of 8 bits, tells several parts from another message's.

    Raises:
        ValueError: an address or the text cannot be carried.
    """
    segmented = segment(body)
    total = len(segmented.parts)
    source, destination = parse(sender), parse(recipient)
    ucs2 = segmented.encoding is TextEncoding.UCS2
    pdus = []
    for number, part in enumerate(segmented.parts, start=1):
        header = concatenation_udh(reference, total, number) if total > 1 else b""
        pdu = DeliverSm(
            source_addr_ton=source.ton,
            source_addr_npi=source.npi,
            source_addr=source.digits,
            dest_addr_ton=destination.ton,
            dest_addr_npi=destination.npi,
            destination_addr=destination.digits,
            esm_class=EsmClass.UDHI if header else EsmClass.DEFAULT,
            data_coding=DataCoding.UCS2 if ucs2 else DataCoding.DEFAULT_ALPHABET,
            short_message=header + part,
        )
        try:
            codec.encode(pdu, 1)
        except (FieldError, UnicodeEncodeError) as error:
            raise ValueError(str(error)) from None
        pdus.append(pdu)
    return pdus
