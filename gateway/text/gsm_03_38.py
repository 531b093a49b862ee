"""The GSM 7 bit default alphabet and its extension table (3GPP TS 23.038 §6.2.1).

A septet is one octet here. A character of the extension table costs two: ESC, then its place.
"""

from __future__ import annotations

import codecs
import re

from gateway.text.errors import UnencodableError

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


def try_encode(text: str) -> bytes | None:
    """The septets of `text`, or None where a character is not in the alphabet."""
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


def encode(text: str) -> bytes:
    """The septets of `text`, one an octet. Raises UnencodableError; nothing becomes a `?`."""
    octets = try_encode(text)
    if octets is None:
        position = next(i for i, character in enumerate(text) if try_encode(character) is None)
        raise UnencodableError(text[position], position)
    return octets


def decode(octets: bytes) -> str:
    """The text of septets, one an octet. Join the parts of a message first: a peer may have split
    an escape sequence between two of them.

    As §6.2.1 asks, a place that the extension table leaves empty is read in the default alphabet,
    and an ESC that escapes nothing is a space. An octet over 0x7F is no septet: U+FFFD.
    """
    text, _ = codecs.charmap_decode(octets, "replace", DEFAULT_ALPHABET)
    if ESC not in octets:
        return text
    return _ESCAPE_SEQUENCE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), text)


def is_encodable(text: str) -> bool:
    return try_encode(text) is not None


def septets(text: str) -> int:
    """What `text` costs, in septets. Raises UnencodableError."""
    return len(encode(text))
