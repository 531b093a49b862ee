"""The idempotency key of a request, under the IETF's name of its header or under Twilio's.

Twilio's servers send `I-Twilio-Idempotency-Token` with webhooks; an SDK's HTTP client can send it
as well. `Idempotency-Key` is draft-ietf-httpapi-idempotency-key §2.
"""

from __future__ import annotations

from gateway.errors import Refusal, Refused

NAMES = frozenset({b"idempotency-key", b"i-twilio-idempotency-token"})
VISIBLE = frozenset(range(0x21, 0x7F))


def idempotency_key(headers: dict[bytes, bytes]) -> bytes | None:
    """The key as it was sent, None without one. Its length is for others to judge.

    Raises:
        Refused: a character that is not visible ASCII, or two keys that differ.
    """
    if NAMES.isdisjoint(headers):
        return None
    keys = {headers[name] for name in NAMES if name in headers}
    if len(keys) > 1:
        raise Refused(
            Refusal.PARAMETER_INVALID,
            "Idempotency-Key and I-Twilio-Idempotency-Token name different keys",
        )
    (key,) = keys
    if not VISIBLE.issuperset(key):
        raise Refused(Refusal.IDEMPOTENCY_KEY_INVALID)
    return key
