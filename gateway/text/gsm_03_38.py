"""The GSM 7 bit default alphabet and its extension table (3GPP TS 23.038 §6.2.1).

A septet is one octet here. A character of the extension table costs two: ESC, then its place.

`locking` and `single` name the national languages whose tables take the place of the two, 0 for
none (§6.2.1.2). A language that is not known, or has no such table, is none.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import cache

from gateway.text.errors import UnencodableError
from gateway.text.national_language import LOCKING_SHIFT_TABLES, SINGLE_SHIFT_TABLES

ESC = 0x1B

# §6.2.1, by septet. 0x1B is the escape to the extension table; 0x09 is the capital Ç of the
# specification, so that ç has no place here.
DEFAULT_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)

# §6.2.1.1, by the septet behind ESC. 0x0A is a page break.
EXTENSION_TABLE = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}

# What is the same in ASCII, of which most texts are made: to delete all of it from one, and to see
# that nothing is left, is faster than to look up each character.
_AS_IN_ASCII = bytes(
    septet for septet, character in enumerate(DEFAULT_ALPHABET) if ord(character) == septet != ESC
)

# CPython looks a character up several times faster in its own EncodingMap than in a dict, but such
# a map gives one octet a character, and 0x00 to NUL alone. So a text is first coded with bit 8 set
# on what is no septet yet: 0x80 stands for @, 0x80 | n for ESC n. A 0x00 then betrays a NUL.
_CODES = dict(enumerate(DEFAULT_ALPHABET)) | {0x00: "\0", ESC: "\ufffe", 0x80: "@"}
_CODES |= {0x80 | septet: character for septet, character in EXTENSION_TABLE.items()}
_ENCODING_MAP = codecs.charmap_build("".join(_CODES.get(code, "\ufffe") for code in range(256)))
_EXPANSIONS = [(b"\x80", b"\0")]
_EXPANSIONS += [(bytes([0x80 | septet]), bytes([ESC, septet])) for septet in EXTENSION_TABLE]

# The text behind an ESC was decoded with the default alphabet: back to what the escape meant. An
# escape to a further table, which nobody has defined, is shown as a space.
_ESCAPED = {DEFAULT_ALPHABET[septet]: character for septet, character in EXTENSION_TABLE.items()}
_ESCAPED |= {"\x1b": " ", "": " "}
_ESCAPE_SEQUENCE = re.compile("\x1b(.?)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class NationalAlphabet:
    """A locking and a single shift table: the septets of each character, and what octets mean,
    alone (`plain`) and behind an ESC (`shifted`)."""

    septets: dict[str, bytes]
    plain: tuple[str, ...]
    shifted: tuple[str, ...]


def national_alphabet(locking: int, single: int) -> NationalAlphabet:
    """The alphabet of two tables. Unknown languages share those of the default ones, so that no
    more of them are kept than there are tables."""
    return _national_alphabet(
        locking if locking in LOCKING_SHIFT_TABLES else 0,
        single if single in SINGLE_SHIFT_TABLES else 0,
    )


@cache
def _national_alphabet(locking: int, single: int) -> NationalAlphabet:
    main = LOCKING_SHIFT_TABLES[locking] if locking else dict(enumerate(DEFAULT_ALPHABET))
    extension = SINGLE_SHIFT_TABLES[single] if single else EXTENSION_TABLE
    # The cheaper place of a character counts, and of two that cost the same the first.
    septets: dict[str, bytes] = {}
    for septet, character in main.items():
        if septet != ESC:
            septets.setdefault(character, bytes([septet]))
    for septet, character in extension.items():
        septets.setdefault(character, bytes([ESC, septet]))
    plain = [main.get(septet, " ") for septet in range(0x80)] + ["\ufffd"] * 0x80
    plain[ESC] = " "
    shifted = [extension.get(octet, plain[octet]) for octet in range(0x100)]
    return NationalAlphabet(septets, tuple(plain), tuple(shifted))


def try_encode(text: str, locking: int = 0, single: int = 0) -> bytes | None:
    """The septets of `text`, or None where a character is not in the alphabet."""
    if locking or single:
        septets = national_alphabet(locking, single).septets
        try:
            return b"".join([septets[character] for character in text])
        except KeyError:
            return None
    if text.isascii():
        octets = text.encode("ascii")
        if not octets.translate(None, _AS_IN_ASCII):
            return octets
    try:
        octets, _ = codecs.charmap_encode(text, "strict", _ENCODING_MAP)
    except UnicodeEncodeError:
        return None
    if 0 in octets:
        return None
    if not octets.isascii():
        for code, expansion in _EXPANSIONS:
            octets = octets.replace(code, expansion)
    return octets


def encode(text: str, locking: int = 0, single: int = 0) -> bytes:
    """The septets of `text`, one an octet. Raises UnencodableError; nothing becomes a `?`."""
    octets = try_encode(text, locking, single)
    if octets is None:
        position = next(
            i for i, character in enumerate(text) if try_encode(character, locking, single) is None
        )
        raise UnencodableError(text[position], position)
    return octets


def decode(octets: bytes, locking: int = 0, single: int = 0) -> str:
    """The text of septets, one an octet. Join the parts of a message first: a peer may have split
    an escape sequence between two of them.

    As §6.2.1.1 and §6.2.1.2 ask, a place that the extension or single shift table leaves empty is
    read in the default alphabet or locking shift table, and an ESC that escapes nothing is a space.
    So is an empty place of a locking shift table. An octet over 0x7F is no septet: U+FFFD.
    """
    if locking or single:
        return _decode_national(octets, national_alphabet(locking, single))
    if not octets.translate(None, _AS_IN_ASCII):
        return octets.decode("ascii")
    text, _ = codecs.charmap_decode(octets, "replace", DEFAULT_ALPHABET)
    if ESC not in octets:
        return text
    return _ESCAPE_SEQUENCE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), text)


def _decode_national(octets: bytes, alphabet: NationalAlphabet) -> str:
    plain, shifted = alphabet.plain, alphabet.shifted
    # An escape takes the octet behind it out of the same iterator; one at the end escapes itself.
    rest = iter(octets)
    return "".join([shifted[next(rest, ESC)] if octet == ESC else plain[octet] for octet in rest])


def is_encodable(text: str) -> bool:
    return try_encode(text) is not None


def septets(text: str) -> int:
    """What `text` costs, in septets. Raises UnencodableError."""
    return len(encode(text))
