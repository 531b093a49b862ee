"""What a peer's interface_version means for TLVs (SMPP v3.4 §3.4, v5.0 §2.11.2)."""

import pytest

from gateway.smpp import codec
from gateway.smpp.constants import INTERFACE_3_3, INTERFACE_3_4, CommandId, CommandStatus, Tag
from gateway.smpp.events import Request
from gateway.smpp.pdus import (
    BindTransceiver,
    BindTransceiverResp,
    CancelSm,
    CancelSmResp,
    SubmitSm,
    SubmitSmResp,
)
from gateway.smpp.session import Session
from gateway.smpp.states import Role, SessionState
from tests.smpp.sessions import NOW, give, sent, session, told

SOMETHING: dict[int, bytes] = {Tag.ADDITIONAL_STATUS_INFO_TEXT: b"well\0"}


def smsc_of(interface_version: int) -> Session:
    """An SMSC's session with an ESME that says so, and that has a submit_sm in flight."""
    smsc = session(Role.SMSC)
    give(smsc, BindTransceiver(interface_version=interface_version), 1)
    smsc.respond(1, BindTransceiverResp("smsc"))
    give(smsc, SubmitSm(), 2)
    smsc.data_to_send()
    return smsc


def esme_of(octets: bytes) -> Session:
    """An ESME's session after a bind_resp with this body."""
    esme = session(Role.ESME)
    number = esme.request(BindTransceiver(), NOW)
    head = codec.HEADER.pack(16 + len(octets), CommandId.BIND_TRANSCEIVER_RESP, 0, number)
    esme.receive_data(head + octets, NOW)
    assert esme.state is SessionState.BOUND_TRX
    return esme


@pytest.mark.parametrize(
    ("version", "reads"),
    [(0x00, False), (0x22, False), (0x33, False), (0x34, True), (0x50, True), (0xFF, True)],
)
def test_srv_15_esme_says_in_its_bind_whether_it_reads_tlvs(version: int, reads: bool) -> None:
    smsc = smsc_of(version)
    assert (smsc.peer_interface_version, smsc.peer_reads_tlvs) == (version, reads)


@pytest.mark.parametrize(
    ("body", "version"),
    [
        (b"", INTERFACE_3_3),
        (b"smsc\0", INTERFACE_3_3),
        (b"smsc\0" + b"\x02\x10\x00\x01\x33", 0x33),
        (b"smsc\0" + b"\x02\x10\x00\x01\x34", 0x34),
        (b"smsc\0" + b"\x02\x10\x00\x01\x50", 0x50),
        (b"smsc\0" + b"\x02\x10\x00\x02\x34\x00", INTERFACE_3_3),
        (b"smsc\0" + b"\x02\x10", INTERFACE_3_3),
    ],
    ids=["no body", "no TLV", "3.3", "3.4", "5.0", "wrong length", "broken"],
)
def test_srv_15_smsc_says_in_its_bind_resp_whether_it_reads_tlvs(body: bytes, version: int) -> None:
    """Its silence means that it does not (§5.2.4)."""
    assert esme_of(body).peer_interface_version == version


def test_srv_15_peer_of_3_3_is_sent_no_tlv_in_an_answer() -> None:
    smsc = smsc_of(INTERFACE_3_3)
    smsc.respond(2, SubmitSmResp("1", SOMETHING))
    assert smsc.data_to_send() == codec.encode(SubmitSmResp("1"), 2)


def test_srv_15_peer_of_3_4_is_sent_the_tlvs_of_an_answer() -> None:
    smsc = smsc_of(INTERFACE_3_4)
    smsc.respond(2, SubmitSmResp("1", SOMETHING))
    assert smsc.data_to_send() == codec.encode(SubmitSmResp("1", SOMETHING), 2)


def test_srv_15_version_is_that_of_the_bind_that_was_accepted() -> None:
    smsc = session(Role.SMSC)
    give(smsc, BindTransceiver(interface_version=0x50), 1)
    smsc.respond(1, None, CommandStatus.ESME_RINVPASWD)
    give(smsc, BindTransceiver(interface_version=0x33), 2)
    smsc.respond(2, BindTransceiverResp())
    assert smsc.peer_interface_version == INTERFACE_3_3


def test_srv_29_peer_of_5_0_hears_our_congestion_in_each_answer() -> None:
    """5.0 §4.8.4.18: 0x0428, one octet."""
    smsc = smsc_of(0x50)
    smsc.congestion_state = 85
    smsc.respond(2, SubmitSmResp("1"))
    assert smsc.data_to_send()[16:] == b"1\0" + b"\x04\x28\x00\x01\x55"


@pytest.mark.parametrize("version", [0x33, 0x34, 0x4F])
def test_srv_29_peers_of_before_5_0_do_not_hear_our_congestion(version: int) -> None:
    smsc = smsc_of(version)
    smsc.congestion_state = 85
    smsc.respond(2, SubmitSmResp("1"))
    assert smsc.data_to_send()[16:] == b"1\0"


def test_srv_29_answer_without_tlvs_has_no_place_for_congestion() -> None:
    smsc = smsc_of(0x50)
    smsc.congestion_state = 85
    give(smsc, CancelSm(), 3)
    smsc.respond(3, CancelSmResp())
    assert smsc.data_to_send() == codec.encode(CancelSmResp(), 3)


@pytest.mark.parametrize("version", [0x33, 0x34, 0x50])
def test_srv_22_bind_with_tlvs_is_accepted(version: int) -> None:
    """5.0 §3.2.1.6 allows them on every PDU; nothing is done with those of a bind."""
    smsc = session(Role.SMSC)
    bind = codec.encode(BindTransceiver(interface_version=version), 1) + b"\x14\x00\x00\x01x"
    smsc.receive_data(len(bind).to_bytes(4, "big") + bind[4:], NOW)
    assert told(smsc, Request) == [Request(1, BindTransceiver(interface_version=version))]
    assert sent(smsc) == []
