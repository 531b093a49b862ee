"""Requests and responses (RFC 3261 §7): what they say, read once and kept, and their octets.

A message does not change, but for the Via that its transport writes; what else alters it makes
another. The views (`via`, `cseq`, `contacts` …) are read at first use and kept. Those that every
message must have `gateway.sip.parser.parse` reads, so that of a parsed message they do not raise;
of the others each may raise GrammarError, whose answer is 400.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gateway.sip.address import Address, seconds
from gateway.sip.cseq import CSeq
from gateway.sip.errors import GrammarError, ValueRefused
from gateway.sip.grammar import is_token, one_line
from gateway.sip.headers import Field, Headers, own_fields
from gateway.sip.reasons import reason_of
from gateway.sip.uri import Uri, parse_uri
from gateway.sip.via import Via, parse_vias

VERSION = "SIP/2.0"
SDP = "application/sdp"
MAX_FORWARDS: Final = 70
MAX_FORWARDS_MAX = 255
INTEGER_MAX = 2**32 - 1

_CONTENT_LENGTH = re.compile("\r\nContent-Length: [^\r\n]*")
DIGITS_MAX = 20
# Lengths and hops as nearly all messages have them.
_USUAL_NUMBERS = {str(number): number for number in range(2_048)}


class SipMessage:
    """What requests and responses share."""

    __slots__ = (
        "_call_id",
        "_contacts",
        "_content_length",
        "_cseq",
        "_from",
        "_to",
        "_via",
        "body",
        "headers",
    )

    headers: Headers
    body: bytes
    _call_id: str | None
    _via: Via | None
    _cseq: CSeq | None
    _from: Address | None
    _to: Address | None
    _contacts: tuple[Address, ...] | None
    _content_length: int | None

    # Views

    def read(self) -> None:
        """Read the views that every message must have (§8.1.1). Raises GrammarError."""
        first = self.headers.first
        try:
            via, call_id = first["Via"], first["Call-ID"]
            self._via = Via.parse(via) if "," not in via else parse_vias(via)[0]
            self._cseq = CSeq.parse(first["CSeq"])
            self._from = Address.parse(first["From"])
            self._to = Address.parse(first["To"])
        except KeyError as missing:
            raise GrammarError(f"there is no {missing.args[0]}") from None
        if not call_id or " " in call_id or "\t" in call_id:
            raise GrammarError("Call-ID is malformed")
        self._call_id = call_id
        length = first.get("Content-Length")
        if length is not None:
            number = _USUAL_NUMBERS.get(length)
            self._content_length = self.integer("Content-Length") if number is None else number

    @property
    def via(self) -> Via:
        """The topmost."""
        via = self._via
        if via is None:
            value = self.required("Via")
            self._via = via = parse_vias(value)[0] if "," in value else Via.parse(value)
        return via

    @property
    def vias(self) -> list[Via]:
        """All of them, the topmost first."""
        return [via for value in self.headers.get_all("Via") for via in parse_vias(value)]

    @property
    def branch(self) -> str | None:
        return self.via.parameters.get("branch")

    @property
    def cseq(self) -> CSeq:
        cseq = self._cseq
        if cseq is None:
            self._cseq = cseq = CSeq.parse(self.required("CSeq"))
        return cseq

    @property
    def call_id(self) -> str:
        return self._call_id or self.required("Call-ID")

    @property
    def from_(self) -> Address:
        if self._from is None:
            self._from = Address.parse(self.required("From"))
        return self._from

    @property
    def to(self) -> Address:
        if self._to is None:
            self._to = Address.parse(self.required("To"))
        return self._to

    @property
    def to_tag(self) -> str | None:
        return (self._to or self.to).parameters.get("tag")

    @property
    def from_tag(self) -> str | None:
        return (self._from or self.from_).parameters.get("tag")

    @property
    def contacts(self) -> tuple[Address, ...]:
        """Empty also for `Contact: *`, which `contact_is_star` tells."""
        contacts = self._contacts
        if contacts is None:
            self._contacts = contacts = self._read_contacts()
        return contacts

    def _read_contacts(self) -> tuple[Address, ...]:
        elements = self.headers.elements("Contact")
        if "*" in elements:
            if len(elements) > 1:
                raise GrammarError("Contact is * and something else")
            return ()
        return tuple([Address.parse(element) for element in elements])

    @property
    def content_length(self) -> int | None:
        if self._content_length is None:
            self._content_length = self.integer("Content-Length")
        return self._content_length

    @property
    def contact_is_star(self) -> bool:
        """All bindings are meant (§10.2.2)."""
        return self.headers.first.get("Contact") == "*"

    @property
    def contact(self) -> Address | None:
        """The only one, as in a dialog; None where there is none."""
        contacts = self.contacts
        return contacts[0] if contacts else None

    @property
    def routes(self) -> tuple[Address, ...]:
        return tuple(map(Address.parse, self.headers.elements("Route")))

    @property
    def record_routes(self) -> tuple[Address, ...]:
        return tuple(map(Address.parse, self.headers.elements("Record-Route")))

    @property
    def max_forwards(self) -> int | None:
        return self.integer("Max-Forwards", MAX_FORWARDS_MAX)

    @property
    def expires_s(self) -> int | None:
        """Malformed ones mean 3600 (§20.10)."""
        value = self.headers.first.get("Expires")
        return None if value is None else seconds(value)

    @property
    def content_type(self) -> str | None:
        """In lower case, without parameters."""
        value = self.headers.first.get("Content-Type")
        if value is None or value == SDP:
            return value
        return value.partition(";")[0].strip(" \t").lower()

    def integer(self, name: str, maximum: int = INTEGER_MAX) -> int | None:
        """The value of a header of digits; None where there is none."""
        value = self.headers.first.get(name)
        if value is None:
            return None
        number = _USUAL_NUMBERS.get(value)
        if number is None:
            # "²" is a digit for isdigit, "2" of another alphabet one for int: so isascii.
            digits = len(value) <= DIGITS_MAX and value.isdigit() and value.isascii()
            number = int(value) if digits else INTEGER_MAX + 1
        if number > maximum:
            raise GrammarError(f"{name} is not a number up to {maximum}")
        return number

    def options(self, name: str) -> frozenset[str]:
        """The option tags of Require, Supported …, in lower case (§19.2)."""
        return frozenset(map(str.lower, self.headers.elements(name)))

    def required(self, name: str) -> str:
        value = self.headers.first.get(name)
        if not value:
            raise GrammarError(f"there is no {name}")
        return value

    # Octets

    def start_line(self) -> str:
        raise AssertionError

    def to_bytes(self) -> bytes:
        """With Content-Length, which is always ours."""
        head = "\r\n".join([self.start_line(), *self.headers.lines()])
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

    def __init__(self, method: str, uri: str, headers: Headers, body: bytes = b"") -> None:
        self.method = method
        self.uri = uri
        self.headers = headers
        self.body = body
        self._request_uri: Uri | None = None
        self._via = self._cseq = self._from = self._to = self._contacts = None
        self._call_id = self._content_length = None

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
        stamped = via.stamped(address, port)
        if stamped is via:
            return self
        headers = self.headers
        name, value = headers.topmost
        if name == "Via" and "," not in value:
            self.headers = headers.with_topmost(_stamped(value, via, stamped))
        else:
            first, *rest = headers.get_all("Via")
            below = [] if "," not in first else list(map(str, parse_vias(first)[1:]))
            self.headers = headers.replacing("Via", str(stamped), *below, *rest)
        self._via = stamped
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
        asked, first = self.headers, self.headers.first
        fields: list[Field] = (
            [("Via", value) for value in asked.get_all("Via")]
            if asked.repeats or "Via" not in first
            else [("Via", first["Via"])]
        )
        if "Record-Route" in first and 100 < status < 300:  # A dialog's route (§12.1.1).
            fields += [("Record-Route", value) for value in asked.get_all("Record-Route")]
        if "From" in first:
            fields.append(("From", first["From"]))
        if (to := first.get("To")) is not None:
            if to_tag is not None and self._to_lacks_tag():
                to = one_line(f"{to};tag={to_tag}")
            fields.append(("To", to))
        if "Call-ID" in first:
            fields.append(("Call-ID", first["Call-ID"]))
        if "CSeq" in first:
            fields.append(("CSeq", first["CSeq"]))
        if status == 100 and "Timestamp" in first:
            fields.append(("Timestamp", first["Timestamp"]))
        if contact is not None:
            fields.append(("Contact", one_line(str(contact))))
        fields += headers if isinstance(headers, Headers) else own_fields(headers)
        if content_type is not None:
            fields.append(("Content-Type", one_line(content_type)))
        reason = reason_of(status) if reason is None else reason
        return SipResponse(status, reason, Headers.of(fields), body)

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
        self._via = self._cseq = self._from = self._to = self._contacts = None
        self._call_id = self._content_length = None

    def start_line(self) -> str:
        return f"{VERSION} {self.status} {self.reason}"

    @property
    def provisional(self) -> bool:
        return self.status < 200

    def with_headers(self, headers: Headers) -> SipResponse:
        return SipResponse(self.status, self.reason, headers, self.body)

    def __repr__(self) -> str:
        return f"<SipResponse {self.status} CSeq={self.headers.get('CSeq')!r}>"


def _stamped(value: str, via: Via, stamped: Via) -> str:
    """The value of a Via with the marks: behind what stands there, where that is enough."""
    if not value.endswith(";rport") or via.received is not None:
        return str(stamped)
    return f"{value}={stamped.parameters['rport']};received={stamped.parameters['received']}"
