import pytest

from carriers_sim.conformance import check
from carriers_sim.user_data import read
from carriers_sim.violations import VIOLATIONS_MAX, Invariant, Violations
from gateway.smpp.constants import EsmClass, Tag
from gateway.smpp.pdus import SubmitSm
from gateway.text.segmentation import concatenation_udh, segment

UDHI = int(EsmClass.UDHI)


def found(**fields: object) -> list[Invariant]:
    pdu = SubmitSm(**fields)  # type: ignore[arg-type]  # the fields of the test's own
    return [invariant for invariant, _ in check(pdu, read(pdu))]


def part(octets: bytes, data_coding: int = 0) -> list[Invariant]:
    header = concatenation_udh(1, 2, 1)
    return found(esm_class=UDHI, data_coding=data_coding, short_message=header + octets)


@pytest.mark.parametrize("text", ["hello", "€" * 80, "a" * 160, "€" * 400, "🐢" * 200])
def test_our_own_segments_break_nothing(text: str) -> None:
    segmented = segment(text)
    total = len(segmented.parts)
    for number, octets in enumerate(segmented.parts, start=1):
        header = concatenation_udh(1, total, number) if total > 1 else b""
        coding = 8 if segmented.encoding == "ucs2" else 0
        assert (
            found(
                esm_class=UDHI if header else 0, data_coding=coding, short_message=header + octets
            )
            == []
        )


def test_srv_20_a_header_must_fill_its_length() -> None:
    assert found(esm_class=UDHI, short_message=b"\x05\x00\x09hello") == [Invariant.UDH]


def test_srv_20_a_header_and_sar_tlvs_exclude_each_other() -> None:
    tlvs = {Tag.SAR_MSG_REF_NUM: b"\0\1"}
    assert found(esm_class=UDHI, short_message=concatenation_udh(1, 2, 1), tlvs=tlvs) == [
        Invariant.UDH_AND_SAR
    ]


def test_srv_21_sar_tlvs_come_all_three_or_not_at_all() -> None:
    assert found(short_message=b"x", tlvs={Tag.SAR_TOTAL_SEGMENTS: b"\2"}) == [
        Invariant.PARTIAL_SAR
    ]


def test_srv_19_a_message_has_one_body() -> None:
    assert found(short_message=b"x", tlvs={Tag.MESSAGE_PAYLOAD: b"y"}) == [Invariant.TWO_BODIES]


@pytest.mark.parametrize(
    ("octets", "data_coding"), [(b"a" * 161, 0), (b"a" * 142, 8), (b"a" * 141, 4)]
)
def test_gsm_1_user_data_fit_one_short_message(octets: bytes, data_coding: int) -> None:
    assert found(short_message=octets, data_coding=data_coding) == [Invariant.TOO_LONG]


@pytest.mark.parametrize(("octets", "data_coding"), [(b"a" * 154, 0), (b"\0a" * 68, 8)])
def test_gsm_2_a_header_takes_its_place(octets: bytes, data_coding: int) -> None:
    assert part(octets, data_coding) == [Invariant.TOO_LONG]


def test_gsm_5_an_escape_sequence_is_not_split() -> None:
    assert part(b"a" * 152 + b"\x1b") == [Invariant.SPLIT_ESCAPE]


def test_gsm_6_a_surrogate_pair_is_not_split() -> None:
    assert part("ab".encode("utf-16-be") + b"\xd8\x3d", 8) == [Invariant.SPLIT_SURROGATE]


def test_gsm_8_ucs_2_has_whole_units() -> None:
    assert found(short_message=b"\0a\0", data_coding=8) == [Invariant.ODD_UCS2]


def test_all_are_counted_and_a_bounded_number_is_kept() -> None:
    violations = Violations()
    for _ in range(VIOLATIONS_MAX + 5):
        violations.add(Invariant.ORDER, "alpha", "", 0.0)
    assert len(violations.kept) == VIOLATIONS_MAX
    assert violations.counts[Invariant.ORDER] == VIOLATIONS_MAX + 5
