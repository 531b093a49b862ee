"""X-Twilio-Signature: how a customer knows that a webhook is ours (Twilio contract, C.6). Pure."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable

Field = tuple[str, str]

SIGNATURE_HEADER = "X-Twilio-Signature"


def signature(auth_token: str, url: str, fields: Iterable[Field] = ()) -> str:
    """Sign the URL and the form fields with the account's auth token.

    `url` is the one that the server sees, query included, without credentials and fragment. A GET
    has no fields: its parameters stand in the URL. The fields are sorted by key, then value, and a
    pair that is there twice counts once.
    """
    signed = url + "".join(key + value for key, value in sorted(set(fields)))
    # SHA-1 is what every Twilio SDK checks; as an HMAC it is not weakened by collisions.
    digest = hmac.digest(auth_token.encode(), signed.encode(), "sha1")
    return base64.b64encode(digest).decode("ascii")
