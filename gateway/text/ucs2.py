"""UCS-2 as phones understand it: UTF-16, big endian, without byte order mark (23.038 §6.2.3).

The specification says UCS-2, which ends at U+FFFF. Every phone in use reads UTF-16, so that an
emoji is a surrogate pair and costs two of the 70 units.
"""

from __future__ import annotations

from gateway.text.errors import UnencodableError


def encode(text: str) -> bytes:
    """Raises UnencodableError for a lone surrogate, and for NUL, where C software ends a text."""
    if "\0" in text:
        raise UnencodableError("\0", text.index("\0"))
    try:
        return text.encode("utf-16-be")
    except UnicodeEncodeError as error:
        raise UnencodableError(text[error.start], error.start) from None


def decode(octets: bytes) -> str:
    """Never fails: a lone surrogate or an odd octet at the end becomes U+FFFD."""
    return octets.decode("utf-16-be", "replace")
