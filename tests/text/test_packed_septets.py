"""3GPP TS 23.038 §6.1.2.1 and §6.1.2.3.1, 23.040 §9.2.3.24."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text import gsm_03_38
from gateway.text.packed_septets import fill_bits, pack, septets_in, unpack, unpack_uncounted
from gateway.text.segmentation import segmented
from gateway.text.udh import parse

septets = st.binary(max_size=180).map(lambda octets: bytes([octet & 0x7F for octet in octets]))
bits = st.integers(0, 6)

# The first of two parts behind `05 00 03 E2 02 01`, as handsets and several stacks (gammu, ATLib)
# have it: 153 septets, after one fill bit.
LOREM = (
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut "
    "labore et dolore magna aliqua. Ut enim ad minim veniam, quis"
)
LOREM_PACKED = bytes.fromhex(
    "986f79b90d4ac3e7f53688fc66bfe5a0799a0e0ab7cb741668fc76cfcb637a995e9783c2e4343c3d1fa7dd675099"
    "9da6b340f33219447e83cae9fabcfd2683e8e536fc2d07a5dde334394daebbe9a03a1dc40e8bdff232a84c0791df"
    "ecb7bc0c6a87cfee3028cc4ec7eb6117a84a0795dde936284c06b5d3ee741b642fbbd3e1360b14afa7e7"
)


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("hellohello", "e8329bfd4697d9ec37"),
        ("How are you?", "c8f71d14969741f977fd07"),  # node-pdu
        (
            "aaaaaaaaaaaaaaaaa{@1234bbbbbbbbbb",  # node-pdu
            "e170381c0e87c3e170381c0e87c3e10d0a1093cd6862b1582c168bc56231",
        ),
        ("", ""),
    ],
)
def test_gsm_9_septets_are_packed_as_other_stacks_pack_them(text: str, packed: str) -> None:
    encoded = gsm_03_38.encode(text)
    assert pack(encoded) == bytes.fromhex(packed)
    assert unpack(bytes.fromhex(packed), len(encoded)) == encoded


def test_gsm_9_a_packed_text_behind_a_header_begins_at_a_septet() -> None:
    encoded = gsm_03_38.encode(LOREM)
    assert pack(encoded, fill_bits(6)) == LOREM_PACKED
    assert unpack(LOREM_PACKED, 153, fill_bits(6)) == encoded


@pytest.mark.parametrize(
    ("header_octets", "filled"), [(0, 0), (4, 3), (6, 1), (7, 0), (9, 5), (12, 2), (140, 0)]
)
def test_gsm_9_fill_bits_lead_from_the_header_to_a_septet(header_octets: int, filled: int) -> None:
    assert fill_bits(header_octets) == filled
    assert (8 * header_octets + filled) % 7 == 0


def test_gsm_9_over_smpp_a_text_follows_its_header_at_once() -> None:
    sent = segmented("a" * 161, 0xCC)
    assert sent[0] == bytes.fromhex("050003cc0201") + b"a" * 153


@pytest.mark.parametrize("ref_bits", [8, 16])
@pytest.mark.parametrize("shifts", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_gsm_9_the_longest_part_fits_a_short_message_when_it_is_packed(
    ref_bits: int, shifts: tuple[int, int]
) -> None:
    for sent in segmented("a" * 500, 1, ref_bits, *shifts):
        elements, text = parse(sent)
        header = len(sent) - len(text)
        assert elements
        assert header + len(pack(text, fill_bits(header))) <= 140


def test_gsm_11_seven_bits_that_remain_are_a_cr_and_no_at_sign() -> None:
    assert pack(b"1234567") == bytes.fromhex("31d98c56b3dd1a")
    assert unpack_uncounted(bytes.fromhex("31d98c56b3dd1a")) == b"1234567"


def test_gsm_11_eight_septets_leave_no_room_and_get_no_padding() -> None:
    assert len(pack(b"12345678")) == 7
    assert unpack_uncounted(pack(b"12345678")) == b"12345678"


def test_gsm_11_at_signs_at_the_end_stay() -> None:
    assert unpack_uncounted(pack(b"a\0\0")) == b"a\0\0"
    assert unpack_uncounted(pack(b"1234567\0")) == b"1234567\0"


def test_gsm_11_a_cr_within_the_last_octet_is_meant() -> None:
    assert unpack_uncounted(pack(b"a\r")) == b"a\r"


def test_fewer_octets_than_the_septets_need_are_refused() -> None:
    with pytest.raises(ValueError, match="2 octets hold no 3 septets"):
        unpack(b"\x31\x59", 3)


@given(septets, bits)
def test_gsm_9_what_was_packed_is_unpacked(text: bytes, filled: int) -> None:
    packed = pack(text, filled)
    assert unpack(packed, len(text), filled) == text
    assert septets_in(packed, filled) - len(text) in (0, 1)


@given(septets.filter(lambda text: not text.endswith(b"\r")), bits)
def test_gsm_11_without_a_count_it_is_unpacked_as_well(text: bytes, filled: int) -> None:
    assert unpack_uncounted(pack(text, filled), filled) == text


@given(st.binary(max_size=300), bits)
def test_gsm_9_any_octets_are_unpacked(octets: bytes, filled: int) -> None:
    found = unpack_uncounted(octets, filled)
    assert septets_in(octets, filled) - len(found) in (0, 1)
    assert max(found, default=0) < 0x80
