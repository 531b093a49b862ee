"""What an idempotency key names, and what was asked for with it, as 16 octets each.

A key is the account's: two accounts may use the same one. What was asked for is told by a
fingerprint, so that a key that comes again with another request is found out without keeping the
request itself.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from gateway.errors import Refusal, Refused
from gateway.message import Encoding, Receipts
from gateway.messaging.admission import SendRequest

KEY_OCTETS_MAX = 255
DIGEST_OCTETS = 16

# What the customer chooses, and what stands for not having chosen. Whoever adds a field here takes
# care of that: what is not chosen is left out, so that fingerprints of earlier versions stay valid.
CHOICES: tuple[tuple[str, object], ...] = (
    ("sender", None),
    ("recipient", None),
    ("body", None),
    ("status_callback", ""),
    ("validity_s", None),
    ("send_at", 0.0),
    ("receipts", Receipts.NONE),
    ("udh", b""),
    ("octets", b""),
    ("traffic_type", ""),
    ("smart_encoded", False),
    ("smpp", None),
)
TIMES = frozenset({"validity_s", "send_at"})

_encode = msgspec.msgpack.Encoder().encode


def keyed(request: SendRequest, key: bytes, times: str = "") -> SendRequest:
    """The request with the key that its customer gave, of 1 to 255 octets.

    `times` are the customer's own words where `validity_s` and `send_at` were reckoned from now:
    those words are the same the second time, the figures are not.

    Raises:
        Refused: the key is too long, or empty.
    """
    if not 1 <= len(key) <= KEY_OCTETS_MAX:
        raise Refused(Refusal.IDEMPOTENCY_KEY_INVALID)
    return msgspec.structs.replace(
        request,
        key=_digest(request.account.sid.encode() + b"\0" + key),
        fingerprint=fingerprint(request, times),
    )


def fingerprint(request: SendRequest, times: str = "") -> bytes:
    """Equal for equal requests, whichever door they come through."""
    chosen: dict[str, object] = {
        name: value
        for name, default in CHOICES
        if (value := getattr(request, name)) != default and not (times and name in TIMES)
    }
    if times:
        chosen["times"] = times
    # Any other text gets its encoding from the splitter.
    if request.udh or request.octets or request.encoding is Encoding.BINARY:
        chosen["encoding"] = request.encoding
    return _digest(_encode(chosen))


def _digest(octets: bytes) -> bytes:
    return sha256(octets).digest()[:DIGEST_OCTETS]
