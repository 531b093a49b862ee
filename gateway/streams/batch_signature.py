"""Signs batches of events as Standard Webhooks 1.0 has it, so that its libraries can check them.

Pure. The signature is an HMAC-SHA256 over the batch's id, the time of the attempt and the body.
"""

from __future__ import annotations

import base64
import hashlib
import hmac


def signature_headers(key: bytes, body: bytes, now: float) -> dict[str, str]:
    """The three headers. The id is that of the body: the same batch again has the same."""
    batch_id = f"batch_{hashlib.sha256(body).hexdigest()[:32]}"
    timestamp = str(int(now))
    return {
        "webhook-id": batch_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(key, batch_id, timestamp, body),
    }


def signature(key: bytes, batch_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{batch_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode("ascii")
