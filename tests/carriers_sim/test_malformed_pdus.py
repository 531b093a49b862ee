"""The octets of PDUs that are wrong, against the specification's own layout."""

import pytest

from carriers_sim.fault import LASTING, Fault
from carriers_sim.malformed_pdus import malformed
from gateway.smpp import codec
from gateway.smpp.errors import PduError
from gateway.smpp.pdus import DeliverSm

CONNECTIONS = LASTING | {Fault.RST, Fault.FIN, Fault.FIN_MID_PDU, Fault.UNBIND}


def octets(fault: Fault) -> bytes:
    made = malformed(fault, 0x60000000)
    assert made is not None
    return b"".join(made.pieces)


@pytest.mark.parametrize(
    ("fault", "written"),
    [
        (Fault.SHORT_LENGTH, "0000000f 00000005 00000000 60000000"),
        (Fault.HUGE_LENGTH, "7fffffff 00000005 00000000 60000000"),
        (Fault.UNKNOWN_COMMAND, "00000011 00000099 00000000 60000000 2a"),
        (Fault.UNKNOWN_RESPONSE, "00000010 80000099 00000000 60000000"),
        (Fault.NO_BODY, "00000010 00000005 00000000 60000000"),
        (Fault.SEQUENCE_ZERO, "00000010 00000015 00000000 00000000"),
        (Fault.STRAY_NACK, "00000010 80000000 00000003 60000000"),
        (Fault.STRAY_RESPONSE, "00000010 80000004 00000000 60000000"),
    ],
)
def test_a_fault_has_these_octets(fault: Fault, written: str) -> None:
    assert octets(fault) == bytes.fromhex(written)


def test_glued_pdus_are_three_in_one_piece() -> None:
    made = malformed(Fault.GLUED, 7)
    assert made is not None
    assert [len(piece) for piece in made.pieces] == [48]
    assert [each.sequence_number for each in made.expected] == [7, 8, 9]


def test_a_dribbled_pdu_has_a_piece_for_each_octet() -> None:
    made = malformed(Fault.DRIBBLED, 7)
    assert made is not None
    assert [len(piece) for piece in made.pieces] == [1] * 16


@pytest.mark.parametrize(
    "fault",
    [
        Fault.LONG_C_STRING,
        Fault.UNTERMINATED,
        Fault.SM_LENGTH_PAST_END,
        Fault.TLV_PAST_END,
        Fault.NO_BODY,
    ],
)
def test_no_decoder_takes_a_malformed_deliver_sm(fault: Fault) -> None:
    with pytest.raises(PduError):
        codec.decode(0x00000005, octets(fault)[16:])


def test_unknown_tlvs_are_no_malformation() -> None:
    pdu = codec.decode(0x00000005, octets(Fault.UNKNOWN_TLV)[16:])
    assert isinstance(pdu, DeliverSm)
    assert pdu.tlvs == {0x1400: b"\xab\xcd", 0x0600: b""}


@pytest.mark.parametrize("fault", sorted(CONNECTIONS))
def test_a_fault_of_the_connection_sends_no_pdu(fault: Fault) -> None:
    assert malformed(fault, 1) is None
