"""Messages out of a stream (RFC 3261 §18.3), and the keep-alives between them (RFC 5626 §3.5.1)."""

from __future__ import annotations

from enum import Enum

from gateway.sip.errors import GrammarError, MessageError
from gateway.sip.message import SipMessage, SipRequest, SipResponse
from gateway.sip.parser import BODY_OCTETS_MAX, HEAD_OCTETS_MAX, parse_head, refusal

_END = b"\r\n\r\n"
_CRLF = b"\r\n"


class KeepAlive(Enum):
    """What stands between messages. A ping is answered with one CRLF."""

    PING = "ping"
    PONG = "pong"


Framed = SipRequest | SipResponse | MessageError | KeepAlive


class StreamParser:
    """Feed it the octets of one connection as they come; it gives what they hold.

    A message that cannot be served comes as its error, RequestRefused or MessageError, in its
    turn. Where its end can be found all the same the stream goes on; where it cannot, `broken`
    says why, nothing more is read, and the connection is to be closed once the answer is sent.

    `opened` says that we opened the connection: then CRLF is the peer's pong, and else two of them
    are its ping. What the parser holds is HEAD_OCTETS_MAX and BODY_OCTETS_MAX at most, besides the
    last octets fed.
    """

    def __init__(self, opened: bool = False) -> None:
        self.broken: str | None = None
        self._opened = opened
        self._received = bytearray()
        self._searched = 0
        self._head: SipRequest | SipResponse | MessageError | None = None
        self._body_length = 0

    @property
    def holding(self) -> bool:
        """A message has begun and not ended: the rest should not be long in coming."""
        return self._head is not None or bool(self._received)

    def feed(self, octets: bytes) -> list[Framed]:
        framed: list[Framed] = []
        if self.broken is None:
            self._received += octets
        while self.broken is None and (item := self._next()) is not None:
            framed.append(item)
        if self.broken is not None:
            self._received.clear()
        return framed

    def _next(self) -> Framed | None:
        if self._head is None:
            if (keep_alive := self._keep_alive()) is not None:
                return keep_alive
            return self._read_head()
        return self._read_body(self._head)

    def _keep_alive(self) -> KeepAlive | None:
        """Of the CRLFs before a start line; those that mean nothing are left out (§7.5)."""
        received = self._received
        while received.startswith(_CRLF):
            if self._opened:
                del received[:2]
                return KeepAlive.PONG
            if received.startswith(_END):
                del received[:4]
                return KeepAlive.PING
            if len(received) < 4 and _END.startswith(received):
                return None  # Half a ping, or the CRLF before a message.
            del received[:2]
        return None

    def _read_head(self) -> Framed | None:
        received = self._received
        if not self._opened and _END.startswith(received):
            return None
        end = received.find(_END, self._searched)
        if end < 0:
            self._searched = max(0, len(received) - len(_END) + 1)
            return self._break_long() if len(received) > HEAD_OCTETS_MAX else None
        if end > HEAD_OCTETS_MAX:
            return self._break_long()
        head = bytes(received[:end])
        del received[: end + len(_END)]
        self._searched = 0
        try:
            self._head = parse_head(head)
        except MessageError as error:
            self._head = error
        return self._read_length(self._head)

    def _read_length(self, head: SipRequest | SipResponse | MessageError) -> Framed | None:
        """How far the body goes, whatever else may be wrong with the message."""
        message = head.message if isinstance(head, MessageError) else head
        try:
            length = _content_length(message)
        except GrammarError as error:
            return self._break(head, message, str(error))
        if length > BODY_OCTETS_MAX:
            return self._break(head, message, "the body is too long", 413)
        self._body_length = length
        return self._read_body(head)

    def _read_body(self, head: SipRequest | SipResponse | MessageError) -> Framed | None:
        if len(self._received) < self._body_length:
            return None
        if isinstance(head, SipMessage):
            head.body = bytes(self._received[: self._body_length])
        del self._received[: self._body_length]
        self._head = None
        return head

    def _break_long(self) -> MessageError:
        """The head has no end within the bound: what is whole of it may have an answer."""
        end = max(0, self._received.rfind(_CRLF, 0, HEAD_OCTETS_MAX))
        head = bytes(self._received[:end])
        try:
            message: SipMessage | None = parse_head(head)
        except MessageError as error:
            message = error.message
        return self._break(None, message, "the head is too long", 513)

    def _break(
        self,
        head: SipRequest | SipResponse | MessageError | None,
        message: SipMessage | None,
        text: str,
        status: int = 400,
    ) -> MessageError:
        """Nobody knows where the next message begins."""
        self.broken = text
        self._head = None
        if isinstance(head, MessageError):
            return head
        return MessageError(text) if message is None else refusal(message, text, status)


def _content_length(message: SipMessage | None) -> int:
    """On a stream it must be there (§18.3), once."""
    if message is None:
        raise GrammarError("the start line is malformed")
    values = message.headers.get_all("Content-Length")
    if len(values) != 1:
        raise GrammarError("Content-Length is not there, or comes twice")
    length = message.content_length
    assert length is not None
    return length
