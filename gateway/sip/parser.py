"""Octets to a message (RFC 3261 §7, §18.3): the split by hand, the bounds, what must be there."""

from __future__ import annotations

import re

from gateway.sip.address import plain_address
from gateway.sip.cseq import known_cseq
from gateway.sip.errors import GrammarError, MessageError, RequestRefused
from gateway.sip.grammar import is_token
from gateway.sip.header_names import KNOWN, NAMES
from gateway.sip.headers import Field, Headers, ReadHeaders
from gateway.sip.message import VERSION, SipMessage, SipRequest, SipResponse
from gateway.sip.message_fields import USUAL_NUMBERS
from gateway.sip.methods import METHODS
from gateway.sip.reasons import reason_of
from gateway.sip.received_message import ReceivedRequest, ReceivedResponse, received
from gateway.sip.uri import URI_MAX, SipUri, plain_sip_uri
from gateway.sip.via import usual_via

HEAD_OCTETS_MAX = 16_384
HEADERS_MAX = 256
BODY_OCTETS_MAX = 65_536
# What is shorter cannot have too many.
MODEST_OCTETS = HEADERS_MAX * len("a:\r\n")

# Each of these comes once (§7.3.1, §20).
SINGLE = ("From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length")

# A line, without the space around its value. As many matches as there are line ends: each line is
# one, unless it is folded or its name is none. _odd_fields reads those.
_FIELD = re.compile(r"\r\n([^:\r]+):[ \t]*+([^\r]*)(?<![ \t])")
_LINE_END = re.compile("[\r\n]")
_VERSION = re.compile(r"SIP/[0-9]+\.[0-9]+", re.IGNORECASE)
_STATUS = {str(status): status for status in range(100, 700)}

_new = object.__new__


def parse(octets: bytes) -> SipRequest | SipResponse:
    """The message that a datagram holds; what follows its body is left (§18.3).

    Raises RequestRefused for a request that has an answer, MessageError for all else.
    """
    if octets[:1] < b" ":
        octets = _without_blank_lines(octets)
    end = octets.find(b"\r\n\r\n")
    if end < 0:
        raise MessageError("the head has no end")
    rest = octets[end + 4 :]
    message = (_usual(octets[:end]) if end <= MODEST_OCTETS else None) or parse_head(octets[:end])
    length = message.content_length
    if length == len(rest) <= BODY_OCTETS_MAX:
        message.body = rest
        return message
    if length is None:
        length = len(rest)
    if length > BODY_OCTETS_MAX:
        raise refusal(message, "the body is too long", 413)
    if length > len(rest):
        raise refusal(message, "Content-Length is more than there is")
    message.body = rest[:length]
    return message


def _without_blank_lines(octets: bytes) -> bytes:
    """Those before the start line mean nothing (§7.5)."""
    start = 0
    while octets.startswith(b"\r\n", start):
        start += 2
    return octets[start:]


def parse_head(head: bytes) -> SipRequest | SipResponse:
    """The start line and the headers, without the empty line that ends them."""
    return (_usual(head) if len(head) <= MODEST_OCTETS else None) or _parse_odd_head(head)


def _usual(head: bytes) -> SipRequest | SipResponse | None:
    """A message as nearly all are written, in one pass and without a value that nobody may ask
    for: what it must have is only looked at. None is for all else, which `_parse_odd_head` reads
    from the beginning, whatever is the matter with it."""
    text = head.decode("utf-8", "surrogateescape")
    start = text.find("\r\n")
    fields = _FIELD.findall(text, start)
    if start < 0 or not text.count("\r") == text.count("\n") == len(fields):
        return None
    message: ReceivedRequest | ReceivedResponse
    try:
        first = dict(reversed(fields))
        if KNOWN.issuperset(first):
            headers = _new(ReadHeaders)
            headers._fields = fields
            headers.first = first
            headers.repeats = len(fields) - len(first)
        else:
            headers = ReadHeaders.read(fields)
            first = headers.first
        via = usual_via(first["Via"])
        from_ = plain_address(first["From"])
        to = plain_address(first["To"])
        call_id = first["Call-ID"]
        cseq = known_cseq(first["CSeq"])
        length = USUAL_NUMBERS[first.get("Content-Length")]
        if headers.repeats:
            _check_single(headers)
    except (GrammarError, KeyError):
        return None
    if not (via and from_ and to and call_id) or " " in call_id or "\t" in call_id:
        return None
    method, _, rest = text[:start].partition(" ")
    if method == VERSION:
        status = _STATUS.get(rest[:3])
        if status is None or rest[3:4] != " ":
            return None
        message = _new(ReceivedResponse)
        message.status = status
        message.reason = rest[4:]
        message._via = None
        message.branch = via[4]
    else:
        uri, _, version = rest.partition(" ")
        if version != VERSION or cseq[1] != method or method not in METHODS:
            return None
        if not plain_sip_uri(uri):
            return None
        message = _new(ReceivedRequest)
        message.method = method
        message.uri = uri
        message._request_uri = None
        message._via = None
        message.usual_via = via
        message.branch = via[4]
    message.headers = headers
    message.call_id = call_id
    message.cseq = cseq
    message.from_tag = from_[1]
    message.to_tag = to[1]
    message.content_length = length
    message._from = message._to = message._contacts = message._target = None
    return message


def _parse_odd_head(head: bytes) -> SipRequest | SipResponse:
    start_line, headers, trouble = split_head(head)
    message = _started(start_line, headers)
    if trouble:
        raise refusal(message, trouble)
    if len(head) > MODEST_OCTETS and (len(head) > HEAD_OCTETS_MAX or len(headers) > HEADERS_MAX):
        raise refusal(message, "the head is too long", 513)
    try:
        return _checked(message)
    except GrammarError as error:
        raise refusal(message, str(error)) from error


def split_head(head: bytes) -> tuple[str, Headers, str]:
    """The start line, the fields that can be read, and what is wrong with the others."""
    text = head.decode("utf-8", "surrogateescape")
    start = text.find("\r\n")
    if start >= 0:
        fields = _FIELD.findall(text, start)
        if text.count("\r") == text.count("\n") == len(fields):
            try:
                return text[:start], ReadHeaders.read(fields), ""
            except GrammarError:
                pass  # A name is none, or a line is folded.
    return _split_odd_head(text)


def _split_odd_head(text: str) -> tuple[str, Headers, str]:
    """Of which some lines are not as nearly all are."""
    start_line, *lines = text.split("\r\n")
    fields, trouble = _odd_fields(lines)
    if text.count("\n") != len(lines) or text.count("\r") != len(lines):
        trouble = "a line holds CR or LF"
        fields = [(name, _LINE_END.sub(" ", value)) for name, value in fields]
    return start_line, Headers.of(fields), trouble


def refusal(message: SipMessage, text: str, status: int = 400) -> MessageError:
    """What to raise for a message that is not to be read on."""
    if isinstance(message, SipRequest):
        return RequestRefused(text, message, status, reason_of(status))
    return MessageError(text, message)


def _odd_fields(lines: list[str]) -> tuple[list[Field], str]:
    """The fields of lines of which some go on in the next (§7.3.1), or are none: those that can be
    read, and what is wrong with the others."""
    fields: list[Field] = []
    trouble = ""
    for line in _unfolded(lines):
        name, colon, value = line.partition(":")
        if colon and is_token(name.rstrip(" \t")):
            fields.append((NAMES[name], value.strip(" \t")))
        else:
            trouble = "a header line is malformed"
    return fields, trouble


def _unfolded(lines: list[str]) -> list[str]:
    """With each fold a single space, as it counts (§7.3.1)."""
    whole: list[list[str]] = []
    for line in lines:
        if line[:1] in (" ", "\t") and whole:
            whole[-1].append(line.strip(" \t"))
        else:
            whole.append([line.rstrip(" \t")])
    return [" ".join(pieces) for pieces in whole]


def _started(start_line: str, headers: Headers) -> SipRequest | SipResponse:
    method, _, rest = start_line.partition(" ")
    if method == VERSION:
        return _response(start_line, headers)
    uri, _, version = rest.partition(" ")
    if version == VERSION and uri and method in METHODS:
        return SipRequest(method, uri, headers)
    return _odd_start(start_line, headers)


def _odd_start(start_line: str, headers: Headers) -> SipRequest | SipResponse:
    parts = start_line.split(" ")
    if parts[0][:4].upper() == "SIP/":
        return _response(start_line, headers)
    method = parts[0]
    if method not in METHODS and not is_token(method):
        raise refusal(SipRequest("UNKNOWN", "", headers), "the method is malformed")
    if len(parts) != 3 or not parts[1]:
        raise refusal(SipRequest(method, "", headers), "the Request-Line is malformed")
    _, uri, version = parts
    request = SipRequest(method, uri, headers)
    if version != VERSION and version.upper() != VERSION:
        known = _VERSION.fullmatch(version)
        raise refusal(request, "the version is not SIP/2.0", 505 if known else 400)
    return request


def _response(start_line: str, headers: Headers) -> SipResponse:
    version, _, rest = start_line.partition(" ")
    digits, _, reason = rest.partition(" ")
    status = _STATUS.get(digits)
    if status is None or (version != VERSION and version.upper() != VERSION):
        raise MessageError("the Status-Line is malformed")
    if "\r" in reason or "\n" in reason:
        raise MessageError("the Status-Line is malformed")
    return SipResponse(status, reason, headers)


def _checked(started: SipRequest | SipResponse) -> ReceivedRequest | ReceivedResponse:
    """With what each message must have (§8.1.1, §20 table 2)."""
    if started.headers.repeats:
        _check_single(started.headers)
    message = received(started)
    if isinstance(message, ReceivedRequest):
        if message.cseq.method != message.method:
            # RFC 4475 §3.1.2.18: that the method is unknown says more.
            status = 400 if message.method in METHODS else 501
            raise refusal(message, "CSeq has another method", status)
        if len(message.uri) > URI_MAX:
            raise refusal(message, "the Request-URI is too long", 414)
        uri = message.request_uri
        if isinstance(uri, SipUri) and uri.headers:
            raise GrammarError("the Request-URI has headers")
    return message


def _check_single(headers: Headers) -> None:
    names = [name for name, _ in headers]
    if names.count("Via") - 1 == headers.repeats:
        return
    for name in SINGLE:
        if names.count(name) > 1:
            raise GrammarError(f"{name} comes twice")
