"""Messages as submit_sm, towards carriers (SMPP v3.4 §4.4)."""

from __future__ import annotations

from gateway.config.carrier import CarrierBind
from gateway.config.dialect import PLAIN
from gateway.interworking import dialect_submit_sm, user_data
from gateway.interworking.addresses import to_smpp
from gateway.interworking.user_data import DATA_CODING
from gateway.message import Encoding, Message
from gateway.smpp.constants import DataCoding, EsmClass, RegisteredDelivery
from gateway.smpp.pdus import SubmitSm
from gateway.text.segmentation import segmented

# Members of enums take a tenth of a microsecond each.
_UDHI = int(EsmClass.UDHI)
_GSM_7BIT = Encoding.GSM_7BIT
_BINARY = Encoding.BINARY
_DEFAULT_ALPHABET = int(DataCoding.DEFAULT_ALPHABET)
_RECEIPTS = {True: int(RegisteredDelivery.ALL), False: int(RegisteredDelivery.NONE)}


def parts(message: Message) -> tuple[bytes, ...]:
    """The short_message of each part, user data header included: what `segments` counted."""
    if message.udh or message.encoding is _BINARY:
        return (message.udh + user_data.octets(message),)
    return segmented(
        message.body,
        message.concat_ref,
        message.ref_bits,
        message.locking_shift,
        message.single_shift,
    )


def to_submit_sm(
    message: Message, short_message: bytes, config: CarrierBind, now: float
) -> SubmitSm:
    """One part of a message, as `parts` has it, for a carrier. The bind's configuration says how
    that differs, and whether receipts are asked for, which is then for all of them.

    Raises:
        CannotCarry: this carrier's alphabet cannot say it in so many parts.
    """
    if config.dialect is not PLAIN or message.smpp is not None:
        return dialect_submit_sm.part(message, short_message, config, now)
    source_ton, source_npi, source_addr = to_smpp(message.sender)
    dest_ton, dest_npi, destination_addr = to_smpp(message.recipient)
    headed = message.segments > 1 or message.udh or message.locking_shift or message.single_shift
    encoding = message.encoding
    return SubmitSm(
        "",
        source_ton,
        source_npi,
        source_addr,
        dest_ton,
        dest_npi,
        destination_addr,
        _UDHI if headed else 0,
        registered_delivery=_RECEIPTS[config.receipts],
        data_coding=_DEFAULT_ALPHABET if encoding is _GSM_7BIT else DATA_CODING[encoding],
        short_message=short_message,
    )


def whole_submit_sm(message: Message, config: CarrierBind, now: float) -> SubmitSm:
    """A text of several parts as one submit_sm, all of it in message_payload (§3.2.3)."""
    return dialect_submit_sm.whole(message, config, now)
