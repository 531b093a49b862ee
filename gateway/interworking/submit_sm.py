"""Messages as submit_sm, towards carriers and from customers (SMPP v3.4 §4.4)."""

from __future__ import annotations

import msgspec

from gateway.config.carrier import CarrierBind
from gateway.interworking import user_data
from gateway.interworking.addresses import from_smpp, to_smpp
from gateway.interworking.user_data import DATA_CODING, UserData
from gateway.message import Encoding, Message, Receipts
from gateway.smpp import times
from gateway.smpp.constants import CommandStatus, EsmClass, RegisteredDelivery, Tag
from gateway.smpp.errors import PduError
from gateway.smpp.pdus import DataSm, SubmitSm
from gateway.text.segmentation import segment
from gateway.text.udh import concatenation_udh

# The operators of IntFlag take most of a microsecond.
_RECEIPT = int(RegisteredDelivery.RECEIPT)
_RECEIPTS: dict[int, Receipts] = {
    RegisteredDelivery.NONE: Receipts.NONE,
    RegisteredDelivery.ALL: Receipts.ALL,
    RegisteredDelivery.FAILURE: Receipts.FAILURE,
}


class Submission(msgspec.Struct, frozen=True, gc=False):
    """What a customer's submit_sm asks for. `validity_s` is None and `send_at` 0 where not said."""

    sender: str
    recipient: str
    data: UserData
    receipts: Receipts
    validity_s: float | None = None
    send_at: float = 0.0


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


def from_submit_sm(pdu: SubmitSm | DataSm, now: float) -> Submission:
    """What the customer asks for at `now`; a data_sm (§4.7) has its text in message_payload.

    Raises:
        PduError: with the command_status that answers the customer.
    """
    validity_s, send_at, short_message = None, 0.0, b""
    if isinstance(pdu, SubmitSm):
        short_message = pdu.short_message
        if pdu.schedule_delivery_time or pdu.validity_period:
            send_at, validity_s = _times(pdu, now)
    data = user_data.read(pdu.esm_class, pdu.data_coding, short_message, pdu.tlvs)
    return Submission(
        sender=from_smpp(pdu.source_addr_ton, pdu.source_addr),
        recipient=from_smpp(pdu.dest_addr_ton, pdu.destination_addr),
        data=data,
        receipts=_RECEIPTS.get(pdu.registered_delivery & _RECEIPT, Receipts.ALL),
        validity_s=validity_s,
        send_at=send_at,
    )


def _times(pdu: SubmitSm, now: float) -> tuple[float, float | None]:
    """When to send, 0 for at once, and for how long it is valid from then."""
    send_at, validity_s = 0.0, None
    if pdu.schedule_delivery_time:
        try:
            send_at = times.parse(pdu.schedule_delivery_time, now)
        except times.TimeError as error:
            raise PduError(str(error), CommandStatus.ESME_RINVSCHED) from None
        send_at = send_at if send_at > now else 0.0
    if pdu.validity_period:
        try:
            validity_s = times.parse(pdu.validity_period, now) - (send_at or now)
        except times.TimeError as error:
            raise PduError(str(error), CommandStatus.ESME_RINVEXPIRY) from None
        if validity_s <= 0:
            raise PduError("the validity_period has passed", CommandStatus.ESME_RINVEXPIRY)
    return send_at, validity_s
