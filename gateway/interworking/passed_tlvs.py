"""The TLVs of a submit_sm that say something to the carrier or to the handset, and so go along with
the message (SMPP v3.4 §5.3.2), and the vendor's own (0x1400 to 0x3FFF), which are for who knows
them. All others are ignored, as §3.3 asks.
"""

from __future__ import annotations

from collections.abc import Container

from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.errors import PduError

# What one message may have of them, tag and length included.
TLV_OCTETS_MAX = 1_024
TLV_HEADER_OCTETS = 4
VENDOR_TAGS = range(0x1400, 0x4000)

_ONE, _TWO = range(1, 2), range(2, 3)

# How many octets each of them has.
LENGTHS: dict[int, Container[int]] = {
    Tag.DEST_ADDR_SUBUNIT: _ONE,
    Tag.DEST_NETWORK_TYPE: _ONE,
    Tag.DEST_BEARER_TYPE: _ONE,
    Tag.DEST_TELEMATICS_ID: _TWO,
    Tag.SOURCE_ADDR_SUBUNIT: _ONE,
    Tag.SOURCE_NETWORK_TYPE: _ONE,
    Tag.SOURCE_BEARER_TYPE: _ONE,
    Tag.SOURCE_TELEMATICS_ID: _ONE,
    Tag.PAYLOAD_TYPE: _ONE,
    Tag.MS_MSG_WAIT_FACILITIES: _ONE,
    Tag.PRIVACY_INDICATOR: _ONE,
    Tag.SOURCE_SUBADDRESS: range(2, 24),
    Tag.DEST_SUBADDRESS: range(2, 24),
    Tag.USER_MESSAGE_REFERENCE: _TWO,
    Tag.USER_RESPONSE_CODE: _ONE,
    Tag.SOURCE_PORT: _TWO,
    Tag.DESTINATION_PORT: _TWO,
    Tag.LANGUAGE_INDICATOR: _ONE,
    Tag.CALLBACK_NUM_PRES_IND: _ONE,
    Tag.CALLBACK_NUM_ATAG: range(1, 66),
    Tag.NUMBER_OF_MESSAGES: _ONE,
    Tag.CALLBACK_NUM: range(4, 20),
    Tag.SET_DPF: _ONE,
    Tag.USSD_SERVICE_OP: _ONE,
    Tag.DISPLAY_TIME: _ONE,
    Tag.SMS_SIGNAL: _TWO,
    Tag.MS_VALIDITY: frozenset({1, 4}),  # 5.0 §4.8.4.38 counts in units of its own.
    Tag.ALERT_ON_MESSAGE_DELIVERY: frozenset({0, 1}),  # 5.0 §4.8.4.2 has a value.
    Tag.ITS_REPLY_TYPE: _ONE,
    Tag.ITS_SESSION_INFO: _TWO,
}
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
        lengths = LENGTHS.get(tag)
        if lengths is not None:
            check_length(tag, value, lengths)
            if value and value[0] > FIRST_OCTET_MAX.get(tag, 0xFF):
                raise PduError(
                    f"TLV 0x{tag:04x} has a value that it may not have",
                    CommandStatus.ESME_RINVOPTPARAMVAL,
                )
        elif tag not in VENDOR_TAGS or tag == key_tag:
            continue
        passed[tag] = value
        octets += TLV_HEADER_OCTETS + len(value)
    if octets > TLV_OCTETS_MAX:
        raise PduError(
            f"TLVs to pass on have {octets} octets, over {TLV_OCTETS_MAX}",
            CommandStatus.ESME_RINVPARLEN,
        )
    return passed


def check_length(tag: int, value: bytes, lengths: Container[int]) -> None:
    """Raises PduError (ESME_RINVPARLEN)."""
    if len(value) not in lengths:
        raise PduError(f"TLV 0x{tag:04x} has {len(value)} octets", CommandStatus.ESME_RINVPARLEN)
