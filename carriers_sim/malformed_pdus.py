"""PDUs that are wrong, or oddly cut, octet by octet: the encoder refuses to write them.

Beside each stands how a peer that keeps to the rules answers it.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

import msgspec

from carriers_sim.fault import Fault
from carriers_sim.violations import Invariant
from gateway.smpp.constants import HEADER_LENGTH, CommandId, CommandStatus

HEADER = Struct(">IIII")
UNKNOWN_COMMAND_ID = 0x0000_0099
UNKNOWN_RESPONSE_ID = 0x8000_0099
TLV_ERRORS = frozenset(range(0xC0, 0xC5))

# service_type, a source of TON 1 NPI 1, a destination of TON 3, esm_class to sm_default_msg_id.
SOURCE = b"\x01\x0115005550199\0"
BEFORE = b"\0" + SOURCE + b"\x03\x0055501\0" + b"\0\0\0" + b"\0\0" + b"\0\0\0\0"
TEXT = b"\x05hello"


class Expected(msgspec.Struct, frozen=True, gc=False):
    """One PDU of ours and its right answer.

    `sequence_number` is None where nothing may answer. An answer that is neither the request's own
    response with one of `statuses` nor `nacked` with that status breaks `invariant`.
    """

    sequence_number: int
    command_id: int
    invariant: Invariant
    refused: bool = False
    taken: bool = False
    nack: int = 0
    ends_session: bool = False

    def fits(self, command_id: int, command_status: int) -> bool:
        if command_id == CommandId.GENERIC_NACK:
            return bool(self.nack) and command_status == self.nack
        if command_id != self.command_id | 0x8000_0000:
            return False
        if self.taken:
            return command_status not in TLV_ERRORS
        return bool(command_status) if self.refused else not self.nack


class Malformed(msgspec.Struct, frozen=True, gc=False):
    """Octets for the peer, cut where they are written apart, and the answers they deserve."""

    pieces: tuple[bytes, ...]
    expected: tuple[Expected, ...] = ()


def malformed(fault: Fault, sequence_number: int) -> Malformed | None:
    """What `fault` sends as request `sequence_number`; None where it sends nothing."""
    build = _BUILDERS.get(fault)
    return build(sequence_number) if build else None


def _pdu(command_id: int, sequence_number: int, body: bytes = b"", status: int = 0) -> bytes:
    return HEADER.pack(HEADER_LENGTH + len(body), command_id, status, sequence_number) + body


def _length(command_length: int) -> Callable[[int], Malformed]:
    def build(sequence_number: int) -> Malformed:
        expected = Expected(
            sequence_number,
            CommandId.DELIVER_SM,
            Invariant.COMMAND_LENGTH_ANSWER,
            nack=CommandStatus.ESME_RINVCMDLEN,
            ends_session=True,
        )
        octets = HEADER.pack(command_length, CommandId.DELIVER_SM, 0, sequence_number)
        return Malformed((octets,), (expected,))

    return build


def _unknown_command(sequence_number: int) -> Malformed:
    expected = Expected(
        sequence_number,
        UNKNOWN_COMMAND_ID,
        Invariant.UNKNOWN_COMMAND_ANSWER,
        nack=CommandStatus.ESME_RINVCMDID,
    )
    return Malformed((_pdu(UNKNOWN_COMMAND_ID, sequence_number, b"\x2a"),), (expected,))


def _deliver_sm(body: bytes, taken: bool = False) -> Callable[[int], Malformed]:
    def build(sequence_number: int) -> Malformed:
        expected = Expected(
            sequence_number,
            CommandId.DELIVER_SM,
            Invariant.MALFORMED_ANSWER,
            refused=not taken,
            taken=taken,
        )
        return Malformed((_pdu(CommandId.DELIVER_SM, sequence_number, body),), (expected,))

    return build


def _unanswered(command_id: int, status: int = 0) -> Callable[[int], Malformed]:
    """A response to nothing: whoever answers it breaks a rule of the witness."""

    def build(sequence_number: int) -> Malformed:
        return Malformed((_pdu(command_id, sequence_number, status=status),))

    return build


def _enquire_link(sequence_number: int) -> tuple[bytes, Expected]:
    octets = _pdu(CommandId.ENQUIRE_LINK, sequence_number)
    return octets, Expected(sequence_number, CommandId.ENQUIRE_LINK, Invariant.LINK_NOT_ANSWERED)


def _sequence_zero(_: int) -> Malformed:
    return Malformed((_pdu(CommandId.ENQUIRE_LINK, 0),))


def _glued(sequence_number: int) -> Malformed:
    """Three PDUs in one segment; the session gives out sequence numbers three apart."""
    pairs = [_enquire_link(sequence_number + index) for index in range(3)]
    return Malformed((b"".join(octets for octets, _ in pairs),), tuple(each for _, each in pairs))


def _dribbled(sequence_number: int) -> Malformed:
    octets, expected = _enquire_link(sequence_number)
    return Malformed(tuple(bytes([octet]) for octet in octets), (expected,))


_BUILDERS: dict[Fault, Callable[[int], Malformed]] = {
    Fault.SHORT_LENGTH: _length(HEADER_LENGTH - 1),
    Fault.HUGE_LENGTH: _length(0x7FFF_FFFF),
    Fault.UNKNOWN_COMMAND: _unknown_command,
    Fault.UNKNOWN_RESPONSE: _unanswered(UNKNOWN_RESPONSE_ID),
    Fault.UNKNOWN_TLV: _deliver_sm(
        BEFORE + TEXT + b"\x14\x00\x00\x02\xab\xcd" + b"\x06\x00\x00\x00", taken=True
    ),
    Fault.LONG_C_STRING: _deliver_sm(
        b"\0\x01\x01" + b"1" * 30 + b"\0" + b"\x03\x0055501\0" + b"\0" * 9 + TEXT
    ),
    Fault.UNTERMINATED: _deliver_sm(b"\0\x01\x01" + b"1" * 40),
    Fault.SM_LENGTH_PAST_END: _deliver_sm(BEFORE + b"\xc8hello"),
    Fault.TLV_PAST_END: _deliver_sm(BEFORE + TEXT + b"\x14\x00\x00\xff\x01"),
    Fault.NO_BODY: _deliver_sm(b""),
    Fault.SEQUENCE_ZERO: _sequence_zero,
    Fault.STRAY_NACK: _unanswered(CommandId.GENERIC_NACK, CommandStatus.ESME_RINVCMDID),
    Fault.STRAY_RESPONSE: _unanswered(CommandId.SUBMIT_SM_RESP),
    Fault.GLUED: _glued,
    Fault.DRIBBLED: _dribbled,
}
