"""3GPP TS 23.040 §9.2.3.24."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text.errors import MalformedUdhError
from gateway.text.udh import (
    Concatenation,
    InformationElement,
    concatenation,
    concatenation_udh,
    parse,
    shift_elements,
    shifts,
)


def found(header: str) -> Concatenation | None:
    return concatenation(parse(bytes.fromhex(header))[0])


def test_a_header_ends_where_its_length_says() -> None:
    elements, rest = parse(bytes.fromhex("05 00 03 cc 02 01") + b"hello")
    assert elements == (InformationElement(0x00, bytes.fromhex("cc 02 01")),)
    assert rest == b"hello"


def test_a_header_may_hold_nothing() -> None:
    assert parse(b"\0hello") == ((), b"hello")


def test_an_element_may_hold_nothing() -> None:
    assert parse(bytes.fromhex("02 f0 00")) == ((InformationElement(0xF0, b""),), b"")


def test_gsm_2_an_8_bit_reference_makes_a_header_of_6_octets() -> None:
    assert concatenation_udh(0xCC, 2, 1) == bytes.fromhex("05 00 03 cc 02 01")


def test_gsm_3_a_16_bit_reference_makes_a_header_of_7_octets() -> None:
    assert concatenation_udh(0xABCD, 255, 254, ref_bits=16) == bytes.fromhex("06 08 04 ab cd ff fe")


@pytest.mark.parametrize(("ref", "ref_bits"), [(256, 8), (-1, 8), (65536, 16), (-1, 16)])
def test_a_reference_over_its_size_is_not_cut_to_fit(ref: int, ref_bits: int) -> None:
    with pytest.raises(ValueError, match="range"):
        concatenation_udh(ref, 2, 1, ref_bits)


@given(st.integers(0, 65535), st.integers(1, 255), st.data(), st.sampled_from([8, 16]))
def test_gsm_13_a_header_that_was_made_is_found(
    ref: int, total: int, data: st.DataObject, ref_bits: int
) -> None:
    number = data.draw(st.integers(1, total))
    ref %= 1 << ref_bits
    elements, rest = parse(concatenation_udh(ref, total, number, ref_bits) + b"x")
    assert concatenation(elements) == Concatenation(ref, total, number, ref_bits)
    assert rest == b"x"


@pytest.mark.parametrize(
    "header",
    [
        "0b 00 03 07 03 02 05 04 0b84 23f0",
        "0b 05 04 0b84 23f0 00 03 07 03 02",
        "0b 24 01 01 00 03 07 03 02 25 01 01",
        "0d 04 02 e2 e2 70 00 00 03 07 03 02 f0 00",
    ],
    ids=["before ports", "behind ports", "between shift tables", "behind an empty element"],
)
def test_gsm_16_the_concatenation_is_found_beside_any_other_element(header: str) -> None:
    assert found(header) == Concatenation(7, 3, 2, 8)


def test_gsm_16_the_16_bit_concatenation_is_found_beside_another_element() -> None:
    assert found("0c 05 04 0b84 23f0 08 04 0107 03 02") == Concatenation(0x107, 3, 2, 16)


def test_gsm_15_references_of_different_size_differ() -> None:
    assert found("05 00 03 07 03 02") != found("06 08 04 0007 03 02")


@pytest.mark.parametrize(
    ("header", "languages"),
    [
        ("03 24 01 01", (0, 1)),
        ("03 25 01 06", (6, 0)),
        ("06 25 01 03 24 01 03", (3, 3)),
        ("0b 24 01 01 00 03 07 03 02 25 01 0c", (12, 1)),
        ("05 00 03 07 03 02", (0, 0)),
        ("06 24 01 01 24 01 02", (0, 2)),
        ("04 24 02 01 01", (0, 0)),
        ("02 25 00", (0, 0)),
        ("03 01 01 05", (0, 0)),
    ],
    ids=[
        "single",
        "locking",
        "both",
        "beside another",
        "none",
        "twice",
        "too long",
        "empty",
        "of one octet",
    ],
)
def test_gsm_12_the_languages_are_read_from_the_header(
    header: str, languages: tuple[int, int]
) -> None:
    assert shifts(parse(bytes.fromhex(header))[0]) == languages


def test_gsm_12_the_elements_of_the_shift_tables_stand_behind_the_concatenation() -> None:
    elements = shift_elements(locking=3, single=1)
    assert elements == bytes.fromhex("240101 250103")
    assert concatenation_udh(7, 3, 2, 8, elements) == bytes.fromhex("0b 0003070302 240101 250103")
    assert concatenation_udh(7, 3, 2, 16, elements) == bytes.fromhex(
        "0c 080400070302 240101 250103"
    )
    assert shift_elements(0, 0) == b""


@given(st.integers(0, 255), st.integers(0, 255))
def test_gsm_12_shifts_that_were_written_are_read(locking: int, single: int) -> None:
    header = concatenation_udh(1, 2, 1, 8, shift_elements(locking, single))
    assert shifts(parse(header)[0]) == (locking, single)


def test_a_header_without_concatenation_has_none() -> None:
    assert found("06 05 04 0b84 23f0") is None


@pytest.mark.parametrize(
    ("header", "ref"),
    [("0b 08 04 0001 02 01 00 03 02 02 01", 2), ("0a 00 03 01 02 01 00 03 02 02 01", 2)],
)
def test_of_two_concatenations_the_last_counts(header: str, ref: int) -> None:
    assert found(header) == Concatenation(ref, 2, 1, 8)


@pytest.mark.parametrize(
    "element",
    ["00 03 07 00 00", "00 03 07 02 00", "00 03 07 02 03", "00 02 07 02", "08 03 07 02 01"],
    ids=["total 0", "number 0", "number over total", "too short", "8 bits as 16"],
)
def test_a_concatenation_that_cannot_be_is_ignored(element: str) -> None:
    octets = bytes.fromhex(element)
    assert concatenation(parse(bytes([len(octets)]) + octets)[0]) is None


def test_a_concatenation_that_cannot_be_does_not_hide_the_one_before() -> None:
    assert found("0a 00 03 07 03 02 00 03 08 00 00") == Concatenation(7, 3, 2, 8)


@pytest.mark.parametrize(
    ("octets", "rest"),
    [
        ("", ""),
        ("05", ""),
        ("06 00 03 cc 02 01", ""),
        ("01 00 6869", "6869"),
        ("04 00 03 cc 02 01 6869", "01 6869"),
        ("06 00 03 cc 02 01 00 6869", "6869"),
    ],
    ids=[
        "no octet",
        "length alone",
        "length past the end",
        "identifier alone",
        "element past the header",
        "one octet too many",
    ],
)
def test_a_malformed_header_is_refused_with_the_user_data_behind_it(octets: str, rest: str) -> None:
    with pytest.raises(MalformedUdhError) as refused:
        parse(bytes.fromhex(octets))
    assert refused.value.rest == bytes.fromhex(rest)


@given(st.binary(max_size=40))
def test_any_octets_are_parsed_whole_or_refused(octets: bytes) -> None:
    try:
        elements, rest = parse(octets)
    except MalformedUdhError as error:
        rest = error.rest
    else:
        assert sum(2 + len(element.data) for element in elements) == octets[0]
    assert octets.endswith(rest)
