"""Bodies of several parts (RFC 5621, RFC 2046 §5.1), and the session description in a body."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gateway.sip.errors import GrammarError
from gateway.sip.grammar import unquote
from gateway.sip.headers import Headers
from gateway.sip.message import SipMessage
from gateway.sip.message_fields import SDP
from gateway.sip.parameters import parse_parameters
from gateway.sip.parser import split_head

PARTS_MAX = 16
# Parts may be of several parts themselves (RFC 5621 §3.1).
DEPTH_MAX = 3
BOUNDARY_MAX = 70
# As SIP carries any octet, what is coded otherwise is a type that we do not know.
_PLAIN_ENCODINGS = frozenset({"", "7bit", "8bit", "binary"})


class Part(msgspec.Struct, frozen=True):
    headers: Headers
    body: bytes

    @property
    def content_type(self) -> str:
        """As it is written, text/plain where nothing is (RFC 2046 §5.1)."""
        return self.headers.get("Content-Type") or "text/plain"

    @property
    def is_session(self) -> bool:
        """A session description, for which `session` is what goes without saying (RFC 5621 §7)."""
        return (
            _kind(self.content_type) == SDP
            and self._disposition()[0] in ("", "session")
            and (self.headers.get("Content-Transfer-Encoding") or "").lower() in _PLAIN_ENCODINGS
        )

    @property
    def is_required(self) -> bool:
        """Whether a request cannot be served by who does not know what it is (RFC 5621 §8)."""
        return self._disposition()[1] != "optional"

    def _disposition(self) -> tuple[str, str]:
        """What it is for, and its handling."""
        value = self.headers.get("Content-Disposition") or ""
        kind, semicolon, rest = value.partition(";")
        parameters = parse_parameters(semicolon + rest) if semicolon else {}
        return kind.strip(" \t").lower(), unquote(parameters.get("handling") or "").lower()


def is_multipart(content_type: str) -> bool:
    return content_type[:10].lower() == "multipart/"


def parts(content_type: str, body: bytes, depth: int = 1) -> Iterator[Part]:
    """The innermost, in their order.

    Raises:
        GrammarError: it cannot be taken apart, or there are too many.
    """
    if depth > DEPTH_MAX:
        raise GrammarError("parts are in parts too often")
    delimiter = b"\r\n--" + _boundary(content_type).encode("utf-8", "surrogateescape")
    _, *pieces = (b"\r\n" + body).split(delimiter, PARTS_MAX + 1)
    if not pieces or not any(piece.startswith(b"--") for piece in pieces):
        raise GrammarError("the body's parts have no end")
    for piece in pieces:
        if piece.startswith(b"--"):
            return
        part = _part(piece)
        if is_multipart(part.content_type):
            yield from parts(part.content_type, part.body, depth + 1)
        else:
            yield part


def session_description(message: SipMessage) -> bytes:
    """Of the body, or of the first part of it that is one; empty where there is none."""
    kind = message.content_type
    if kind == SDP:
        return message.body
    if kind is None or not message.body or not is_multipart(kind):
        return b""
    try:
        found = parts(message.required("Content-Type"), message.body)
        return next((part.body for part in found if part.is_session), b"")
    except GrammarError:
        return b""


def _part(piece: bytes) -> Part:
    """What follows a delimiter, the rest of whose line is blank."""
    line, ends, rest = piece.partition(b"\r\n")
    if not ends or line.strip(b" \t"):
        raise GrammarError("a part has no begin")
    if rest.startswith(b"\r\n"):
        return Part(Headers.of([]), rest[2:])
    head, ends, body = rest.partition(b"\r\n\r\n")
    _, headers, trouble = split_head(b"\r\n" + head)
    if not ends or trouble:
        raise GrammarError("the head of a part is malformed")
    return Part(headers, body)


def _boundary(content_type: str) -> str:
    _, semicolon, rest = content_type.partition(";")
    parameters = parse_parameters(semicolon + rest) if semicolon else {}
    boundary = unquote(parameters.get("boundary") or "")
    if not 0 < len(boundary) <= BOUNDARY_MAX:
        raise GrammarError("a body of several parts has no boundary")
    return boundary


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip(" \t").lower()
