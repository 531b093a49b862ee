"""Messages as a peer sent them: what every message must have was read when they came (RFC 3261
§8.1.1), since all that is done with them asks for it.

`gateway.sip.parser` makes them; what a plain message works out when it is asked stands here.
"""

from __future__ import annotations

import re

from gateway.sip.cseq import CSeq
from gateway.sip.grammar import one_line
from gateway.sip.headers import Field
from gateway.sip.message import SipRequest, SipResponse


class ReceivedRequest(SipRequest):
    """`usual_via` is the match of `gateway.sip.via.usual_via` with its Via as it came."""

    __slots__ = ("branch", "call_id", "content_length", "cseq", "from_tag", "to_tag", "usual_via")

    branch: str | None
    call_id: str
    content_length: int | None
    cseq: CSeq
    from_tag: str | None
    to_tag: str | None

    usual_via: re.Match[str] | None

    def received_from(self, address: str, port: int) -> SipRequest:
        via, headers = self.usual_via, self.headers
        # What asks for its port, and stands alone and first, has the marks put behind it.
        if via and not headers.repeats:
            name, value = headers.topmost
            if name == "Via" and value.endswith(";rport"):
                self._via = None
                headers.with_topmost(f"{value}={port};received={address}")
                return self
        return super().received_from(address, port)

    def _echoed(self, status: int, to_tag: str | None) -> list[Field]:
        headers, first = self.headers, self.headers.first
        if headers.repeats or "Record-Route" in first or status == 100:
            return super()._echoed(status, to_tag)
        to = first["To"]
        if to_tag is not None and self.to_tag is None:
            to = one_line(f"{to};tag={to_tag}")
        return [
            ("Via", first["Via"]),
            ("From", first["From"]),
            ("To", to),
            ("Call-ID", self.call_id),
            ("CSeq", first["CSeq"]),
        ]


class ReceivedResponse(SipResponse):
    __slots__ = ("branch", "call_id", "content_length", "cseq", "from_tag", "to_tag")

    branch: str | None
    call_id: str
    content_length: int | None
    cseq: CSeq
    from_tag: str | None
    to_tag: str | None


def received(message: SipRequest | SipResponse) -> ReceivedRequest | ReceivedResponse:
    """Raises GrammarError where one of them is not there or malformed."""
    made: ReceivedRequest | ReceivedResponse
    if isinstance(message, SipRequest):
        made = ReceivedRequest(message.method, message.uri, message.headers)
        made.usual_via = None
    else:
        made = ReceivedResponse(message.status, message.reason, message.headers)
    made.branch = message.branch
    made.cseq = message.cseq
    made.from_tag = message.from_tag
    made.to_tag = message.to_tag
    made.call_id = message.call_id
    made.content_length = message.content_length
    return made
