"""The TLVs of a submit_sm that say something to the carrier or to the handset, and so go along with
the message (SMPP v3.4 §5.3.2), and the vendor's own (0x1400 to 0x3FFF), which are for who knows
them. All others are ignored, as §3.3 asks.
"""

from __future__ import annotations

from gateway.smpp import codec, tlv
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.errors import PduError

# What one message may have of them, tag and length included.
TLV_OCTETS_MAX = 1_024
VENDOR_TAGS = range(0x1400, 0x4000)

PASSED: frozenset[int] = frozenset(
    {
        Tag.DEST_ADDR_SUBUNIT,
        Tag.DEST_NETWORK_TYPE,
        Tag.DEST_BEARER_TYPE,
        Tag.DEST_TELEMATICS_ID,
        Tag.SOURCE_ADDR_SUBUNIT,
        Tag.SOURCE_NETWORK_TYPE,
        Tag.SOURCE_BEARER_TYPE,
        Tag.SOURCE_TELEMATICS_ID,
        Tag.PAYLOAD_TYPE,
        Tag.MS_MSG_WAIT_FACILITIES,
        Tag.PRIVACY_INDICATOR,
        Tag.SOURCE_SUBADDRESS,
        Tag.DEST_SUBADDRESS,
        Tag.USER_MESSAGE_REFERENCE,
        Tag.USER_RESPONSE_CODE,
        Tag.SOURCE_PORT,
        Tag.DESTINATION_PORT,
        Tag.LANGUAGE_INDICATOR,
        Tag.CALLBACK_NUM_PRES_IND,
        Tag.CALLBACK_NUM_ATAG,
        Tag.NUMBER_OF_MESSAGES,
        Tag.CALLBACK_NUM,
        Tag.SET_DPF,
        Tag.USSD_SERVICE_OP,
        Tag.DISPLAY_TIME,
        Tag.SMS_SIGNAL,
        Tag.MS_VALIDITY,
        Tag.ALERT_ON_MESSAGE_DELIVERY,
        Tag.ITS_REPLY_TYPE,
        Tag.ITS_SESSION_INFO,
    }
)
# The largest first octet of those that forbid others; what is only reserved passes (§3.3).
FIRST_OCTET_MAX: dict[int, int] = {
    Tag.NUMBER_OF_MESSAGES: 99,
    Tag.CALLBACK_NUM: 1,
    Tag.SET_DPF: 1,
}


def passed_tlvs(tlvs: dict[int, bytes], key_tag: int = 0) -> dict[int, bytes]:
    """Those that go along; the one with the tag of the idempotency key is for us.

    Raises:
        PduError: one has another length than it may have, or all together are longer than
            TLV_OCTETS_MAX (ESME_RINVPARLEN), or a value that it may not (ESME_RINVOPTPARAMVAL).
    """
    passed = {}
    octets = 0
    for tag, value in tlvs.items():
        if tag in PASSED:
            tlv.octets(tlvs, Tag(tag))  # Only for its length.
            if value and value[0] > FIRST_OCTET_MAX.get(tag, 0xFF):
                raise PduError(
                    f"TLV 0x{tag:04x} has a value that it may not have",
                    CommandStatus.ESME_RINVOPTPARAMVAL,
                )
        elif tag not in VENDOR_TAGS or tag == key_tag:
            continue
        passed[tag] = value
        octets += codec.TLV_HEADER.size + len(value)
    if octets > TLV_OCTETS_MAX:
        raise PduError(
            f"TLVs to pass on have {octets} octets, over {TLV_OCTETS_MAX}",
            CommandStatus.ESME_RINVPARLEN,
        )
    return passed
