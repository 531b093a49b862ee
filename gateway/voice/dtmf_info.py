"""Digits by SIP INFO, as PBXs and phones write them: `application/dtmf-relay` with a signal and how
long it is pressed, and `application/dtmf`, which is the signal alone. No RFC has either.
"""

from __future__ import annotations

import re

from gateway.sip.headers import Field
from gateway.sip.message import SipRequest

RELAY, ALONE = "application/dtmf-relay", "application/dtmf"
CONTENT: tuple[Field, ...] = (("Content-Type", RELAY),)
_SIGNAL = re.compile(rb"(?:^|\n)[ \t]*Signal[ \t]*=[ \t]*(1[0-5]|[0-9A-D*#])\s*(?:\n|$)", re.I)
_ALONE = re.compile(rb"\s*(1[0-5]|[0-9A-D*#])\s*", re.I)
# Some write an event's number (RFC 4733 §3.2) in the place of its sign.
_BY_NUMBER = dict(zip(("10", "11", "12", "13", "14", "15"), "*#ABCD", strict=True))


def digit_of(request: SipRequest) -> str:
    """The digit that an INFO tells; empty where it tells none."""
    kind = (request.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    if kind == RELAY:
        found = _SIGNAL.search(request.body)
    elif kind == ALONE:
        found = _ALONE.fullmatch(request.body)
    else:
        return ""
    sign = found[1].decode().upper() if found is not None else ""
    return _BY_NUMBER.get(sign, sign)


def body_of(digit: str, duration_ms: int) -> bytes:
    return f"Signal={digit}\r\nDuration={duration_ms}\r\n".encode()
