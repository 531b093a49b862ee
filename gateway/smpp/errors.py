"""Trouble with a PDU or a session, in the specification's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.smpp.constants import CommandStatus

if TYPE_CHECKING:
    from gateway.smpp.pdus import Pdu


class SmppError(Exception):
    """Anything that this package raises on purpose."""


class PduError(SmppError):
    """A PDU of the peer's that cannot be read, with the status that answers it.

    `pdu` is what could be read of a response: nobody can ask for it again.
    """

    def __init__(self, text: str, status: CommandStatus) -> None:
        super().__init__(text)
        self.status = status
        self.pdu: Pdu | None = None


class NotBound(SmppError):
    """The session's state does not allow this request (§2.3, table 2-1)."""


class WindowFull(SmppError):
    """As many of our requests await their response as the window allows (§2.5)."""


class FieldError(SmppError):
    """A value of ours that does not fit its field."""
