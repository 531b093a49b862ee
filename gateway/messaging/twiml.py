"""Messaging TwiML: what a server answers to an inbound message (contract C.5, C.8). Pure.

    <Response>
      <Message to="…" from="…" statusCallback="…">text</Message>
      <Message><Body>text</Body></Message>
    </Response>

<Sms> is the older name of <Message>, `action` that of `statusCallback`. Everything else is left
out with a warning of Twilio's code 12200. That includes <Redirect>, which would be another
request to another server on the way to an answer, and <Media>, which this gateway does not carry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from gateway.errors import GatewayError

TOO_LONG = 11750
NOT_PARSED = 12100
NOT_IN_SCHEMA = 12200
WRONG_CONTENT_TYPE = 12300
EMPTY_BODY = 14103
TOO_MANY_REPLIES = 14109

# Twilio's limit of replies to one inbound message.
REPLIES_MAX = 10

XML_TYPES = frozenset({"text/xml", "application/xml", "text/html"})
MESSAGE_VERBS = frozenset({"Message", "Sms"})


class TwimlError(GatewayError):
    """The answer cannot be used at all; `code` is Twilio's."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.reason = text


@dataclass(frozen=True, slots=True)
class Reply:
    """A message to send. Empty `recipient` and `sender` mean the texter and the number texted."""

    body: str
    recipient: str = ""
    sender: str = ""
    status_callback: str = ""


@dataclass(frozen=True, slots=True)
class TwimlWarning:
    """A part of the answer that was left out, and Twilio's code for why."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Replies:
    """What an answer asks for."""

    replies: tuple[Reply, ...] = ()
    warnings: tuple[TwimlWarning, ...] = ()


def parse(content_type: str, body: bytes, truncated: bool = False) -> Replies:
    """Read an answer: TwiML, or plain text, which is one message. An empty body asks for nothing.

    Raises:
        TwimlError: longer than was read (11750), not well-formed or with a DTD (12100), or of
            another content type (12300).
    """
    if truncated:
        raise TwimlError(TOO_LONG, "the answer is longer than 64 kB")
    if not body.strip():
        return Replies()
    media_type, charset = _content_type(content_type)
    if media_type == "text/plain":
        text = _decode(body, charset or "utf-8").strip()
        return Replies((Reply(text),) if text else ())
    if media_type not in XML_TYPES:
        raise TwimlError(WRONG_CONTENT_TYPE, "the answer is neither TwiML nor plain text")
    root = _root(_decode(body, charset) if charset else body)
    found = list(_read(root))
    replies = [item for item in found if isinstance(item, Reply)]
    warnings = [item for item in found if isinstance(item, TwimlWarning)]
    if len(replies) > REPLIES_MAX:
        warnings.append(TwimlWarning(TOO_MANY_REPLIES, f"{len(replies)} replies to one message"))
    return Replies(tuple(replies[:REPLIES_MAX]), tuple(warnings))


def _content_type(header: str) -> tuple[str, str]:
    """The media type and the charset, both in lower case (RFC 9110 §8.3.1)."""
    media_type, *parameters = (part.strip().lower() for part in header.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            return media_type, value.strip().strip('"')
    return media_type, ""


def _decode(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset, "replace")
    except LookupError:
        return body.decode("utf-8", "replace")


def _root(document: str | bytes) -> Element:
    try:
        root: Element = fromstring(document, forbid_dtd=True)
    # ValueError and LookupError are expat's words for encodings that it cannot read.
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise TwimlError(NOT_PARSED, "the TwiML is not well-formed") from error
    return root


def _read(root: Element) -> Iterator[Reply | TwimlWarning]:
    if root.tag != "Response":
        yield TwimlWarning(NOT_IN_SCHEMA, "the root is not <Response>")
        return
    for verb in root:
        if verb.tag in MESSAGE_VERBS:
            yield from _read_message(verb)
        else:
            yield TwimlWarning(NOT_IN_SCHEMA, f"<{verb.tag[:32]}> is not supported")


def _read_message(message: Element) -> Iterator[Reply | TwimlWarning]:
    texts = [message.text or ""]
    for noun in message:
        if noun.tag == "Body":
            texts.append(noun.text or "")
        else:
            yield TwimlWarning(NOT_IN_SCHEMA, f"<{noun.tag[:32]}> in <Message> is not supported")
        texts.append(noun.tail or "")
    body = "".join(texts).strip()
    if not body:
        yield TwimlWarning(EMPTY_BODY, "a <Message> has no text")
        return
    yield Reply(
        body=body,
        recipient=message.get("to", "").strip(),
        sender=message.get("from", "").strip(),
        status_callback=message.get("statusCallback", message.get("action", "")).strip(),
    )
