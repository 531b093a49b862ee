"""What a submit_sm says, read as a handset would: header, parts and text."""

from __future__ import annotations

from enum import StrEnum

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
# By bits 2 and 3 of the group of general data coding (23.038 §4).
_ALPHABETS: dict[int, int] = {
    0x00: DataCoding.DEFAULT_ALPHABET,
    0x04: DataCoding.OCTETS,
    0x08: DataCoding.UCS2,
}


class Alphabet(StrEnum):
    """What data_coding 0 is at this carrier (§5.2.19 leaves it open): GSM 03.38, one septet in an
    octet or packed (23.038 §6.1.2), or Latin-1."""

    GSM = "gsm"
    GSM_PACKED = "gsm_packed"
    LATIN_1 = "latin1"


class UserData(msgspec.Struct, frozen=True, gc=False):
    """`octets` are the user data behind the header; `segments` is what they cost on the air.
    `locking` and `single` are the languages of its shift tables (23.038 §6.2.1.2.4)."""

    octets: bytes
    data_coding: int
    segments: int
    udh: bytes = b""
    concatenation: Concatenation | None = None
    is_udh_malformed: bool = False
    locking: int = 0
    single: int = 0

    @property
    def alphabet(self) -> int:
        """The data_coding without its message class."""
        return alphabet_of(self.data_coding)


def read(pdu: SubmitSm, alphabet: Alphabet = Alphabet.GSM) -> UserData:
    """The user data of short_message or message_payload (SMPP v3.4 §5.3.2.32), by the data_coding
    that says what they are: not 0 where the carrier's default alphabet has a number of its own.

    The concatenation comes from the header or, without one, from the SAR TLVs (§5.3.2.22 to 24),
    which count only when all three are there and make sense.
    """
    octets = pdu.short_message or pdu.tlvs.get(Tag.MESSAGE_PAYLOAD, b"")
    data_coding, is_packed = pdu.data_coding, False
    if alphabet is not Alphabet.GSM and data_coding == DataCoding.DEFAULT_ALPHABET:
        is_packed = alphabet is Alphabet.GSM_PACKED
        data_coding = DataCoding.DEFAULT_ALPHABET if is_packed else DataCoding.LATIN_1
    if pdu.esm_class & UDHI:
        return _read_with_header(octets, data_coding, is_packed)
    if is_packed:
        octets = _unpacked(octets, 0)
    segments = 1 if len(octets) <= PACKED_OCTETS else _segments(octets, alphabet_of(data_coding))
    concatenation = _sar(pdu.tlvs) if pdu.tlvs else None
    return UserData(octets, data_coding, segments, concatenation=concatenation)


def decode(octets: bytes, data_coding: int, locking: int = 0, single: int = 0) -> str:
    """The text, by the data_coding (§5.2.19); what is not text is shown in hex.

    Join the parts of a message first: a peer may have split a character between two.
    """
    match alphabet_of(data_coding):
        case DataCoding.DEFAULT_ALPHABET:
            return gsm_03_38.decode(octets, locking, single)
        case DataCoding.UCS2:
            return ucs2.decode(octets)
        case DataCoding.IA5 | DataCoding.LATIN_1:
            return octets.decode("latin-1")
        case _:
            return octets.hex()


def alphabet_of(data_coding: int) -> int:
    """The data_coding of the same alphabet without a message class (23.038 §4): the class says
    where a handset shows the message, and nothing about its octets."""
    if data_coding & 0xF0 == 0x10:
        return _ALPHABETS.get(data_coding & 0x0C, data_coding)
    if data_coding & 0xF0 == 0xF0:
        return DataCoding.OCTETS if data_coding & 0x04 else DataCoding.DEFAULT_ALPHABET
    return data_coding


def text(data: UserData) -> str:
    """What one submit_sm says by itself."""
    return decode(data.octets, data.data_coding, data.locking, data.single)


def _read_with_header(octets: bytes, data_coding: int, is_packed: bool) -> UserData:
    try:
        elements, rest = udh.parse(octets)
    except MalformedUdhError as error:
        return UserData(error.rest, data_coding, 1, is_udh_malformed=True)
    header = octets[: len(octets) - len(rest)]
    if is_packed:
        rest = _unpacked(octets, len(header))
    locking, single = udh.shifts(elements)
    return UserData(
        rest,
        data_coding,
        1,
        header,
        udh.concatenation(elements),
        locking=locking,
        single=single,
    )


def _unpacked(octets: bytes, header: int) -> bytes:
    """Septets, the first in the lowest bits; behind a header they begin on a septet's boundary, and
    what is too much at the end is a CR (23.038 §6.1.2.3.1) or nothing."""
    bits = int.from_bytes(octets, "little")
    first, end = -(-header * 8 // 7), len(octets) * 8 // 7
    septets = bytes(bits >> 7 * index & 0x7F for index in range(first, end))
    is_padded = len(octets) * 8 % 7 == 0 and septets[-1:] in (b"\0", b"\r")
    return septets[:-1] if is_padded else septets


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
