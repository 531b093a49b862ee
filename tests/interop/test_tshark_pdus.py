"""Every PDU of ours, as tshark reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio

from gateway.smpp.codec import encode, encode_header
from gateway.smpp.constants import CommandId, CommandStatus, Tag
from gateway.smpp.pdus import (
    PDUS,
    AlertNotification,
    BindReceiver,
    BindReceiverResp,
    BindTransceiver,
    BindTransceiverResp,
    BindTransmitter,
    BindTransmitterResp,
    CancelSm,
    CancelSmResp,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    DistributionList,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Outbind,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ReplaceSmResp,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
    UnsuccessfulSme,
)
from tests.interop.peers import PeerMissing, program
from tests.interop.relay import Segment
from tests.interop.tshark import Dissection, dissect

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

Shown = dict[str, str | list[str]]

SID = "SM0123456789abcdef0123456789abcdef"
SOURCE: Shown = {"source_addr_ton": "0x05", "source_addr_npi": "0x00", "source_addr": "DEMO"}
DESTINATION: Shown = {
    "dest_addr_ton": "0x01",
    "dest_addr_npi": "0x01",
    "destination_addr": "12065550100",
}
BIND: Shown = {
    "system_id": "demo",
    "password": "demopass",
    "system_type": "VMS",
    "interface_version": "52",
    "addr_ton": "0x01",
    "addr_npi": "0x08",
    "address_range": "^1206",
}
BOUND: Shown = {"system_id": "supernet", "SC_interface_version": "52"}
TLVS: dict[int, bytes] = {Tag.SC_INTERFACE_VERSION: b"\x34"}


def bind(kind: type[BindTransmitter | BindReceiver | BindTransceiver]) -> Pdu:
    return kind("demo", "demopass", "VMS", 0x34, 1, 8, "^1206")


# What we mean, and what tshark is to read. Values are shown as it writes them: 52 is 0x34.
MEANT: list[tuple[Pdu, Shown]] = [
    (bind(BindTransmitter), BIND),
    (bind(BindReceiver), BIND),
    (bind(BindTransceiver), BIND),
    (BindTransmitterResp("supernet", TLVS), BOUND),
    (BindReceiverResp("supernet", TLVS), BOUND),
    (BindTransceiverResp("supernet", TLVS), BOUND),
    (Outbind("supernet", "simpass"), {"system_id": "supernet", "password": "simpass"}),
    (Unbind(), {}),
    (UnbindResp(), {}),
    (EnquireLink(), {}),
    (EnquireLinkResp(), {}),
    (GenericNack(), {}),
    (
        SubmitSm(
            "CMT",
            *(5, 0, "DEMO"),
            *(1, 1, "12065550100"),
            esm_class=0x03,
            protocol_id=0x41,
            priority_flag=2,
            schedule_delivery_time="261128145000000+",
            validity_period="000001000000000R",
            registered_delivery=0x12,
            replace_if_present_flag=1,
            short_message=b"\x00 { \x1b\x65 \x02 \x11",
            tlvs={
                0x1400: b"abc",
                Tag.SAR_MSG_REF_NUM: b"\x01\x02",
                Tag.SAR_TOTAL_SEGMENTS: b"\x03",
                Tag.SAR_SEGMENT_SEQNUM: b"\x02",
            },
        ),
        {
            "service_type": "CMT",
            **SOURCE,
            **DESTINATION,
            "esm.submit.msg_mode": "0x03",
            "protocol_id": "0x41",
            "priority_flag": "0x02",
            "schedule_delivery_time": "Nov 28, 2026 14:50:00.000000000 UTC",
            "validity_period_r": "86400.000000000",
            "regdel.receipt": "0x02",
            "regdel.notif": "0x01",
            "replace_if_present_flag": "0x01",
            "data_coding": "0x00",
            "message_text": "@ ä € $ _",
            "vendor_op": "61:62:63",
            "sar_msg_ref_num": "258",
            "sar_total_segments": "3",
            "sar_segment_seqnum": "2",
        },
    ),
    (
        SubmitSmResp(SID, {Tag.CONGESTION_STATE: b"\x50"}),
        {"message_id": SID, "congestion_state": "80"},
    ),
    (
        DeliverSm(
            "",
            *(5, 0, "DEMO"),
            *(1, 1, "12065550100"),
            esm_class=0x04,
            short_message=b"id:1 stat:DELIVRD",
            tlvs={
                Tag.RECEIPTED_MESSAGE_ID: SID.encode() + b"\0",
                Tag.MESSAGE_STATE: b"\x02",
                Tag.NETWORK_ERROR_CODE: b"\x03\x00\x21",
            },
        ),
        {
            **SOURCE,
            **DESTINATION,
            "esm.submit.msg_type": "0x01",
            "message_text": "id:1 stat:DELIVRD",
            "receipted_message_id": SID,
            "message_state": "2",
            "network_error.type": "3",
            "network_error.code": "0x0021",
        },
    ),
    (DeliverSmResp(), {}),
    (
        DataSm(
            "CMT",
            *(5, 0, "DEMO"),
            *(1, 1, "12065550100"),
            registered_delivery=1,
            data_coding=8,
            tlvs={Tag.MESSAGE_PAYLOAD: "Привет".encode("utf-16-be")},
        ),
        {**SOURCE, **DESTINATION, "data_coding": "0x08", "message_text": "Привет"},
    ),
    (DataSmResp(SID), {"message_id": SID}),
    (
        SubmitMulti(
            "CMT",
            *(5, 0, "DEMO"),
            (
                SmeAddress(1, 1, "12065550100"),
                DistributionList("friends"),
                SmeAddress(1, 1, "1206"),
            ),
            short_message=b"hello",
        ),
        {
            **SOURCE,
            "dest_addr_ton": ["0x01", "0x01"],
            "dest_addr_npi": ["0x01", "0x01"],
            "destination_addr": ["12065550100", "1206"],
            "dl_name": "friends",
            "message_text": "hello",
        },
    ),
    (
        SubmitMultiResp(
            SID, (UnsuccessfulSme(1, 1, "12065550100", CommandStatus.ESME_RINVDSTADR),)
        ),
        {"message_id": SID, **DESTINATION, "error_status_code": "0x0000000b"},
    ),
    (QuerySm(SID, 5, 0, "DEMO"), {"message_id": SID, **SOURCE}),
    (
        QuerySmResp(SID, "261128145000000+", 2, 7),
        {
            "message_id": SID,
            "final_date": "Nov 28, 2026 14:50:00.000000000 UTC",
            "message_state": "2",
            "error_code": "7",
        },
    ),
    (
        CancelSm("CMT", SID, *(5, 0, "DEMO"), *(1, 1, "12065550100")),
        {"service_type": "CMT", "message_id": SID, **SOURCE, **DESTINATION},
    ),
    (CancelSmResp(), {}),
    (
        ReplaceSm(
            SID,
            *(5, 0, "DEMO"),
            *("261128145000000+", "000001000000000R"),
            registered_delivery=1,
            short_message=b"new",
        ),
        {
            "message_id": SID,
            **SOURCE,
            "schedule_delivery_time": "Nov 28, 2026 14:50:00.000000000 UTC",
            "validity_period_r": "86400.000000000",
            "regdel.receipt": "0x01",
            "message_text": "new",
        },
    ),
    (ReplaceSmResp(), {}),
    (
        AlertNotification(
            *(1, 1, "12065550100"), *(5, 0, "DEMO"), {Tag.MS_AVAILABILITY_STATUS: b"\x00"}
        ),
        {
            "source_addr": "12065550100",
            "esme_addr_ton": "0x05",
            "esme_addr": "DEMO",
            "ms_availability_status": "0",
        },
    ),
]
UCS2_PART = SubmitSm(
    esm_class=0x40,
    data_coding=8,
    short_message=b"\x06\x08\x04\x01\x02\x03\x02" + "Привет".encode("utf-16-be"),
)
ERROR = encode_header(CommandId.SUBMIT_SM_RESP, 1, CommandStatus.ESME_RTHROTTLED)


def octets() -> list[bytes]:
    """Each PDU, with its place in the list as its sequence_number."""
    return [encode(pdu, number) for number, (pdu, _) in enumerate(MEANT, 1)]


@pytest.fixture(scope="module", autouse=True)
def tshark() -> None:
    try:
        program("tshark")
    except PeerMissing as missing:
        pytest.skip(str(missing))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dissection(tmp_path_factory: pytest.TempPathFactory) -> Dissection:
    """What tshark reads when all of them come, one in a packet."""
    segments = [Segment(1, True, pdu) for pdu in octets()]
    return await dissect(segments, tmp_path_factory.mktemp("tshark"))


async def test_every_pdu_is_tried() -> None:
    assert {type(pdu) for pdu, _ in MEANT} == set(PDUS)


async def test_tshark_finds_nothing_wrong(dissection: Dissection) -> None:
    assert dissection.complaints == []
    assert [pdu["sequence_number"] for pdu in dissection.pdus] == [
        str(number) for number in range(1, len(MEANT) + 1)
    ]


@pytest.mark.parametrize("number", range(len(MEANT)), ids=[type(pdu).__name__ for pdu, _ in MEANT])
async def test_tshark_reads_what_we_mean(dissection: Dissection, number: int) -> None:
    pdu, shown = MEANT[number]
    read = dissection.pdus[number]

    assert read.command == pdu.command_id
    assert {name: read.fields.get(name) for name in shown} == {
        name: value if isinstance(value, list) else [value] for name, value in shown.items()
    }


async def test_srv_1_tshark_finds_each_pdu_of_one_segment(tmp_path: Path) -> None:
    dissection = await dissect([Segment(1, True, b"".join(octets()))], tmp_path)

    assert [pdu.command for pdu in dissection.pdus] == [pdu.command_id for pdu, _ in MEANT]
    assert dissection.complaints == []


async def test_srv_18_tshark_takes_an_error_without_a_body(tmp_path: Path) -> None:
    dissection = await dissect([Segment(1, False, ERROR)], tmp_path)

    assert dissection.pdus[0]["command_status"] == "0x00000058"
    assert dissection.complaints == []


async def test_gsm_16_tshark_reads_a_16_bit_reference(tmp_path: Path) -> None:
    (part,) = (await dissect([Segment(1, True, encode(UCS2_PART, 1))], tmp_path)).pdus

    assert part["esm.submit.features"] == "0x01"
    assert part["gsm_sms.udh.mm.msg_id"] == "258"
    assert (part["gsm_sms.udh.mm.msg_part"], part["gsm_sms.udh.mm.msg_parts"]) == ("2", "3")
    assert part["message_text"] == "Привет"


async def test_tshark_does_complain(tmp_path: Path) -> None:
    """Else its silence would say nothing."""
    whole = encode(SubmitSm(short_message=b"hello"), 1)
    cut = whole[:3] + bytes([len(whole) - 3]) + whole[4:-3]

    assert (await dissect([Segment(1, True, cut)], tmp_path)).complaints
