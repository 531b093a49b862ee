"""What TLVs say (SMPP v3.4 §5.3.2, v5.0 §4.8.4), read by the owner of a PDU that needs to know.

The codec keeps TLVs as octets, since most are only passed on. Each function here takes the TLVs of
a PDU and returns a value, or None where the PDU has none of that tag. A value of another length
than the specification's is answered with ESME_RINVPARLEN (§5.1.3).
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.errors import PduError

PAYLOAD_MAX = 0xFFFF
CONGESTED = 100

# The least and the most octets of a value. Where 5.0 allows more than 3.4 does, 5.0 is read.
LENGTHS: dict[Tag, tuple[int, int]] = {
    Tag.DEST_ADDR_SUBUNIT: (1, 1),
    Tag.DEST_NETWORK_TYPE: (1, 1),
    Tag.DEST_BEARER_TYPE: (1, 1),
    Tag.DEST_TELEMATICS_ID: (2, 2),
    Tag.SOURCE_ADDR_SUBUNIT: (1, 1),
    Tag.SOURCE_NETWORK_TYPE: (1, 1),
    Tag.SOURCE_BEARER_TYPE: (1, 1),
    Tag.SOURCE_TELEMATICS_ID: (1, 1),
    Tag.QOS_TIME_TO_LIVE: (4, 4),
    Tag.PAYLOAD_TYPE: (1, 1),
    Tag.ADDITIONAL_STATUS_INFO_TEXT: (1, 256),
    Tag.RECEIPTED_MESSAGE_ID: (1, 65),
    Tag.MS_MSG_WAIT_FACILITIES: (1, 1),
    Tag.PRIVACY_INDICATOR: (1, 1),
    Tag.SOURCE_SUBADDRESS: (2, 23),
    Tag.DEST_SUBADDRESS: (2, 23),
    Tag.USER_MESSAGE_REFERENCE: (2, 2),
    Tag.USER_RESPONSE_CODE: (1, 1),
    Tag.SOURCE_PORT: (2, 2),
    Tag.DESTINATION_PORT: (2, 2),
    Tag.SAR_MSG_REF_NUM: (2, 2),
    Tag.LANGUAGE_INDICATOR: (1, 1),
    Tag.SAR_TOTAL_SEGMENTS: (1, 1),
    Tag.SAR_SEGMENT_SEQNUM: (1, 1),
    Tag.SC_INTERFACE_VERSION: (1, 1),
    Tag.CALLBACK_NUM_PRES_IND: (1, 1),
    Tag.CALLBACK_NUM_ATAG: (1, 65),
    Tag.NUMBER_OF_MESSAGES: (1, 1),
    Tag.CALLBACK_NUM: (4, 19),
    Tag.DPF_RESULT: (1, 1),
    Tag.SET_DPF: (1, 1),
    Tag.MS_AVAILABILITY_STATUS: (1, 1),
    Tag.NETWORK_ERROR_CODE: (3, 3),
    Tag.MESSAGE_PAYLOAD: (0, PAYLOAD_MAX),
    Tag.DELIVERY_FAILURE_REASON: (1, 1),
    Tag.MORE_MESSAGES_TO_SEND: (1, 1),
    Tag.MESSAGE_STATE: (1, 1),
    Tag.CONGESTION_STATE: (1, 1),
    Tag.USSD_SERVICE_OP: (1, 1),
    Tag.DISPLAY_TIME: (1, 1),
    Tag.SMS_SIGNAL: (2, 2),
    Tag.MS_VALIDITY: (1, 4),
    Tag.ALERT_ON_MESSAGE_DELIVERY: (0, 1),
    Tag.ITS_REPLY_TYPE: (1, 1),
    Tag.ITS_SESSION_INFO: (2, 2),
}


class Sar(NamedTuple):
    """One segment of a concatenated message (§5.3.2.22 to 24)."""

    msg_ref_num: int
    total_segments: int
    segment_seqnum: int


class NetworkErrorCode(NamedTuple):
    """§5.3.2.31: the network (3 is GSM), and what it said."""

    network_type: int
    error_code: int


def octets(tlvs: dict[int, bytes], tag: Tag) -> bytes | None:
    """The value as it came: a message_payload, a callback_num.

    Raises:
        PduError: it is shorter or longer than the specification allows (ESME_RINVPARLEN).
    """
    value = tlvs.get(tag)
    if value is not None:
        least, most = LENGTHS[tag]
        if not least <= len(value) <= most:
            raise PduError(
                f"{tag.name.lower()} has {len(value)} octets", CommandStatus.ESME_RINVPARLEN
            )
    return value


def integer(tlvs: dict[int, bytes], tag: Tag) -> int | None:
    """The value of an integer: a message_state, a user_message_reference, a source_port.

    Raises:
        PduError: see `octets`.
    """
    value = octets(tlvs, tag)
    return None if value is None else int.from_bytes(value, "big")


def text(tlvs: dict[int, bytes], tag: Tag) -> str | None:
    """The value of a C-Octet string, as a receipted_message_id is; some peers leave its NUL out.

    Raises:
        PduError: see `octets`.
    """
    value = octets(tlvs, tag)
    return None if value is None else value.partition(b"\0")[0].decode("latin-1")


def network_error_code(tlvs: dict[int, bytes]) -> NetworkErrorCode | None:
    """
    Raises:
        PduError: see `octets`.
    """
    value = octets(tlvs, Tag.NETWORK_ERROR_CODE)
    return NetworkErrorCode(value[0], int.from_bytes(value[1:], "big")) if value else None


def sar(tlvs: dict[int, bytes]) -> Sar | None:
    """The three TLVs, which count as a set: one that is not there or out of its range voids all.

    Raises:
        PduError: see `octets`.
    """
    ref = integer(tlvs, Tag.SAR_MSG_REF_NUM)
    total = integer(tlvs, Tag.SAR_TOTAL_SEGMENTS)
    number = integer(tlvs, Tag.SAR_SEGMENT_SEQNUM)
    if ref is None or total is None or number is None or not 1 <= number <= total:
        return None
    return Sar(ref, total, number)


def congestion_state(load: float) -> int:
    """5.0 §4.8.4.18: 0 is idle, 100 congested; from 80 to 90 is where a peer should keep us.

    `load` is the part of what can be held that is: 0 is none of it, 1 and more is all.
    """
    if 0 < load < 1:
        return min(CONGESTED - 1, max(1, round(load * CONGESTED)))
    return CONGESTED if load > 0 else 0
