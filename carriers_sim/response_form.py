"""Responses that say something else than a client waits for: pure, on the octets of one PDU."""

from __future__ import annotations

from enum import StrEnum

from carriers_sim.malformed_pdus import HEADER
from gateway.smpp.constants import HEADER_LENGTH, CommandId, CommandStatus

# A number that a client is far from giving to a request.
SEQUENCE_DISTANCE = 0x3000_0000
# A tag that no version has, and one of a vendor.
EXTRA_TLVS = b"\x06\x66\x00\x02\xca\xfe" + b"\x14\x01\x00\x01\x2a"


class ResponseForm(StrEnum):
    """How the answer to a submit_sm is written. All but `generic_nack` accept the message."""

    USUAL = "usual"
    WRONG_SEQUENCE = "wrong_sequence"
    NO_BODY = "no_body"
    EXTRA_TLVS = "extra_tlvs"
    TWICE = "twice"
    GENERIC_NACK = "generic_nack"


# With these the client never learns that its message was accepted.
UNHEARD = frozenset({ResponseForm.WRONG_SEQUENCE})


def written(pdu: bytes, form: ResponseForm) -> bytes:
    """The octets for one whole response of the session's."""
    length, command_id, status, sequence_number = HEADER.unpack_from(pdu)
    match form:
        case ResponseForm.WRONG_SEQUENCE:
            wrong = (sequence_number + SEQUENCE_DISTANCE) & 0x7FFF_FFFF
            return HEADER.pack(length, command_id, status, wrong) + pdu[HEADER_LENGTH:]
        case ResponseForm.NO_BODY:
            return HEADER.pack(HEADER_LENGTH, command_id, status, sequence_number)
        case ResponseForm.EXTRA_TLVS:
            header = HEADER.pack(length + len(EXTRA_TLVS), command_id, status, sequence_number)
            return header + pdu[HEADER_LENGTH:] + EXTRA_TLVS
        case ResponseForm.TWICE:
            return pdu + pdu
        case ResponseForm.GENERIC_NACK:
            status = status or CommandStatus.ESME_RSYSERR
            return HEADER.pack(HEADER_LENGTH, CommandId.GENERIC_NACK, status, sequence_number)
        case ResponseForm.USUAL:
            return pdu
