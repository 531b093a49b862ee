"""Messages as submit_sm, towards carriers and from customers (SMPP v3.4 §4.4)."""

from __future__ import annotations

import msgspec

from gateway.config.carrier import CarrierBind
from gateway.config.dialect import PLAIN
from gateway.interworking import dialect_submit_sm, user_data
from gateway.interworking.addresses import from_smpp, to_smpp
from gateway.interworking.user_data import DATA_CODING, UserData
from gateway.message import Encoding, Message, Receipts
from gateway.smpp import times
from gateway.smpp.constants import CommandStatus, EsmClass, RegisteredDelivery
from gateway.smpp.errors import PduError
from gateway.smpp.pdus import DataSm, SubmitSm
from gateway.text.segmentation import segmented

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
    return SubmitSm(
        source_addr_ton=source_ton,
        source_addr_npi=source_npi,
        source_addr=source_addr,
        dest_addr_ton=dest_ton,
        dest_addr_npi=dest_npi,
        destination_addr=destination_addr,
        esm_class=EsmClass.UDHI if headed else EsmClass.DEFAULT,
        registered_delivery=RegisteredDelivery.ALL if config.receipts else RegisteredDelivery.NONE,
        data_coding=DATA_CODING[message.encoding],
        short_message=short_message,
    )


def whole_submit_sm(message: Message, config: CarrierBind, now: float) -> SubmitSm:
    """A text of several parts as one submit_sm, all of it in message_payload (§3.2.3)."""
    return dialect_submit_sm.whole(message, config, now)


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
