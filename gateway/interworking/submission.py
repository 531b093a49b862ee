"""What an ESME asks for with submit_sm, submit_multi or data_sm (SMPP v3.4 §4.4, §4.5, §4.7)."""

from __future__ import annotations

import msgspec

from gateway.interworking import user_data
from gateway.interworking.addresses import from_smpp
from gateway.interworking.passed_tlvs import passed_tlvs
from gateway.interworking.user_data import SHORT_MESSAGE_MAX, UserData
from gateway.message import Receipts, SmppFields
from gateway.smpp import times, tlv
from gateway.smpp.constants import (
    INTERFACE_3_4,
    INTERFACE_5_0,
    CommandStatus,
    EsmClass,
    RegisteredDelivery,
    Tag,
)
from gateway.smpp.errors import PduError
from gateway.smpp.pdus import DataSm, ReplaceSm, SubmitMulti, SubmitSm

# The operators of IntFlag take most of a microsecond.
_RECEIPT = int(RegisteredDelivery.RECEIPT)
_INTERMEDIATE = int(RegisteredDelivery.INTERMEDIATE)
_MESSAGE_TYPE = int(EsmClass.MESSAGE_TYPE)
_UDHI = int(EsmClass.UDHI)
_RECEIPTS = (Receipts.NONE, Receipts.ALL, Receipts.FAILURE)
# What an ESME may call its message: receipts and notifications are the SMSC's (§5.2.12).
_TYPES_OF_ESMES = frozenset(
    {0, int(EsmClass.DELIVERY_ACKNOWLEDGEMENT), int(EsmClass.USER_ACKNOWLEDGEMENT)}
)
# Values of data_coding from here on say more than the encoding (23.038 §4).
_GROUPS = 0x10
PRIORITY_MAX = 4
# With a user data header none of these, which say the same in another way (§5.2.12).
_INSTEAD_OF_HEADER = frozenset(
    {
        Tag.SAR_MSG_REF_NUM,
        Tag.SAR_TOTAL_SEGMENTS,
        Tag.SAR_SEGMENT_SEQNUM,
        Tag.SOURCE_PORT,
        Tag.DESTINATION_PORT,
    }
)


class Submission(msgspec.Struct, frozen=True, gc=False):
    """`recipient` is empty for a submit_multi, which has many. `validity_s` is None and `send_at`
    0 where not said; `smpp` is None where it would say nothing."""

    sender: str
    recipient: str
    data: UserData
    receipts: Receipts
    validity_s: float | None = None
    send_at: float = 0.0
    smpp: SmppFields | None = None


def from_submit_sm(
    pdu: SubmitSm | SubmitMulti | DataSm,
    now: float,
    interface_version: int = INTERFACE_3_4,
    key_tag: int = 0,
) -> Submission:
    """What the customer asks for at `now`; a data_sm has its text in message_payload, and the time
    that it is valid in qos_time_to_live. `key_tag` is the tag of the idempotency key.

    Raises:
        PduError: with the command_status that answers the customer.
    """
    validity_s, send_at, short_message, tlvs = None, 0.0, b"", pdu.tlvs
    recipient = ""
    data_coding = pdu.data_coding
    says_more: object = tlvs or pdu.service_type or data_coding >= _GROUPS
    if isinstance(pdu, DataSm):
        if tlvs:
            validity_s = _time_to_live(tlvs)
    else:
        short_message = pdu.short_message
        if pdu.schedule_delivery_time or pdu.validity_period:
            send_at, validity_s = read_times(pdu, now)
        if pdu.sm_default_msg_id and not short_message and Tag.MESSAGE_PAYLOAD not in tlvs:
            raise PduError("there are no default messages", CommandStatus.ESME_RINVDFTMSGID)
        if pdu.protocol_id or pdu.priority_flag:
            says_more = True
    if not isinstance(pdu, SubmitMulti):
        recipient = from_smpp(pdu.dest_addr_ton, pdu.destination_addr)
    wanted = pdu.registered_delivery
    if wanted < len(_RECEIPTS):  # Nearly always.
        receipts, intermediate = _RECEIPTS[wanted], False
    else:
        receipts, intermediate = read_registered_delivery(wanted, interface_version)
    if pdu.esm_class or tlvs or len(short_message) > SHORT_MESSAGE_MAX:
        data = read_text(pdu.esm_class, data_coding, short_message, tlvs, interface_version)
    else:  # Nearly always.
        data = user_data.read(0, data_coding, short_message, tlvs)
    return Submission(
        from_smpp(pdu.source_addr_ton, pdu.source_addr),
        recipient,
        data,
        receipts,
        validity_s,
        send_at,
        _fields(pdu, intermediate, key_tag) if says_more or intermediate else None,
    )


def read_text(
    esm_class: int,
    data_coding: int,
    short_message: bytes,
    tlvs: dict[int, bytes],
    interface_version: int,
) -> UserData:
    """The text, or the octets. A short_message of 255 octets, and one beside a message_payload,
    which then counts, are for v5.0 only (5.0 §4.2.8).

    Raises:
        PduError: as `user_data.read`; or esm_class is not for ESMEs, or has a header beside the
            TLVs that stand instead of one (ESME_RINVESMCLASS), or a SAR TLV has a wrong length.
    """
    if esm_class:
        if esm_class & _MESSAGE_TYPE not in _TYPES_OF_ESMES:
            raise PduError(
                f"esm_class 0x{esm_class:02x} is not for an ESME", CommandStatus.ESME_RINVESMCLASS
            )
        if esm_class & _UDHI and not _INSTEAD_OF_HEADER.isdisjoint(tlvs):
            raise PduError(
                "both a user data header and SAR or ports", CommandStatus.ESME_RINVESMCLASS
            )
    if tlvs:
        tlv.sar(tlvs)  # Only for their lengths; what they say is read with the text.
        if interface_version >= INTERFACE_5_0 and Tag.MESSAGE_PAYLOAD in tlvs:
            short_message = b""
    if len(short_message) > SHORT_MESSAGE_MAX and interface_version < INTERFACE_5_0:
        raise PduError(f"sm_length is over {SHORT_MESSAGE_MAX}", CommandStatus.ESME_RINVMSGLEN)
    return user_data.read(esm_class, data_coding, short_message, tlvs)


def read_registered_delivery(flags: int, interface_version: int) -> tuple[Receipts, bool]:
    """Which receipts are wanted, and whether intermediate notifications are (§5.2.17). Both bits
    are v5.0's "on success" (§4.7.21); before that they are reserved, and one who sets them wants
    all. SME acknowledgements are between the ESME and the handset."""
    wanted = flags & _RECEIPT
    if wanted < len(_RECEIPTS):
        receipts = _RECEIPTS[wanted]
    else:
        receipts = Receipts.SUCCESS if interface_version >= INTERFACE_5_0 else Receipts.ALL
    return receipts, bool(flags & _INTERMEDIATE)


def read_times(
    pdu: SubmitSm | SubmitMulti | ReplaceSm, now: float, otherwise_at: float = 0.0
) -> tuple[float, float | None]:
    """When to send, 0 for at once, and for how long it is valid from then. Without a schedule it is
    sent `otherwise_at`.

    Raises:
        PduError: one is not a time, or the validity_period ends before the message is sent.
    """
    send_at, validity_s = otherwise_at, None
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


def _time_to_live(tlvs: dict[int, bytes]) -> float | None:
    """qos_time_to_live (§5.3.2.9), in seconds."""
    seconds = tlv.integer(tlvs, Tag.QOS_TIME_TO_LIVE)
    return None if seconds is None else float(seconds)


def _fields(
    pdu: SubmitSm | SubmitMulti | DataSm, intermediate: bool, key_tag: int
) -> SmppFields | None:
    """What only SMPP can say, None where it would all be defaults."""
    tlvs = passed_tlvs(pdu.tlvs, key_tag) if pdu.tlvs else {}
    data_coding = pdu.data_coding if pdu.data_coding >= _GROUPS else None
    if isinstance(pdu, DataSm):
        protocol_id = priority_flag = 0
    else:
        protocol_id, priority_flag = pdu.protocol_id, pdu.priority_flag
        if priority_flag > PRIORITY_MAX:
            priority_flag = 0  # Reserved, and so as if it were not said (§3.3).
    if not (
        pdu.service_type
        or protocol_id
        or priority_flag
        or data_coding is not None
        or intermediate
        or tlvs
    ):
        return None
    return SmppFields(
        service_type=pdu.service_type,
        protocol_id=protocol_id,
        priority_flag=priority_flag,
        data_coding=data_coding,
        intermediate=intermediate,
        tlvs=tlvs,
    )
