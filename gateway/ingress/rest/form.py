"""Forms as HTML sends them (application/x-www-form-urlencoded), and query strings."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from litestar.types import Receive

from gateway.ingress.rest.errors import CLOSE, RequestError

# 1,600 characters of four octets each, all of them percent-encoded, take 19,200 octets.
FORM_OCTETS_MAX = 65_536
FIELDS_MAX = 256
SHORT_CODE_DIGITS_MAX = 8
MEDIA_TYPE = b"application/x-www-form-urlencoded"


# The escapes of ASCII (RFC 3986 §2.1); hex digits may be of either case.
ESCAPES = {
    high + low: chr(int(high + low, 16)) for high in "01234567" for low in "0123456789ABCDEFabcdef"
}


class Form(dict[str, str]):
    """The value of each name, the last where it is repeated: no parameter here is a list."""

    def text(self, name: str) -> str:
        """The value of a name that has one, else empty."""
        return self.get(name, "")

    def phone_number(self, name: str) -> str:
        """A number, with the `+` put back that an unescaped form has turned into a space."""
        number = self.text(name)
        digits = number.strip()
        if number.startswith(" ") and digits.isdecimal() and len(digits) > SHORT_CODE_DIGITS_MAX:
            return "+" + digits
        return digits


def parse_form(encoded: bytes) -> Form:
    """The fields of a form or of a query string.

    Raises:
        RequestError: too many fields, or octets that are no UTF-8.
    """
    if encoded.count(b"&") >= FIELDS_MAX:
        raise RequestError(400, f"more than {FIELDS_MAX} fields")
    form = Form()
    encoded = encoded.replace(b"+", b" ")
    try:
        if encoded.isascii():
            for field in encoded.decode().split("&"):
                if field:
                    name, _, value = field.partition("=")
                    if "%" in name:
                        name = unquoted(name)
                    form[name] = unquoted(value) if "%" in value else value
        else:
            # Octets that should have been escaped; with escapes beside them they make characters.
            for part in encoded.split(b"&"):
                if part:
                    before, _, after = part.partition(b"=")
                    form[unquote_to_bytes(before).decode()] = unquote_to_bytes(after).decode()
    except UnicodeDecodeError as error:
        raise RequestError(400, "a value is not valid UTF-8") from error
    return form


def unquoted(text: str) -> str:
    """ASCII percent-decoded (RFC 3986 §2.1); a `%` without two hex digits stays."""
    first, *others = text.split("%")
    try:
        for piece in others:
            first += ESCAPES[piece[:2]] + piece[2:]
    except KeyError:
        return unquote_to_bytes(text).decode()
    return first


async def read_form(headers: dict[bytes, bytes], receive: Receive) -> Form:
    """The form in the body of a request.

    Raises:
        RequestError: another content type or charset, too many octets, or not a form.
    """
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > FORM_OCTETS_MAX:
        raise too_large()
    return body_form(headers, await read_body(receive))


def body_form(headers: dict[bytes, bytes], body: bytes) -> Form:
    """The form that a body is.

    Raises:
        RequestError: another content type or charset, or not a form.
    """
    if body and not is_form(headers.get(b"content-type", b"")):
        raise RequestError(415)
    return parse_form(body)


async def read_body(receive: Receive) -> bytes:
    body = b""
    while True:
        event = await receive()
        if event["type"] != "http.request":
            raise RequestError(400, "the connection ended before the body did")
        body = body + event["body"] if body else event["body"]
        if len(body) > FORM_OCTETS_MAX:
            raise too_large()
        if not event["more_body"]:
            return body


def too_large() -> RequestError:
    """The rest of the body is not read, so the connection cannot serve another request."""
    return RequestError(413, f"at most {FORM_OCTETS_MAX} octets", (CLOSE,))


def is_form(content_type: bytes) -> bool:
    if content_type == MEDIA_TYPE:
        return True
    media_type, _, parameters = content_type.lower().partition(b";")
    name, _, charset = parameters.strip().partition(b"=")
    return media_type.strip() == MEDIA_TYPE and (
        name != b"charset" or charset.strip(b'"') in (b"utf-8", b"utf8", b"us-ascii")
    )
