"""The message_ids of SMPP v3.3, which have 8 hexadecimal digits and so cannot be a sid.

They are found through the index of idempotency keys, which an ESME of v3.3 has no TLV to use
itself: across restarts, for as long as such keys are kept, and the newest where one came again.
"""

from __future__ import annotations

from hashlib import sha256

from gateway.store.rows import KEY_OCTETS

NO_FINGERPRINT = bytes(KEY_OCTETS)


def short_key(account_sid: str, short_id: int) -> tuple[bytes, bytes]:
    """The key, and the fingerprint, under which the message is stored. A customer's own key is a
    digest of other octets: there a NUL follows the sid at once."""
    digest = sha256(f"{account_sid}/short_id\0{short_id}".encode()).digest()
    return digest[:KEY_OCTETS], NO_FINGERPRINT
