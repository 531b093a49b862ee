"""X-Twilio-Signature: how a customer knows that a webhook is ours (Twilio contract, C.6). Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha1
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

Field = tuple[str, str]

SIGNATURE_HEADER = "X-Twilio-Signature"
# Of SHA-1.
BLOCK_OCTETS = 64
KEYS_CACHED_MAX = 4_096


def signature(auth_token: str, url: str, fields: Iterable[Field] = ()) -> str:
    """Sign the URL and the form fields with the account's auth token.

    `url` is the one that the server sees, query included, without credentials and fragment. A GET
    has no fields: its parameters stand in the URL. The fields are sorted by key, then value, and a
    pair that is there twice counts once.
    """
    signed = url + "".join(key + value for key, value in sorted(set(fields)))
    inner, outer = _keyed(auth_token)
    inner = inner.copy()
    inner.update(signed.encode())
    outer = outer.copy()
    outer.update(inner.digest())
    return base64.b64encode(outer.digest()).decode("ascii")


@lru_cache(maxsize=KEYS_CACHED_MAX)
def _keyed(auth_token: str) -> tuple[_Hash, _Hash]:
    """HMAC (RFC 2104) up to where the text comes in: half of its cost, and `hmac.digest` lets go of
    the interpreter besides, which then has to be waited for."""
    key = auth_token.encode()
    key = (sha1(key).digest() if len(key) > BLOCK_OCTETS else key).ljust(BLOCK_OCTETS, b"\0")
    # SHA-1 is what every Twilio SDK checks; as an HMAC it is not weakened by collisions.
    return sha1(bytes(octet ^ 0x36 for octet in key)), sha1(bytes(octet ^ 0x5C for octet in key))
