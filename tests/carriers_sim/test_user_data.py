import pytest

from carriers_sim.user_data import Alphabet, decode, read, text
from gateway.smpp.constants import EsmClass, Tag
from gateway.smpp.pdus import SubmitSm
from gateway.text.udh import Concatenation

UDHI = int(EsmClass.UDHI)


def sar(ref: bytes = b"\0\7", total: bytes = b"\2", number: bytes = b"\1") -> dict[int, bytes]:
    return {
        Tag.SAR_MSG_REF_NUM: ref,
        Tag.SAR_TOTAL_SEGMENTS: total,
        Tag.SAR_SEGMENT_SEQNUM: number,
    }


def test_a_plain_message_is_one_segment() -> None:
    data = read(SubmitSm(short_message=b"hello"))
    assert (data.octets, data.segments, data.concatenation) == (b"hello", 1, None)


def test_the_header_is_taken_off_the_text() -> None:
    data = read(SubmitSm(esm_class=UDHI, short_message=b"\5\0\3\7\2\1hello"))
    assert data.octets == b"hello"
    assert data.udh == b"\5\0\3\7\2\1"
    assert data.concatenation == Concatenation(7, 2, 1, 8)


def test_the_concatenation_is_found_behind_other_elements() -> None:
    octets = bytes.fromhex("0c 05 04 0b84 23f0 08 04 0102 03 02") + b"hello"
    assert read(SubmitSm(esm_class=UDHI, short_message=octets)).concatenation == Concatenation(
        0x102, 3, 2, 16
    )


def test_a_header_that_runs_over_is_malformed() -> None:
    assert read(SubmitSm(esm_class=UDHI, short_message=b"\x7fhello")).is_udh_malformed


def test_without_udhi_a_header_is_text() -> None:
    octets = b"\5\0\3\7\2\1hello"
    assert read(SubmitSm(short_message=octets)).octets == octets


def test_sar_tlvs_say_which_part_it_is() -> None:
    data = read(SubmitSm(short_message=b"hello", tlvs=sar()))
    assert data.concatenation == Concatenation(7, 2, 1, 16)


@pytest.mark.parametrize(
    "tlvs",
    [
        sar(number=b"\0"),
        sar(number=b"\3"),
        sar(ref=b"\7"),
        {Tag.SAR_TOTAL_SEGMENTS: b"\2"},
        sar(total=b""),
    ],
)
def test_sar_tlvs_that_make_no_sense_are_ignored(tlvs: dict[int, bytes]) -> None:
    assert read(SubmitSm(short_message=b"hello", tlvs=tlvs)).concatenation is None


@pytest.mark.parametrize(
    ("octets", "data_coding", "segments"),
    [
        (160, 0, 1),
        (161, 0, 2),
        (306, 0, 2),
        (307, 0, 3),
        (140, 8, 1),
        (142, 8, 2),
        (270, 8, 3),
        (140, 4, 1),
        (141, 4, 2),
    ],
)
def test_a_payload_costs_what_its_parts_would(octets: int, data_coding: int, segments: int) -> None:
    tlvs: dict[int, bytes] = {Tag.MESSAGE_PAYLOAD: b"\0" * octets}
    assert read(SubmitSm(data_coding=data_coding, tlvs=tlvs)).segments == segments


@pytest.mark.parametrize(
    ("octets", "data_coding", "text"),
    [
        (b"\x00\x1b\x65", 0, "@€"),
        ("żółw 🐢".encode("utf-16-be"), 8, "żółw 🐢"),
        (b"caf\xe9", 3, "café"),
        (b"plain", 1, "plain"),
        (b"\x01\xff", 4, "01ff"),
    ],
)
def test_text_is_read_by_its_data_coding(octets: bytes, data_coding: int, text: str) -> None:
    assert decode(octets, data_coding) == text


@pytest.mark.parametrize(
    ("packed", "text"),
    [
        ("e8329bfd06", "hello"),
        ("e8329bfd4697d9ec37", "hellohello"),
        # 23.038 §6.1.2.3.1: seven spare bits at the end are a CR, or were left 0.
        ("31d98c56b3dd1a", "1234567"),
        ("31d98c56b3dd00", "1234567"),
        ("31d98c56b3dd70", "12345678"),
    ],
)
def test_gsm_11_packed_septets_are_unpacked(packed: str, text: str) -> None:
    data = read(SubmitSm(short_message=bytes.fromhex(packed)), Alphabet.GSM_PACKED)
    assert decode(data.octets, data.data_coding) == text


def test_gsm_9_packed_septets_begin_on_a_boundary_behind_a_header() -> None:
    """23.040 figure 9.2.3.24 (a): six octets and one fill bit, then `h`."""
    pdu = SubmitSm(esm_class=UDHI, short_message=b"\5\0\3\7\2\1\xd0")
    data = read(pdu, Alphabet.GSM_PACKED)
    assert (data.octets, data.udh) == (b"h", b"\5\0\3\7\2\1")


def test_srv_26_a_carriers_default_alphabet_may_be_latin_1() -> None:
    data = read(SubmitSm(short_message=b"caf\xe9"), Alphabet.LATIN_1)
    assert decode(data.octets, data.data_coding) == "café"


@pytest.mark.parametrize("alphabet", Alphabet)
def test_srv_26_other_data_codings_are_the_same_at_all_carriers(alphabet: Alphabet) -> None:
    data = read(SubmitSm(data_coding=8, short_message=b"\0a"), alphabet)
    assert (data.octets, data.data_coding) == (b"\0a", 8)


@pytest.mark.parametrize(
    ("data_coding", "octets", "shown"),
    [(0x10, b"\x1b\x28now\x1b\x29", "{now}"), (0xF0, b"now", "now"), (0x18, b"\0n", "n")],
)
def test_srv_26_a_message_class_is_no_other_alphabet(
    data_coding: int, octets: bytes, shown: str
) -> None:
    data = read(SubmitSm(data_coding=data_coding, short_message=octets))
    assert text(data) == shown
    assert data.data_coding == data_coding


def test_gsm_12_a_text_is_read_by_its_shift_tables() -> None:
    """23.038 annex A.3.1 and A.2.1, Turkish: 0x07, and ESC 0x53."""
    header = bytes.fromhex("06 25 01 01 24 01 01")
    data = read(SubmitSm(esm_class=UDHI, short_message=header + b"\x07\x1bS"))
    assert text(data) == "ıŞ"
