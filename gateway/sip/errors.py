"""Trouble with a message of the peer's or with a value of ours, in the specification's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.sip.message import SipMessage, SipRequest


class SipError(Exception):
    """Anything that this package raises on purpose."""


class GrammarError(SipError):
    """A value that does not follow its production (RFC 3261 §25.1)."""


class ValueRefused(SipError):
    """A value of ours that cannot be written: it would end its line, or its header has no name."""


class MessageError(SipError):
    """Octets that are no message, or a response that is to be dropped: nobody waits for an answer
    (§18.1.2). `message` is what could be read of it, if anything."""

    def __init__(self, text: str, message: SipMessage | None = None) -> None:
        super().__init__(text)
        self.message = message


class RequestRefused(MessageError):
    """A request that cannot be served, with the status and reason that answer it.

    `request` holds what could be read of it; `request.response(error.status, error.reason)` is the
    answer, to be sent unless `request.answerable` is false: it is an ACK, or has no Via.
    """

    def __init__(self, text: str, request: SipRequest, status: int, reason: str) -> None:
        super().__init__(text, request)
        self.request = request
        self.status = status
        self.reason = reason
