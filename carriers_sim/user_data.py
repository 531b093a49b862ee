"""What a submit_sm says, read as a handset would: header, parts and text."""

from __future__ import annotations

import msgspec

from gateway.smpp.constants import DataCoding, EsmClass, Tag
from gateway.smpp.pdus import SubmitSm
from gateway.text import gsm_03_38, ucs2, udh
from gateway.text.errors import MalformedUdhError
from gateway.text.segmentation import PART_SEPTETS, PART_UNITS, SINGLE_SEPTETS, SINGLE_UNITS
from gateway.text.udh import Concatenation

UDHI = int(EsmClass.UDHI)  # The operators of IntFlag take a microsecond each.
PACKED_OCTETS = 140
SAR_REF_BITS = 16


class UserData(msgspec.Struct, frozen=True, gc=False):
    """`octets` are the user data behind the header; `segments` is what they cost on the air."""

    octets: bytes
    data_coding: int
    segments: int
    udh: bytes = b""
    concatenation: Concatenation | None = None
    is_udh_malformed: bool = False


def read(pdu: SubmitSm) -> UserData:
    """The user data of short_message or message_payload (SMPP v3.4 §5.3.2.32).

    The concatenation comes from the header or, without one, from the SAR TLVs (§5.3.2.22 to 24),
    which count only when all three are there and make sense.
    """
    octets = pdu.short_message or pdu.tlvs.get(Tag.MESSAGE_PAYLOAD, b"")
    if pdu.esm_class & UDHI:
        return _read_with_header(octets, pdu.data_coding)
    segments = 1 if len(octets) <= PACKED_OCTETS else _segments(octets, pdu.data_coding)
    concatenation = _sar(pdu.tlvs) if pdu.tlvs else None
    return UserData(octets, pdu.data_coding, segments, concatenation=concatenation)


def decode(octets: bytes, data_coding: int) -> str:
    """The text, by the data_coding (§5.2.19); what is not text is shown in hex.

    Join the parts of a message first: a peer may have split a character between two.
    """
    match data_coding:
        case DataCoding.DEFAULT_ALPHABET:
            return gsm_03_38.decode(octets)
        case DataCoding.UCS2:
            return ucs2.decode(octets)
        case DataCoding.IA5 | DataCoding.LATIN_1:
            return octets.decode("latin-1")
        case _:
            return octets.hex()


def _read_with_header(octets: bytes, data_coding: int) -> UserData:
    try:
        elements, rest = udh.parse(octets)
    except MalformedUdhError as error:
        return UserData(error.rest, data_coding, 1, is_udh_malformed=True)
    header = octets[: len(octets) - len(rest)]
    return UserData(rest, data_coding, 1, header, udh.concatenation(elements))


def _segments(octets: bytes, data_coding: int) -> int:
    """How many parts the message centre makes of a long payload."""
    if data_coding == DataCoding.UCS2:
        size, single, part = len(octets) // 2, SINGLE_UNITS, PART_UNITS[8]
    elif data_coding == DataCoding.DEFAULT_ALPHABET:
        size, single, part = len(octets), SINGLE_SEPTETS, PART_SEPTETS[8]
    else:
        size, single, part = len(octets), PACKED_OCTETS, PACKED_OCTETS - 6
    return 1 if size <= single else -(-size // part)


def _sar(tlvs: dict[int, bytes]) -> Concatenation | None:
    ref = tlvs.get(Tag.SAR_MSG_REF_NUM, b"")
    total = int.from_bytes(tlvs.get(Tag.SAR_TOTAL_SEGMENTS, b""), "big")
    number = int.from_bytes(tlvs.get(Tag.SAR_SEGMENT_SEQNUM, b""), "big")
    if len(ref) != 2 or not 1 <= number <= total <= 255:
        return None
    return Concatenation(int.from_bytes(ref, "big"), total, number, SAR_REF_BITS)
