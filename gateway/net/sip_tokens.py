"""What nobody may guess: the unique part of branches, tags and Call-IDs (RFC 3261 §19.3)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

TOKEN_OCTETS = 10
# One read of the system's randomness is for so many: a call has six.
TOKENS_READ = 256


def tokens() -> Iterator[str]:
    """In hexadecimal, without an end."""
    digits = 2 * TOKEN_OCTETS
    while True:
        text = secrets.token_hex(TOKENS_READ * TOKEN_OCTETS)
        for at in range(0, len(text), digits):
            yield text[at : at + digits]
