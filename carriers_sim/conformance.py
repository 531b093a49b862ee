"""What is wrong with one submit_sm by itself: its fields, TLVs, header and text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from carriers_sim.user_data import PACKED_OCTETS, UserData
from carriers_sim.violations import Invariant
from gateway.smpp.constants import INTERFACE_3_4, INTERFACE_5_0, DataCoding, EsmClass, Npi, Tag, Ton
from gateway.smpp.pdus import SubmitSm
from gateway.text.gsm_03_38 import ESC
from gateway.text.segmentation import SINGLE_SEPTETS

UDHI = int(EsmClass.UDHI)
MESSAGE_TYPE = int(EsmClass.MESSAGE_TYPE)
# What a message from an ESME may be besides an ordinary one (§5.2.12).
ESME_MESSAGE_TYPES = (
    0,
    int(EsmClass.DELIVERY_ACKNOWLEDGEMENT),
    int(EsmClass.USER_ACKNOWLEDGEMENT),
)
RECEIPT_BITS = 0x03
RESERVED_BITS = 0xE0
TONS = frozenset(map(int, Ton))
NPIS = frozenset(map(int, Npi))
PRIORITY_MAX = 4
SM_LENGTH_MAX = 254
SAR_TAGS = frozenset({Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM})
PORT_TAGS = frozenset({Tag.SOURCE_PORT, Tag.DESTINATION_PORT})
# §7.1.1: YYMMDDhhmmss, tenths, quarter hours to UTC up to 48, and their direction or R.
TIME = re.compile(r"\d{12}\d(?:[0-3]\d|4[0-8])[+\-R]", re.ASCII)
CONCATENATION_BEGINS = (b"\x05\x00\x03", b"\x06\x08\x04")
BYTE_ORDER_MARKS = (b"\xfe\xff", b"\xff\xfe")
SHIFT_ELEMENTS = (0x24, 0x25)
LANGUAGES = range(1, 14)  # 23.038 table 6.2.1.2.4
CONCATENATION_ELEMENTS = {0x00: 3, 0x08: 4}

# The length that a TLV must have (§5.3.2), of those that customers send.
TLV_LENGTHS: dict[int, range] = {
    Tag.DEST_ADDR_SUBUNIT: range(1, 2),
    Tag.SOURCE_ADDR_SUBUNIT: range(1, 2),
    Tag.QOS_TIME_TO_LIVE: range(4, 5),
    Tag.PAYLOAD_TYPE: range(1, 2),
    Tag.MS_MSG_WAIT_FACILITIES: range(1, 2),
    Tag.PRIVACY_INDICATOR: range(1, 2),
    Tag.SOURCE_SUBADDRESS: range(2, 24),
    Tag.DEST_SUBADDRESS: range(2, 24),
    Tag.USER_MESSAGE_REFERENCE: range(2, 3),
    Tag.USER_RESPONSE_CODE: range(1, 2),
    Tag.SOURCE_PORT: range(2, 3),
    Tag.DESTINATION_PORT: range(2, 3),
    Tag.SAR_MSG_REF_NUM: range(2, 3),
    Tag.LANGUAGE_INDICATOR: range(1, 2),
    Tag.SAR_TOTAL_SEGMENTS: range(1, 2),
    Tag.SAR_SEGMENT_SEQNUM: range(1, 2),
    Tag.CALLBACK_NUM_PRES_IND: range(1, 2),
    Tag.NUMBER_OF_MESSAGES: range(1, 2),
    Tag.CALLBACK_NUM: range(4, 20),
    Tag.SET_DPF: range(1, 2),
    Tag.MORE_MESSAGES_TO_SEND: range(1, 2),
    Tag.USSD_SERVICE_OP: range(1, 2),
    Tag.DISPLAY_TIME: range(1, 2),
    Tag.SMS_SIGNAL: range(2, 3),
    Tag.MS_VALIDITY: range(1, 5),
    Tag.ALERT_ON_MESSAGE_DELIVERY: range(2),
    Tag.ITS_REPLY_TYPE: range(1, 2),
    Tag.ITS_SESSION_INFO: range(2, 3),
}


def check(
    pdu: SubmitSm, data: UserData, interface_version: int = INTERFACE_3_4
) -> Iterator[tuple[Invariant, str]]:
    """What is wrong, and where the rule stands. `interface_version` is what both sides speak."""
    yield from _check_fields(pdu, interface_version)
    if pdu.tlvs:
        yield from _check_tlvs(pdu, data, interface_version)
    if pdu.esm_class & UDHI:
        yield from _check_header(data)
    elif _begins_with_concatenation(data.octets):
        yield Invariant.UDHI_MISSING, f"esm_class 0x{pdu.esm_class:02x} (3.4 §5.2.12)"
    if pdu.short_message and not _fits(data):
        yield Invariant.TOO_LONG, f"{len(pdu.short_message)} octets, data_coding {pdu.data_coding}"
    if data.alphabet == DataCoding.UCS2:
        if len(data.octets) % 2:
            yield Invariant.ODD_UCS2, f"{len(data.octets)} octets"
        if data.octets.startswith(BYTE_ORDER_MARKS):
            yield Invariant.BYTE_ORDER_MARK, data.octets[:2].hex()
    if data.concatenation is not None:
        yield from _check_part(data)


def _check_fields(pdu: SubmitSm, interface_version: int) -> Iterator[tuple[Invariant, str]]:
    for name, value, known in (
        ("source_addr_ton", pdu.source_addr_ton, TONS),
        ("dest_addr_ton", pdu.dest_addr_ton, TONS),
        ("source_addr_npi", pdu.source_addr_npi, NPIS),
        ("dest_addr_npi", pdu.dest_addr_npi, NPIS),
    ):
        if value not in known:
            yield Invariant.RESERVED_VALUE, f"{name} {value}"
    if pdu.priority_flag > PRIORITY_MAX:
        yield Invariant.RESERVED_VALUE, f"priority_flag {pdu.priority_flag}"
    if pdu.replace_if_present_flag > 1:
        yield Invariant.RESERVED_VALUE, f"replace_if_present_flag {pdu.replace_if_present_flag}"
    if pdu.esm_class & MESSAGE_TYPE not in ESME_MESSAGE_TYPES:
        yield Invariant.ESM_CLASS, f"esm_class 0x{pdu.esm_class:02x} (3.4 §5.2.12)"
    asked = pdu.registered_delivery
    if asked & RESERVED_BITS or (
        asked & RECEIPT_BITS == RECEIPT_BITS and interface_version < INTERFACE_5_0
    ):
        yield Invariant.REGISTERED_DELIVERY, f"0x{asked:02x} (3.4 §5.2.17)"
    for time in (pdu.schedule_delivery_time, pdu.validity_period):
        if time and not TIME.fullmatch(time):
            yield Invariant.TIME_FORMAT, f"{len(time)} characters (3.4 §7.1.1)"
    if len(pdu.short_message) > SM_LENGTH_MAX and interface_version < INTERFACE_5_0:
        yield Invariant.SM_LENGTH, f"{len(pdu.short_message)} (3.4 §5.2.21)"


def _check_header(data: UserData) -> Iterator[tuple[Invariant, str]]:
    if data.is_udh_malformed:
        yield Invariant.UDH, "(3.4 §5.2.12, 23.040 §9.2.3.24)"
        return
    at = 1
    while at < len(data.udh):
        identifier, length = data.udh[at], data.udh[at + 1]
        value = data.udh[at + 2 : at + 2 + length]
        at += 2 + length
        if identifier in SHIFT_ELEMENTS and (length != 1 or value[0] not in LANGUAGES):
            yield Invariant.SHIFT_ELEMENT, f"0x{identifier:02x} {value.hex()}"
        if identifier in CONCATENATION_ELEMENTS:
            fits = length == CONCATENATION_ELEMENTS[identifier]
            if not fits or not 1 <= value[-1] <= value[-2]:
                yield Invariant.CONCATENATION, f"0x{identifier:02x} {value.hex()}"


def _check_part(data: UserData) -> Iterator[tuple[Invariant, str]]:
    assert data.concatenation is not None
    part = f"part {data.concatenation.number} of {data.concatenation.total}"
    if data.alphabet == DataCoding.DEFAULT_ALPHABET and data.octets[-1:] == bytes([ESC]):
        yield Invariant.SPLIT_ESCAPE, f"{part} (23.040 §9.2.3.24.1)"
    if data.alphabet == DataCoding.UCS2 and data.octets[-2:-1] and 0xD8 <= data.octets[-2] <= 0xDB:
        yield Invariant.SPLIT_SURROGATE, part


def _check_tlvs(
    pdu: SubmitSm, data: UserData, interface_version: int
) -> Iterator[tuple[Invariant, str]]:
    if interface_version < INTERFACE_3_4:
        yield Invariant.TLV_TO_3_3, f"{len(pdu.tlvs)} TLVs (3.4 §3.4)"
    sar = SAR_TAGS & pdu.tlvs.keys()
    if sar and data.udh:
        yield Invariant.UDH_AND_SAR, "choose one (5.0 §4.8.4.55)"
    elif sar and data.concatenation is None:
        yield Invariant.PARTIAL_SAR, f"{len(sar)} of 3 tags (3.4 §5.3.2.22)"
    if data.udh and PORT_TAGS & pdu.tlvs.keys():
        yield Invariant.UDH_AND_PORTS, "choose one (3.4 §5.2.12)"
    if pdu.short_message and Tag.MESSAGE_PAYLOAD in pdu.tlvs:
        yield Invariant.TWO_BODIES, "sm_length must be 0 beside message_payload (3.4 §3.2.3)"
    for tag, value in pdu.tlvs.items():
        lengths = TLV_LENGTHS.get(tag)
        if lengths is not None and len(value) not in lengths:
            yield Invariant.TLV_LENGTH, f"0x{tag:04x} has {len(value)} octets (3.4 §5.3.2)"


def _begins_with_concatenation(octets: bytes) -> bool:
    if not octets.startswith(CONCATENATION_BEGINS):
        return False
    end = 1 + octets[0]
    return len(octets) >= end and 1 <= octets[end - 1] <= octets[end - 2] > 1


def _fits(data: UserData) -> bool:
    """Septets travel as octets in SMPP and packed on the air, behind the header's fill bits."""
    if data.alphabet == DataCoding.DEFAULT_ALPHABET:
        header_septets = -(-8 * len(data.udh) // 7)
        return header_septets + len(data.octets) <= SINGLE_SEPTETS
    return len(data.udh) + len(data.octets) <= PACKED_OCTETS
