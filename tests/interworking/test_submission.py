"""What an ESME asks for with submit_sm, submit_multi and data_sm."""

from typing import Any

import msgspec
import pytest
import smpplib.command
import smpplib.gsm

from gateway.interworking.submission import from_submit_sm
from gateway.message import Encoding, Receipts, SmppFields
from gateway.smpp import codec
from gateway.smpp.constants import INTERFACE_5_0, CommandId, CommandStatus, Tag
from gateway.smpp.errors import PduError
from gateway.smpp.pdus import DataSm, SmeAddress, SubmitMulti, SubmitSm
from tests.interworking.smpplib_client import Sequence

NOW = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC
UDHI = 0x40
# 3GPP TS 23.040 §9.2.3.24: concatenation with 8 and with 16 bits, and ports of 16 bits.
HEADER_8 = bytes.fromhex("0500032a0201")
HEADER_16 = bytes.fromhex("060804012a0201")
PORTS = bytes.fromhex("0605040b8423f0")
SAR: dict[int, bytes] = {
    Tag.SAR_MSG_REF_NUM: b"\x01\x2a",
    Tag.SAR_TOTAL_SEGMENTS: b"\x02",
    Tag.SAR_SEGMENT_SEQNUM: b"\x01",
}


def a_submit_sm(**fields: Any) -> SubmitSm:
    values: dict[str, Any] = {
        "source_addr_ton": 3,
        "source_addr": "55501",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": "15005550009",
        "short_message": b"hello",
    }
    return SubmitSm(**(values | fields))


def refusal(pdu: SubmitSm | DataSm | SubmitMulti, version: int = 0x34) -> CommandStatus:
    with pytest.raises(PduError) as raised:
        from_submit_sm(pdu, NOW, version)
    return raised.value.status


def test_a_plain_submit_sm_asks_for_a_message_and_nothing_more() -> None:
    submission = from_submit_sm(a_submit_sm(), NOW)
    assert (submission.sender, submission.recipient) == ("55501", "+15005550009")
    assert submission.data.body == "hello"
    assert submission.receipts is Receipts.NONE
    assert (submission.validity_s, submission.send_at) == (None, 0.0)
    assert submission.smpp is None


def test_trouble_with_the_text_is_the_answer() -> None:
    pdu = a_submit_sm(short_message=b"\x09", esm_class=UDHI)
    assert refusal(pdu) is CommandStatus.ESME_RINVESMCLASS


@pytest.mark.parametrize(("ton", "npi"), [(7, 0), (0xFF, 0xFF), (0, 2), (1, 19)])
def test_srv_13_a_reserved_ton_or_npi_is_as_the_default(ton: int, npi: int) -> None:
    pdu = a_submit_sm(dest_addr_ton=ton, dest_addr_npi=npi, source_addr_ton=ton)
    submission = from_submit_sm(pdu, NOW)
    assert submission.recipient == "+15005550009"


@pytest.mark.parametrize(
    "fields", [{"priority_flag": 5}, {"priority_flag": 255}, {"replace_if_present_flag": 7}]
)
def test_srv_13_other_reserved_values_are_as_the_default(fields: dict[str, int]) -> None:
    assert from_submit_sm(a_submit_sm(**fields), NOW) == from_submit_sm(a_submit_sm(), NOW)


# Length and bodies


@pytest.mark.parametrize("length", [1, 254])
def test_srv_19_a_short_message_has_up_to_254_octets(length: int) -> None:
    submission = from_submit_sm(a_submit_sm(short_message=b"x" * length), NOW)
    assert submission.data.body == "x" * length


@pytest.mark.parametrize("version", [0x33, 0x34])
def test_srv_19_255_octets_are_too_many_before_5_0(version: int) -> None:
    pdu = a_submit_sm(short_message=b"x" * 255)
    assert refusal(pdu, version) is CommandStatus.ESME_RINVMSGLEN


def test_srv_19_5_0_has_255_octets() -> None:
    """5.0 §4.2.1."""
    pdu = a_submit_sm(short_message=b"x" * 255)
    assert from_submit_sm(pdu, NOW, INTERFACE_5_0).data.body == "x" * 255


@pytest.mark.parametrize("version", [0x33, 0x34])
def test_srv_19_both_bodies_are_refused_before_5_0(version: int) -> None:
    pdu = a_submit_sm(tlvs={Tag.MESSAGE_PAYLOAD: b"payload"})
    assert refusal(pdu, version) is CommandStatus.ESME_RINVMSGLEN


def test_srv_19_of_both_bodies_the_payload_wins_in_5_0() -> None:
    pdu = a_submit_sm(tlvs={Tag.MESSAGE_PAYLOAD: b"payload"})
    assert from_submit_sm(pdu, NOW, INTERFACE_5_0).data.body == "payload"


def test_srv_19_a_payload_alone_is_the_text_however_long() -> None:
    pdu = a_submit_sm(short_message=b"", tlvs={Tag.MESSAGE_PAYLOAD: b"x" * 1_600})
    submission = from_submit_sm(pdu, NOW)
    assert (submission.data.body, submission.data.udh) == ("x" * 1_600, b"")
    assert submission.smpp is None


def test_a_message_that_we_should_know_by_heart_is_unknown() -> None:
    """§5.2.20: we keep no default messages; beside a text the field says nothing."""
    pdu = a_submit_sm(short_message=b"", sm_default_msg_id=3)
    assert refusal(pdu) is CommandStatus.ESME_RINVDFTMSGID
    assert from_submit_sm(a_submit_sm(sm_default_msg_id=3), NOW).data.body == "hello"


# esm_class and headers


@pytest.mark.parametrize("esm_class", [0x00, 0x01, 0x02, 0x03, 0x08, 0x10, 0x80, 0x83, 0x0B])
def test_srv_20_modes_and_acknowledgements_are_an_esme_s_to_set(esm_class: int) -> None:
    assert from_submit_sm(a_submit_sm(esm_class=esm_class), NOW).data.body == "hello"


@pytest.mark.parametrize("esm_class", [0x04, 0x18, 0x20, 0x0C, 0x14, 0x24, 0x3C, 0x44, 0xA0])
def test_srv_20_receipts_and_reserved_types_are_not_an_esme_s_to_send(esm_class: int) -> None:
    """§5.2.12: these bits are the SMSC's, in the other direction."""
    assert refusal(a_submit_sm(esm_class=esm_class)) is CommandStatus.ESME_RINVESMCLASS


@pytest.mark.parametrize(
    "header",
    [
        HEADER_8,
        HEADER_16,
        PORTS,
        bytes.fromhex("0b05040b8423f000032a0201"),  # Ports, then concatenation.
        bytes.fromhex("0c080401020201") + bytes.fromhex("05040b8423f0"),  # The other order.
    ],
)
def test_srv_20_a_header_with_any_elements_in_any_order_goes_along(header: bytes) -> None:
    pdu = a_submit_sm(esm_class=UDHI, data_coding=4, short_message=header + b"\xff")
    data = from_submit_sm(pdu, NOW).data
    assert (data.udh, data.octets, data.encoding) == (header, b"\xff", Encoding.BINARY)


@pytest.mark.parametrize(
    "short_message", [b"", b"\x05", b"\x06\x00\x03\x2a\x02\x01", b"\x05\x00\x09\x2a\x02\x01x"]
)
def test_srv_20_a_header_must_fit(short_message: bytes) -> None:
    pdu = a_submit_sm(esm_class=UDHI, short_message=short_message)
    assert refusal(pdu) is CommandStatus.ESME_RINVESMCLASS


def test_srv_20_octets_that_look_like_a_header_are_none_without_the_bit() -> None:
    pdu = a_submit_sm(data_coding=4, short_message=HEADER_8 + b"\xff")
    data = from_submit_sm(pdu, NOW).data
    assert (data.udh, data.octets) == (b"", HEADER_8 + b"\xff")


@pytest.mark.parametrize(
    "tlvs",
    [
        SAR,
        {Tag.SAR_MSG_REF_NUM: b"\x01\x2a"},
        {Tag.DESTINATION_PORT: b"\x0b\x84"},
        {Tag.SOURCE_PORT: b"\x0b\x84"},
    ],
)
def test_srv_20_a_header_stands_beside_neither_sar_nor_ports(tlvs: dict[int, bytes]) -> None:
    pdu = a_submit_sm(esm_class=UDHI, short_message=HEADER_8 + b"x", tlvs=tlvs)
    assert refusal(pdu) is CommandStatus.ESME_RINVESMCLASS


def test_srv_20_a_header_may_be_in_message_payload() -> None:
    tlvs: dict[int, bytes] = {Tag.MESSAGE_PAYLOAD: HEADER_8 + b"hi"}
    pdu = a_submit_sm(esm_class=UDHI, short_message=b"", tlvs=tlvs)
    data = from_submit_sm(pdu, NOW).data
    assert (data.udh, data.body) == (HEADER_8, "hi")


def test_srv_20_parts_of_smpplib_come_with_their_headers() -> None:
    """Broken by those who know a header only as `05 00 03`."""
    parts, _, esm_class = smpplib.gsm.make_parts("x" * 200)
    data = from_submit_sm(a_submit_sm(esm_class=esm_class, short_message=parts[1]), NOW).data
    assert (data.udh[:3], data.udh[4:], data.body) == (b"\x05\x00\x03", b"\x02\x02", "x" * 47)


def test_srv_21_three_sar_tlvs_are_a_concatenation() -> None:
    data = from_submit_sm(a_submit_sm(tlvs=SAR), NOW).data
    assert (data.udh, data.body) == (HEADER_8, "hello")


@pytest.mark.parametrize("missing", SAR)
def test_srv_21_a_partial_set_of_sar_is_none(missing: int) -> None:
    tlvs = {tag: value for tag, value in SAR.items() if tag != missing}
    submission = from_submit_sm(a_submit_sm(tlvs=tlvs), NOW)
    assert (submission.data.udh, submission.smpp) == (b"", None)


@pytest.mark.parametrize(("total", "number"), [(2, 0), (2, 3), (0, 0), (0, 1)])
def test_srv_21_a_set_of_sar_out_of_range_is_none(total: int, number: int) -> None:
    tlvs = SAR | {
        Tag.SAR_TOTAL_SEGMENTS: bytes([total]),
        Tag.SAR_SEGMENT_SEQNUM: bytes([number]),
    }
    assert from_submit_sm(a_submit_sm(tlvs=tlvs), NOW).data.udh == b""


@pytest.mark.parametrize("tag", SAR)
def test_srv_22_a_sar_tlv_of_a_wrong_length_is_refused(tag: int) -> None:
    pdu = a_submit_sm(tlvs=SAR | {tag: b"\x01\x02\x03"})
    assert refusal(pdu) is CommandStatus.ESME_RINVPARLEN


def test_gsm_17_a_long_text_comes_as_header_as_sar_or_as_payload_and_never_as_two() -> None:
    by_header = a_submit_sm(esm_class=UDHI, short_message=HEADER_8 + b"part")
    by_sar = a_submit_sm(short_message=b"part", tlvs=SAR)
    whole = a_submit_sm(short_message=b"", tlvs={Tag.MESSAGE_PAYLOAD: b"part"})
    read = [from_submit_sm(pdu, NOW).data for pdu in (by_header, by_sar, whole)]
    assert [(each.udh, each.body) for each in read] == [
        (HEADER_8, "part"),
        (HEADER_8, "part"),
        (b"", "part"),
    ]
    both = msgspec.structs.replace(by_header, tlvs=SAR)
    assert refusal(both) is CommandStatus.ESME_RINVESMCLASS


# Times


@pytest.mark.parametrize(
    ("validity_period", "validity_s"),
    [
        ("000000000500000R", 300.0),
        ("000001000000000R", 86_400.0),
        ("231114222320000+", 600.0),
        ("231115002320008+", 600.0),
    ],
)
def test_srv_23_validity_period_counts_from_now(validity_period: str, validity_s: float) -> None:
    assert from_submit_sm(a_submit_sm(validity_period=validity_period), NOW).validity_s == (
        validity_s
    )


@pytest.mark.parametrize("validity_period", ["000000000000000R", "231114221319000+"])
def test_srv_23_validity_that_has_passed_is_refused(validity_period: str) -> None:
    status = refusal(a_submit_sm(validity_period=validity_period))
    assert status is CommandStatus.ESME_RINVEXPIRY


@pytest.mark.parametrize("schedule", ["000000010000000R", "231114231320000+", "231114111320048-"])
def test_srv_23_a_scheduled_message_goes_at_its_time(schedule: str) -> None:
    pdu = a_submit_sm(schedule_delivery_time=schedule)
    assert from_submit_sm(pdu, NOW).send_at == NOW + 3_600


def test_srv_23_a_relative_time_is_not_an_absolute_one() -> None:
    """`020610233429000R` is 2 years, 6 months, 10 days … from now, and not the year 2002."""
    pdu = a_submit_sm(schedule_delivery_time="020610233429000R")
    days = 2 * 365 + 6 * 30 + 10
    assert from_submit_sm(pdu, NOW).send_at == NOW + days * 86_400 + 84_869


def test_srv_23_a_schedule_that_has_passed_is_at_once() -> None:
    pdu = a_submit_sm(schedule_delivery_time="231114220000000+")
    assert from_submit_sm(pdu, NOW).send_at == 0.0


def test_srv_23_validity_of_a_scheduled_message_counts_from_its_time() -> None:
    pdu = a_submit_sm(schedule_delivery_time="000000010000000R", validity_period="000000020000000R")
    assert from_submit_sm(pdu, NOW).validity_s == 3_600


def test_srv_23_validity_that_ends_before_the_schedule_is_refused() -> None:
    pdu = a_submit_sm(schedule_delivery_time="000000020000000R", validity_period="000000010000000R")
    assert refusal(pdu) is CommandStatus.ESME_RINVEXPIRY


@pytest.mark.parametrize(
    ("field", "status"),
    [
        ("schedule_delivery_time", CommandStatus.ESME_RINVSCHED),
        ("validity_period", CommandStatus.ESME_RINVEXPIRY),
    ],
)
@pytest.mark.parametrize(
    "text", ["1", "231314221320000+", "tomorrow at noon", "230229000000000+", "231114221320049+"]
)
def test_srv_23_a_time_that_is_none_is_refused_by_its_field(
    field: str, status: CommandStatus, text: str
) -> None:
    assert refusal(a_submit_sm(**{field: text})) is status


# registered_delivery, data_coding


@pytest.mark.parametrize(
    ("registered_delivery", "receipts", "intermediate"),
    [
        (0x00, Receipts.NONE, False),
        (0x01, Receipts.ALL, False),
        (0x02, Receipts.FAILURE, False),
        (0x03, Receipts.ALL, False),
        (0x10, Receipts.NONE, True),
        (0x11, Receipts.ALL, True),
        (0x0C, Receipts.NONE, False),
        (0x0E, Receipts.FAILURE, False),
        (0x1E, Receipts.FAILURE, True),
        (0xE1, Receipts.ALL, False),
    ],
)
def test_srv_24_registered_delivery_is_read_by_its_bits(
    registered_delivery: int, receipts: Receipts, intermediate: bool
) -> None:
    submission = from_submit_sm(a_submit_sm(registered_delivery=registered_delivery), NOW)
    assert submission.receipts is receipts
    assert submission.smpp == (SmppFields(intermediate=True) if intermediate else None)


def test_srv_24_in_5_0_both_bits_ask_for_success_alone() -> None:
    """5.0 §4.7.21."""
    pdu = a_submit_sm(registered_delivery=0x03)
    assert from_submit_sm(pdu, NOW, INTERFACE_5_0).receipts is Receipts.SUCCESS


@pytest.mark.parametrize(
    ("data_coding", "octets", "body"),
    [
        (0, b"\x00\x11\x02\x09\x1b\x65", "@_$Ç€"),
        (1, b"@_$", "@_$"),
        (3, b"@_$\xe9\xa4", "@_$é¤"),
        (8, b"\x00@\x20\xac\xd8\x3d\xde\x00", "@€\U0001f600"),
    ],
)
def test_srv_26_each_alphabet_is_its_own(data_coding: int, octets: bytes, body: str) -> None:
    """0 is GSM 03.38 and neither ASCII nor Latin-1; UCS-2 is big endian."""
    pdu = a_submit_sm(data_coding=data_coding, short_message=octets)
    submission = from_submit_sm(pdu, NOW)
    assert (submission.data.body, submission.smpp) == (body, None)


@pytest.mark.parametrize("data_coding", [2, 4])
def test_srv_26_octets_are_no_text(data_coding: int) -> None:
    """Broken by those who count 2 and 4 as text of 16 bits."""
    pdu = a_submit_sm(data_coding=data_coding, short_message=b"\x00\xff\x1b")
    data = from_submit_sm(pdu, NOW).data
    assert (data.encoding, data.octets, data.body) == (Encoding.BINARY, b"\x00\xff\x1b", "")


@pytest.mark.parametrize(
    ("data_coding", "octets", "encoding"),
    [
        (0x10, b"hi", Encoding.GSM_7BIT),
        (0xF0, b"hi", Encoding.GSM_7BIT),
        (0xF1, b"hi", Encoding.GSM_7BIT),
        (0xF4, b"hi", Encoding.BINARY),
        (0x18, b"\0h\0i", Encoding.UCS2),
    ],
)
def test_srv_26_a_message_class_is_kept(
    data_coding: int, octets: bytes, encoding: Encoding
) -> None:
    pdu = a_submit_sm(data_coding=data_coding, short_message=octets)
    submission = from_submit_sm(pdu, NOW)
    assert submission.data.encoding is encoding
    assert submission.smpp == SmppFields(data_coding=data_coding)


# What only SMPP says


def test_service_type_protocol_id_and_priority_are_kept() -> None:
    pdu = a_submit_sm(service_type="CMT", protocol_id=0x41, priority_flag=3)
    assert from_submit_sm(pdu, NOW).smpp == SmppFields("CMT", 0x41, 3)


def test_srv_22_tlvs_for_the_carrier_are_kept_and_ours_are_not() -> None:
    tlvs = {Tag.USER_MESSAGE_REFERENCE: b"\x00\x07", 0x1400: b"order-7", 0x1401: b"vendor"}
    submission = from_submit_sm(a_submit_sm(tlvs=tlvs), NOW, key_tag=0x1400)
    kept = {Tag.USER_MESSAGE_REFERENCE: b"\x00\x07", 0x1401: b"vendor"}
    assert submission.smpp == SmppFields(tlvs=kept)


# data_sm and submit_multi


def a_data_sm(**tlvs: bytes) -> DataSm:
    return DataSm(
        source_addr_ton=5,
        source_addr="DEMO",
        dest_addr_ton=1,
        destination_addr="15005550009",
        registered_delivery=1,
        tlvs={Tag[name.upper()]: value for name, value in tlvs.items()},
    )


def test_a_data_sm_has_its_text_in_message_payload() -> None:
    submission = from_submit_sm(a_data_sm(message_payload=b"hello"), NOW)
    assert (submission.sender, submission.recipient) == ("DEMO", "+15005550009")
    assert (submission.data.body, submission.receipts) == ("hello", Receipts.ALL)


def test_a_data_sm_is_valid_for_its_qos_time_to_live() -> None:
    """§5.3.2.9: in seconds."""
    pdu = a_data_sm(message_payload=b"hello", qos_time_to_live=b"\x00\x00\x0e\x10")
    assert from_submit_sm(pdu, NOW).validity_s == 3_600.0


def test_srv_22_a_time_to_live_of_a_wrong_length_is_refused() -> None:
    pdu = a_data_sm(message_payload=b"hello", qos_time_to_live=b"\x01")
    assert refusal(pdu) is CommandStatus.ESME_RINVPARLEN


def test_srv_28_a_submit_multi_says_the_same_to_all() -> None:
    pdu = SubmitMulti(
        source_addr_ton=3,
        source_addr="55501",
        dest_addresses=(SmeAddress(1, 1, "15005550009"), SmeAddress(1, 1, "15005550008")),
        registered_delivery=2,
        short_message=b"hello",
    )
    submission = from_submit_sm(pdu, NOW)
    assert (submission.sender, submission.recipient) == ("55501", "")
    assert (submission.data.body, submission.receipts) == ("hello", Receipts.FAILURE)


def test_a_submit_sm_of_smpplib_is_read() -> None:
    foreign = smpplib.command.SubmitSM(
        "submit_sm",
        client=Sequence(9),
        service_type="CMT",
        source_addr_ton=3,
        source_addr="55501",
        dest_addr_ton=1,
        destination_addr="15005550009",
        registered_delivery=0x11,
        priority_flag=1,
        user_message_reference=7,
        short_message=b"hello",
    )
    pdu = codec.decode(CommandId.SUBMIT_SM, foreign.generate()[16:])
    assert isinstance(pdu, SubmitSm)
    assert from_submit_sm(pdu, NOW).smpp == SmppFields(
        service_type="CMT",
        priority_flag=1,
        intermediate=True,
        tlvs={Tag.USER_MESSAGE_REFERENCE: b"\x00\x07"},
    )
