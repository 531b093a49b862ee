"""Message text against short_message, data_coding, UDH, SAR and message_payload (SMPP v3.4 §3.2.3,
§5.2.12, §5.2.19, §5.3.2.22; 3GPP TS 23.038 §4).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.config.dialect import DefaultAlphabet
from gateway.message import Encoding, Message
from gateway.smpp.constants import CommandStatus, DataCoding, EsmClass, Tag
from gateway.smpp.errors import PduError
from gateway.text import gsm_03_38, packed_septets, ucs2, udh
from gateway.text.errors import TextError
from gateway.text.udh import InformationElement

SHORT_MESSAGE_MAX = 254

DATA_CODING: dict[Encoding, DataCoding] = {
    Encoding.GSM_7BIT: DataCoding.DEFAULT_ALPHABET,
    Encoding.UCS2: DataCoding.UCS2,
    Encoding.BINARY: DataCoding.OCTETS,
}

_CODINGS: dict[int, tuple[Encoding, str]] = {
    DataCoding.DEFAULT_ALPHABET: (Encoding.GSM_7BIT, ""),
    DataCoding.IA5: (Encoding.GSM_7BIT, "ascii"),
    DataCoding.LATIN_1: (Encoding.GSM_7BIT, "latin-1"),
    DataCoding.UCS2: (Encoding.UCS2, ""),
    DataCoding.OCTETS: (Encoding.BINARY, ""),
    DataCoding.OCTETS_2: (Encoding.BINARY, ""),
}
_ALPHABETS = {0x00: Encoding.GSM_7BIT, 0x04: Encoding.BINARY, 0x08: Encoding.UCS2}
# What a header says of a part, and of its septets, which are a text once they are joined.
_TAKEN_OFF = frozenset(
    {
        udh.CONCATENATED_8_BIT,
        udh.CONCATENATED_16_BIT,
        udh.NATIONAL_LANGUAGE_SINGLE_SHIFT,
        udh.NATIONAL_LANGUAGE_LOCKING_SHIFT,
    }
)
# The operators of IntFlag take most of a microsecond.
_UDHI = int(EsmClass.UDHI)
# Members of enums take a tenth of a microsecond each.
_MESSAGE_PAYLOAD = int(Tag.MESSAGE_PAYLOAD)
_DEFAULT_ALPHABET = int(DataCoding.DEFAULT_ALPHABET)
_GSM = DefaultAlphabet.GSM
_GSM_7BIT = Encoding.GSM_7BIT


class UserData(msgspec.Struct, frozen=True, gc=False):
    """What a PDU carries: a text, or octets, behind a user data header or not.

    `udh` has its length octet. BINARY data is in `octets`, text in `body`. Text behind a header is
    in both: it may be half of what was cut within a character, and goes on as the octets it was.
    """

    encoding: Encoding
    body: str
    octets: bytes = b""
    udh: bytes = b""


def octets(message: Message) -> bytes:
    """The user data of a message that goes as it is, behind its header if it has one."""
    if message.octets or message.encoding is Encoding.BINARY:
        return message.octets
    encode = ucs2.encode if message.encoding is Encoding.UCS2 else gsm_03_38.encode
    return encode(message.body)


def read(
    esm_class: int,
    data_coding: int,
    short_message: bytes,
    tlvs: dict[int, bytes],
    lenient: bool = False,
    alphabet: DefaultAlphabet = DefaultAlphabet.GSM,
) -> UserData:
    """What the sender wrote. The SAR TLVs become the user data header that says the same. The
    `alphabet` is that of data_coding 0.

    `lenient` is for messages from handsets, which nobody can send again: octets that are no text
    become U+FFFD there, NULs are dropped, and a header makes SAR TLVs beside it void.

    Raises:
        PduError: both short_message and message_payload (ESME_RINVMSGLEN, §3.2.3), a header that
            does not fit or stands beside SAR TLVs (ESME_RINVESMCLASS), or a coding or text that
            cannot be read (ESME_RSUBMITFAIL).
    """
    octets, header, shifts = short_message, b"", (0, 0)
    if tlvs:
        if _MESSAGE_PAYLOAD in tlvs:
            if short_message:
                raise PduError(
                    "both short_message and message_payload", CommandStatus.ESME_RINVMSGLEN
                )
            octets = tlvs[_MESSAGE_PAYLOAD]
        header = _sar_header(tlvs, 16 if lenient else 8)
    if esm_class & _UDHI:
        if header and not lenient:
            raise PduError("both a user data header and SAR", CommandStatus.ESME_RINVESMCLASS)
        try:
            elements, rest = udh.parse(octets)
        except TextError as error:
            raise PduError(str(error), CommandStatus.ESME_RINVESMCLASS) from None
        header, octets = octets[: len(octets) - len(rest)], rest
        shifts = udh.shifts(elements)
    if alphabet is not _GSM:
        octets, data_coding = _in_gsm(data_coding, octets, header, alphabet)
    if data_coding == _DEFAULT_ALPHABET and octets.isascii():  # Nearly always.
        if not header:
            return UserData(_GSM_7BIT, gsm_03_38.decode(octets))
        return UserData(_GSM_7BIT, gsm_03_38.decode(octets, *shifts), octets, header)
    return _read_coded(data_coding, octets, header, lenient, shifts)


def join(pieces: Sequence[UserData]) -> UserData:
    """The parts of one message as one: their octets where all have them, because a peer may have
    cut within a character. What the header says besides of the message as a whole stays.
    """
    first = pieces[0]
    elements, _ = udh.parse(first.udh)
    shifts = udh.shifts(elements)
    header = _without(elements, _TAKEN_OFF)
    encoding = first.encoding
    octets = b"".join([piece.octets for piece in pieces])
    same = all(piece.encoding is encoding for piece in pieces)
    if same and all(piece.octets or not piece.body for piece in pieces):
        if encoding is Encoding.BINARY:
            return UserData(encoding, "", octets, header)
        is_ucs2 = encoding is Encoding.UCS2
        body = ucs2.decode(octets) if is_ucs2 else gsm_03_38.decode(octets, *shifts)
        body = body.replace("\0", "")
    else:
        body = "".join([piece.body for piece in pieces])
    encoding = Encoding.GSM_7BIT if gsm_03_38.is_encodable(body) else Encoding.UCS2
    return UserData(encoding, body, b"", header)


def _without(elements: tuple[InformationElement, ...], left_out: frozenset[int]) -> bytes:
    """A header of the other elements; none if there are none."""
    written = b"".join(
        [
            bytes([element.identifier, len(element.data)]) + element.data
            for element in elements
            if element.identifier not in left_out
        ]
    )
    return bytes([len(written)]) + written if written else b""


def message_class(data_coding: int, encoding: Encoding) -> int | None:
    """The data_coding of a message so encoded where it says for what the text is, flash for one,
    beside how it is coded (23.038 §4)."""
    if data_coding & 0xF0 not in (0x10, 0xF0) or _coding(data_coding)[0] is not encoding:
        return None
    return data_coding


def _in_gsm(
    data_coding: int, octets: bytes, header: bytes, alphabet: DefaultAlphabet
) -> tuple[bytes, int]:
    """What a carrier with another alphabet than GSM's has written, as one that says so. Packed is
    all that is in the GSM alphabet, a message class or not.
    """
    if alphabet is DefaultAlphabet.GSM_PACKED:
        if _is_gsm(data_coding):
            fill_bits = packed_septets.fill_bits(len(header))
            octets = packed_septets.unpack_uncounted(octets, fill_bits)
    elif data_coding == DataCoding.DEFAULT_ALPHABET:
        ascii_only = alphabet is DefaultAlphabet.ASCII
        return octets, DataCoding.IA5 if ascii_only else DataCoding.LATIN_1
    return octets, data_coding


def _is_gsm(data_coding: int) -> bool:
    try:
        return _coding(data_coding) == (Encoding.GSM_7BIT, "")
    except PduError:
        return False


def _sar_header(tlvs: dict[int, bytes], ref_bits: int) -> bytes:
    """Concatenation as a header, none where the three TLVs are not all there and in range. Of a
    message that goes on as it came the reference is cut to 8 bits: a part that fills what such a
    header leaves must still fit.
    """
    ref = tlvs.get(Tag.SAR_MSG_REF_NUM, b"")
    total = int.from_bytes(tlvs.get(Tag.SAR_TOTAL_SEGMENTS, b""), "big")
    number = int.from_bytes(tlvs.get(Tag.SAR_SEGMENT_SEQNUM, b""), "big")
    if len(ref) != 2 or not 1 <= number <= total <= 255 or total == 1:
        return b""
    mask = (1 << ref_bits) - 1
    return udh.concatenation_udh(int.from_bytes(ref, "big") & mask, total, number, ref_bits)


def _read_coded(
    data_coding: int, octets: bytes, header: bytes, lenient: bool, shifts: tuple[int, int]
) -> UserData:
    encoding, charset = _coding(data_coding)
    if encoding is Encoding.BINARY:
        return UserData(encoding, "", octets, header)
    if encoding is Encoding.UCS2:
        body = ucs2.decode(octets)
        # A segment of the sender's own may end within a surrogate pair, a whole text may not.
        readable = bool(header) or body.encode("utf-16-be") == octets
    else:
        body = octets.decode(charset, "replace") if charset else gsm_03_38.decode(octets, *shifts)
        readable = "\ufffd" not in body
    if not readable and not lenient:
        raise PduError(
            f"the text is not of data_coding {data_coding}", CommandStatus.ESME_RSUBMITFAIL
        )
    if lenient:
        body = body.replace("\0", "")
    if encoding is Encoding.GSM_7BIT and shifts == (0, 0) and not gsm_03_38.is_encodable(body):
        return UserData(Encoding.UCS2, body, udh=header)
    return UserData(encoding, body, octets if header and not charset else b"", header)


def _coding(data_coding: int) -> tuple[Encoding, str]:
    """The encoding, and Python's name of the charset where it is neither GSM nor UCS-2.

    The groups with a message class (0x10 to 0x1F, 0xF0 to 0xFF) are those of 23.038 §4; the class
    itself, flash for one, is not carried on.
    """
    if data_coding in _CODINGS:
        return _CODINGS[data_coding]
    if data_coding & 0xF0 == 0xF0:
        return (Encoding.BINARY if data_coding & 0x04 else Encoding.GSM_7BIT), ""
    if data_coding & 0xF0 == 0x10 and data_coding & 0x0C in _ALPHABETS:
        return _ALPHABETS[data_coding & 0x0C], ""
    raise PduError(f"data_coding {data_coding} is not supported", CommandStatus.ESME_RSUBMITFAIL)
