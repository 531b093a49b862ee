"""Requests and responses (RFC 3261 §7) and their octets.

A message does not change, but for the Via that its transport writes; what else alters it makes
another. What its fields say is read at first use and kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gateway.sip.address import Address
from gateway.sip.errors import GrammarError, ValueRefused
from gateway.sip.grammar import is_token, one_line
from gateway.sip.headers import Field, Headers, own_fields
from gateway.sip.message_fields import MessageFields
from gateway.sip.reasons import reason_of
from gateway.sip.uri import Uri, parse_uri
from gateway.sip.via import Via, parse_vias

VERSION = "SIP/2.0"
MAX_FORWARDS: Final = 70

_CONTENT_LENGTH = re.compile("\r\nContent-Length: [^\r\n]*")


_LINE = ": ".join
_new = object.__new__


class SipMessage(MessageFields):
    """What requests and responses share."""

    __slots__ = ()

    def start_line(self) -> str:
        raise AssertionError

    def to_bytes(self) -> bytes:
        """With Content-Length, which is always ours."""
        head = "\r\n".join([self.start_line(), *map(_LINE, self.headers._fields)])
        if "\r\nContent-Length:" in head:
            head = _CONTENT_LENGTH.sub("", head)
        head = f"{head}\r\nContent-Length: {len(self.body)}\r\n\r\n"
        return head.encode("utf-8", "surrogateescape") + self.body

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, SipMessage)
            and self.start_line() == other.start_line()
            and self.headers == other.headers
            and self.body == other.body
        )


class SipRequest(SipMessage):
    """`uri` is the Request-URI as it is written."""

    __slots__ = ("_request_uri", "method", "uri")

    usual_via: re.Match[str] | None = None

    def __init__(self, method: str, uri: str, headers: Headers, body: bytes = b"") -> None:
        self.method = method
        self.uri = uri
        self.headers = headers
        self.body = body
        self._request_uri: Uri | None = None
        self._via = self._from = self._to = self._contacts = self._target = None

    @classmethod
    def make(
        cls,
        method: str,
        uri: str | Uri,
        *,
        from_: str | Address,
        to: str | Address,
        call_id: str,
        cseq: int,
        via: str | Via | None = None,
        max_forwards: int = MAX_FORWARDS,
        routes: Iterable[str | Address] = (),
        contact: str | Address | None = None,
        headers: Iterable[Field] = (),
        body: bytes = b"",
        content_type: str | None = None,
    ) -> SipRequest:
        """Of our own values (§8.1.1); raises ValueRefused where one cannot be written."""
        uri = one_line(str(uri))
        if not is_token(method) or not uri or " " in uri:
            raise ValueRefused("the method or the URI does not fit its line")
        fields: list[Field] = [] if via is None else [("Via", str(via))]
        fields += [("Route", str(route)) for route in routes]
        fields += [
            ("Max-Forwards", str(max_forwards)),
            ("From", str(from_)),
            ("To", str(to)),
            ("Call-ID", call_id),
            ("CSeq", f"{cseq} {method}"),
        ]
        if contact is not None:
            fields.append(("Contact", str(contact)))
        fields += headers
        if content_type is not None:
            fields.append(("Content-Type", content_type))
        return cls(method, uri, Headers(fields), body)

    @property
    def request_uri(self) -> Uri:
        if self._request_uri is None:
            self._request_uri = parse_uri(self.uri)
        return self._request_uri

    @property
    def answerable(self) -> bool:
        """Not an ACK (§17.1.1.3), and it has a Via. Where that cannot be read (`via` raises), the
        way back is the way it came."""
        return self.method != "ACK" and "Via" in self.headers

    def start_line(self) -> str:
        return f"{self.method} {self.uri} {VERSION}"

    def with_headers(self, headers: Headers) -> SipRequest:
        return SipRequest(self.method, self.uri, headers, self.body)

    def received_from(self, address: str, port: int) -> SipRequest:
        """Itself, marked as the transport does it before anyone reads it (§18.2.1, RFC 3581 §4)."""
        via = self.via
        self._via = stamped = via.stamped(address, port)
        if stamped is via:
            return self
        headers = self.headers
        name, value = headers.topmost
        if name != "Via" or "," in value:
            first, *rest = headers.get_all("Via")
            below = [] if "," not in first else list(map(str, parse_vias(first)[1:]))
            self.headers = headers.replacing("Via", str(stamped), *below, *rest)
        elif value.endswith(";rport") and "received" not in via.parameters:
            # The marks are put behind what stands there.
            self.headers = headers.with_topmost(f"{value}={port};received={address}")
        else:
            self.headers = headers.with_topmost(str(stamped))
        return self

    def under(self, via: str) -> SipRequest:
        """Itself, with the Via of its way, of which it has none yet (§8.1.1.7)."""
        self.headers = self.headers.under(("Via", via))
        self._via = None
        return self

    def response(
        self,
        status: int,
        reason: str | None = None,
        *,
        to_tag: str | None = None,
        headers: Iterable[Field] = (),
        contact: str | Address | None = None,
        body: bytes = b"",
        content_type: str | None = None,
    ) -> SipResponse:
        """An answer to this request (§8.2.6). `to_tag` is written where To has none yet. `headers`
        are looked over, unless they are Headers, which have been."""
        fields = self._echoed(status, to_tag)
        if contact is not None:
            fields.append(("Contact", one_line(str(contact))))
        if headers:
            fields += headers._fields if isinstance(headers, Headers) else own_fields(headers)
        if content_type is not None:
            fields.append(("Content-Type", one_line(content_type)))
        response = _new(SipResponse)
        response.status = status
        response.reason = reason_of(status) if reason is None else one_line(reason)
        response.headers = Headers.of(fields)
        response.body = body
        response._via = response._from = response._to = None
        response._contacts = response._target = None
        return response

    def _echoed(self, status: int, to_tag: str | None) -> list[Field]:
        """What a response has of its request (§8.2.6.2)."""
        asked, first = self.headers, self.headers.first
        fields = [("Via", value) for value in asked.get_all("Via")]
        if "Record-Route" in first and 100 < status < 300:  # A dialog's route (§12.1.1).
            fields += [("Record-Route", value) for value in asked.get_all("Record-Route")]
        if "From" in first:
            fields.append(("From", first["From"]))
        if (to := first.get("To")) is not None:
            if to_tag is not None and self._to_lacks_tag():
                to = one_line(f"{to};tag={to_tag}")
            fields.append(("To", to))
        fields += [(name, first[name]) for name in ("Call-ID", "CSeq") if name in first]
        if status == 100 and "Timestamp" in first:
            fields.append(("Timestamp", first["Timestamp"]))
        return fields

    def _to_lacks_tag(self) -> bool:
        try:
            return self.to_tag is None
        except GrammarError:
            return False

    def __repr__(self) -> str:
        return f"<SipRequest {self.method} CSeq={self.headers.get('CSeq')!r}>"


class SipResponse(SipMessage):
    __slots__ = ("reason", "status")

    def __init__(self, status: int, reason: str, headers: Headers, body: bytes = b"") -> None:
        self.status = status
        self.reason = one_line(reason)
        self.headers = headers
        self.body = body
        self._via = self._from = self._to = self._contacts = self._target = None

    def start_line(self) -> str:
        return f"{VERSION} {self.status} {self.reason}"

    @property
    def provisional(self) -> bool:
        return self.status < 200

    def with_headers(self, headers: Headers) -> SipResponse:
        return SipResponse(self.status, self.reason, headers, self.body)

    def __repr__(self) -> str:
        return f"<SipResponse {self.status} CSeq={self.headers.get('CSeq')!r}>"
