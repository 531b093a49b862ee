"""The octets of a text in the alphabet that one carrier means by data_coding 0."""

from __future__ import annotations

from gateway.config.dialect import DefaultAlphabet
from gateway.interworking.user_data import DATA_CODING
from gateway.message import Encoding, Message
from gateway.smpp.constants import DataCoding
from gateway.smpp.errors import SmppError
from gateway.text import gsm_03_38, ucs2, udh
from gateway.text.packed_septets import fill_bits, pack
from gateway.text.segmentation import SINGLE_UNITS

CHARSETS = {DefaultAlphabet.LATIN_1: "latin-1", DefaultAlphabet.ASCII: "ascii"}


class CannotCarry(SmppError):
    """The carrier's alphabet lacks a character of the text, which takes more parts as UCS-2 than
    it was accepted with: another bind may have it."""


def write(
    message: Message, header: bytes, octets: bytes, alphabet: DefaultAlphabet
) -> tuple[bytes, bytes, int]:
    """The header and the user data of a part, and their data_coding. `octets` are those of the
    message's own encoding, septets one an octet.

    Raises:
        CannotCarry: not without a loss.
    """
    own = message.smpp.data_coding if message.smpp else None
    if message.encoding is not Encoding.GSM_7BIT:
        return header, octets, DATA_CODING[message.encoding] if own is None else own
    if alphabet is DefaultAlphabet.GSM_PACKED:
        return header, pack(octets, fill_bits(len(header))), own or 0
    if alphabet is DefaultAlphabet.GSM or own is not None:
        # A coding with a message class names the GSM alphabet, whatever 0 means (23.038 §4).
        return header, octets, own or 0
    text = gsm_03_38.decode(octets)
    if not message.single_shift and not message.locking_shift and _is_whole(text, octets):
        try:
            return header, text.encode(CHARSETS[alphabet]), DataCoding.DEFAULT_ALPHABET
        except UnicodeEncodeError:
            pass
    if message.segments == 1 and not message.udh:
        units = ucs2.encode(message.body)
        if len(units) <= 2 * SINGLE_UNITS:
            return b"", units, DataCoding.UCS2
    raise CannotCarry(f"the text is not of {alphabet.value}")


def write_whole(message: Message, alphabet: DefaultAlphabet) -> tuple[bytes, bytes, int]:
    """The same of a text that need not be cut, and so can be UCS-2 at any length. Its header names
    national languages, if anything."""
    own = message.smpp.data_coding if message.smpp else None
    shifts = message.locking_shift, message.single_shift
    if message.encoding is Encoding.GSM_7BIT and alphabet in CHARSETS and own is None:
        try:
            return b"", message.body.encode(CHARSETS[alphabet]), DataCoding.DEFAULT_ALPHABET
        except UnicodeEncodeError:
            return b"", ucs2.encode(message.body), DataCoding.UCS2
    if message.encoding is not Encoding.GSM_7BIT:
        return write(message, b"", ucs2.encode(message.body), alphabet)
    header = udh.shift_elements(*shifts)
    header = bytes([len(header)]) + header if header else b""
    return write(message, header, gsm_03_38.encode(message.body, *shifts), alphabet)


def _is_whole(text: str, octets: bytes) -> bool:
    """Whether nothing is lost: a part that a customer cut within an escape sequence has half of
    a character."""
    return gsm_03_38.try_encode(text) == octets
