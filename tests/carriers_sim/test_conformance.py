"""What the checker finds in one submit_sm, by the rule that it breaks."""

from typing import Any

import pytest

from carriers_sim.conformance import check
from carriers_sim.user_data import read
from carriers_sim.violations import Invariant
from gateway.smpp.constants import EsmClass, Tag
from gateway.smpp.pdus import SubmitSm
from gateway.text.segmentation import concatenation_udh, segment

UDHI = int(EsmClass.UDHI)
# 23.040 §9.2.3.24.1: reference 7, two parts, the first one.
FIRST_OF_TWO = b"\x05\x00\x03\x07\x02\x01"


def found(version: int = 0x34, **fields: Any) -> list[Invariant]:
    pdu = SubmitSm(**fields)
    return [invariant for invariant, _ in check(pdu, read(pdu), version)]


def part(octets: bytes, data_coding: int = 0) -> list[Invariant]:
    return found(esm_class=UDHI, data_coding=data_coding, short_message=FIRST_OF_TWO + octets)


@pytest.mark.parametrize("text", ["hello", "€" * 80, "a" * 160, "€" * 400, "🐢" * 200])
@pytest.mark.parametrize("ref_bits", [8, 16])
def test_our_own_segments_break_nothing(text: str, ref_bits: int) -> None:
    segmented = segment(text, ref_bits)
    total = len(segmented.parts)
    for number, octets in enumerate(segmented.parts, start=1):
        header = concatenation_udh(1, total, number, ref_bits) if total > 1 else b""
        coding = 8 if segmented.encoding == "ucs2" else 0
        assert not found(
            esm_class=UDHI if header else 0, data_coding=coding, short_message=header + octets
        )


def test_a_message_that_says_much_and_rightly_breaks_nothing() -> None:
    assert not found(
        source_addr_ton=5,
        dest_addr_ton=1,
        dest_addr_npi=1,
        esm_class=0x03,
        priority_flag=1,
        schedule_delivery_time="020610233429000R",
        validity_period="260102030405848-",
        registered_delivery=0x11,
        replace_if_present_flag=1,
        tlvs={
            Tag.MESSAGE_PAYLOAD: b"hello",
            Tag.USER_MESSAGE_REFERENCE: b"\0\1",
            Tag.ALERT_ON_MESSAGE_DELIVERY: b"",
            0x1400: b"a vendor's own",
        },
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"source_addr_ton": 7},
        {"dest_addr_ton": 9},
        {"source_addr_npi": 2},
        {"dest_addr_npi": 255},
        {"priority_flag": 5},
        {"replace_if_present_flag": 2},
    ],
)
def test_srv_13_a_reserved_value_is_not_sent(fields: dict[str, int]) -> None:
    assert found(**fields) == [Invariant.RESERVED_VALUE]


def test_srv_15_a_session_of_3_3_has_no_tlvs() -> None:
    tlvs = {Tag.USER_MESSAGE_REFERENCE: b"\0\1"}
    assert found(0x33, tlvs=tlvs) == [Invariant.TLV_TO_3_3]
    assert not found(0x34, tlvs=tlvs)


def test_srv_19_a_message_has_one_body() -> None:
    assert found(short_message=b"x", tlvs={Tag.MESSAGE_PAYLOAD: b"y"}) == [Invariant.TWO_BODIES]


def test_srv_19_only_5_0_allows_255_octets() -> None:
    assert Invariant.SM_LENGTH in found(0x34, short_message=b"a" * 255)
    assert Invariant.SM_LENGTH not in found(0x50, short_message=b"a" * 255)
    assert [*{Invariant.SM_LENGTH} & {*found(short_message=b"a" * 255)}] == [Invariant.SM_LENGTH]


def test_srv_20_a_header_must_fill_its_length() -> None:
    assert found(esm_class=UDHI, short_message=b"\x05\x00\x09hello") == [Invariant.UDH]


@pytest.mark.parametrize("header", [FIRST_OF_TWO, b"\x06\x08\x04\x01\x02\x03\x03"])
def test_srv_20_a_header_needs_its_bit(header: bytes) -> None:
    assert found(short_message=header + b"hello") == [Invariant.UDHI_MISSING]


def test_srv_20_octets_that_only_begin_like_a_header_are_none() -> None:
    assert not found(short_message=b"\x05\x00\x03\x07\x02\x09hello")


@pytest.mark.parametrize("esm_class", [0x04, 0x20, 0x24])
def test_srv_20_a_submit_sm_is_no_receipt(esm_class: int) -> None:
    assert found(esm_class=esm_class) == [Invariant.ESM_CLASS]


@pytest.mark.parametrize("esm_class", [0x00, 0x01, 0x03, 0x08, 0x10, 0x80])
def test_srv_20_modes_and_acknowledgements_are_an_esmes(esm_class: int) -> None:
    assert not found(esm_class=esm_class)


def test_srv_20_a_header_and_sar_tlvs_exclude_each_other() -> None:
    tlvs = {Tag.SAR_MSG_REF_NUM: b"\0\1"}
    assert found(esm_class=UDHI, short_message=FIRST_OF_TWO, tlvs=tlvs) == [Invariant.UDH_AND_SAR]


def test_srv_20_a_header_and_ports_exclude_each_other() -> None:
    tlvs = {Tag.DESTINATION_PORT: b"\x15\xb3"}
    assert found(esm_class=UDHI, short_message=FIRST_OF_TWO, tlvs=tlvs) == [Invariant.UDH_AND_PORTS]


@pytest.mark.parametrize(
    "tlvs",
    [
        {Tag.SAR_TOTAL_SEGMENTS: b"\2"},
        {Tag.SAR_MSG_REF_NUM: b"\0\1", Tag.SAR_TOTAL_SEGMENTS: b"\2"},
        {
            Tag.SAR_MSG_REF_NUM: b"\0\1",
            Tag.SAR_TOTAL_SEGMENTS: b"\2",
            Tag.SAR_SEGMENT_SEQNUM: b"\0",
        },
        {
            Tag.SAR_MSG_REF_NUM: b"\0\1",
            Tag.SAR_TOTAL_SEGMENTS: b"\2",
            Tag.SAR_SEGMENT_SEQNUM: b"\3",
        },
    ],
)
def test_srv_21_sar_tlvs_come_all_three_and_make_sense(tlvs: dict[int, bytes]) -> None:
    assert found(short_message=b"x", tlvs=tlvs) == [Invariant.PARTIAL_SAR]


@pytest.mark.parametrize(
    "tlvs",
    [
        {Tag.USER_MESSAGE_REFERENCE: b"\1"},
        {Tag.DESTINATION_PORT: b"\0\0\1"},
        {Tag.PAYLOAD_TYPE: b""},
        {Tag.CALLBACK_NUM: b"\1"},
    ],
)
def test_srv_22_a_tlv_has_its_length(tlvs: dict[int, bytes]) -> None:
    assert found(tlvs=tlvs) == [Invariant.TLV_LENGTH]


@pytest.mark.parametrize(
    "time", ["2601020304", "260102030405849+", "26010203040584+", "2601020304058 8+"]
)
def test_srv_23_a_time_has_its_form(time: str) -> None:
    assert found(validity_period=time) == [Invariant.TIME_FORMAT]
    assert found(schedule_delivery_time=time) == [Invariant.TIME_FORMAT]


def test_srv_24_three_is_of_5_0_alone() -> None:
    assert found(0x34, registered_delivery=3) == [Invariant.REGISTERED_DELIVERY]
    assert not found(0x50, registered_delivery=3)


@pytest.mark.parametrize("asked", [0x20, 0x81])
def test_srv_24_the_upper_bits_are_reserved(asked: int) -> None:
    assert found(0x50, registered_delivery=asked) == [Invariant.REGISTERED_DELIVERY]


@pytest.mark.parametrize(
    ("octets", "data_coding"), [(b"a" * 161, 0), (b"a" * 142, 8), (b"a" * 141, 4)]
)
def test_gsm_1_user_data_fit_one_short_message(octets: bytes, data_coding: int) -> None:
    assert found(short_message=octets, data_coding=data_coding) == [Invariant.TOO_LONG]


@pytest.mark.parametrize(("octets", "data_coding"), [(b"a" * 154, 0), (b"\0a" * 68, 8)])
def test_gsm_2_a_header_takes_its_place(octets: bytes, data_coding: int) -> None:
    assert part(octets, data_coding) == [Invariant.TOO_LONG]


@pytest.mark.parametrize(("octets", "data_coding"), [(b"a" * 153, 0), (b"\0a" * 67, 8)])
def test_gsm_3_a_header_of_16_bits_takes_more(octets: bytes, data_coding: int) -> None:
    header = b"\x06\x08\x04\x01\x02\x02\x01"
    assert found(esm_class=UDHI, data_coding=data_coding, short_message=header + octets) == [
        Invariant.TOO_LONG
    ]


def test_gsm_5_an_escape_sequence_is_not_split() -> None:
    assert part(b"a" * 152 + b"\x1b") == [Invariant.SPLIT_ESCAPE]


def test_gsm_6_a_surrogate_pair_is_not_split() -> None:
    assert part(b"\0a\0b\xd8\x3d", 8) == [Invariant.SPLIT_SURROGATE]


def test_gsm_8_ucs_2_has_whole_units() -> None:
    assert found(short_message=b"\0a\0", data_coding=8) == [Invariant.ODD_UCS2]


@pytest.mark.parametrize("mark", [b"\xfe\xff", b"\xff\xfe"])
def test_gsm_8_ucs_2_has_no_byte_order_mark(mark: bytes) -> None:
    assert found(short_message=mark + b"\0a", data_coding=8) == [Invariant.BYTE_ORDER_MARK]


def test_gsm_12_a_shift_element_names_a_language() -> None:
    single, locking = b"\x24\x01\x01", b"\x25\x01\x03"
    assert not found(esm_class=UDHI, short_message=b"\x06" + single + locking + b"hello")


@pytest.mark.parametrize("element", [b"\x24\x02\x01\x01", b"\x24\x01\x00", b"\x25\x01\x0e"])
def test_gsm_12_a_shift_element_has_one_octet_of_the_table(element: bytes) -> None:
    header = bytes([len(element)]) + element
    assert found(esm_class=UDHI, short_message=header + b"hello") == [Invariant.SHIFT_ELEMENT]


@pytest.mark.parametrize(("size", "broken"), [(155, []), (156, [Invariant.TOO_LONG])])
def test_gsm_12_a_locking_shift_leaves_155_septets(size: int, broken: list[Invariant]) -> None:
    assert found(esm_class=UDHI, short_message=b"\x03\x25\x01\x01" + b"a" * size) == broken


@pytest.mark.parametrize("numbers", [b"\x07\x02\x00", b"\x07\x02\x03", b"\x07\x00\x00"])
def test_gsm_13_a_part_is_one_of_its_total(numbers: bytes) -> None:
    short_message = b"\x05\x00\x03" + numbers + b"hello"
    assert found(esm_class=UDHI, short_message=short_message) == [Invariant.CONCATENATION]


def test_gsm_16_the_concatenation_may_stand_behind_other_elements() -> None:
    ports, concatenation = b"\x05\x04\x15\xb3\x15\xb3", b"\x00\x03\x07\x02\x01"
    header = bytes([len(ports) + len(concatenation)]) + ports + concatenation
    assert not found(esm_class=UDHI, short_message=header + b"hello")


def test_gsm_17_one_message_is_concatenated_in_one_way() -> None:
    sar = {
        Tag.SAR_MSG_REF_NUM: b"\0\1",
        Tag.SAR_TOTAL_SEGMENTS: b"\2",
        Tag.SAR_SEGMENT_SEQNUM: b"\1",
    }
    assert found(esm_class=UDHI, short_message=FIRST_OF_TWO, tlvs=sar) == [Invariant.UDH_AND_SAR]
