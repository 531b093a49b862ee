"""3GPP TS 23.038 §6.2.1 and §6.2.1.1, table by table."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text import gsm_03_38
from gateway.text.errors import UnencodableError
from tests.text.slow_splitter import GSM_CHARACTERS, TWO_SEPTETS

ASCII_IN_PLACE = [
    *range(0x20, 0x24),
    *range(0x25, 0x40),
    *range(0x41, 0x5B),
    *range(0x61, 0x7B),
    0x0A,
    0x0D,
]

BY_NAME = {
    0x00: "COMMERCIAL AT",
    0x01: "POUND SIGN",
    0x02: "DOLLAR SIGN",
    0x03: "YEN SIGN",
    0x04: "LATIN SMALL LETTER E WITH GRAVE",
    0x05: "LATIN SMALL LETTER E WITH ACUTE",
    0x06: "LATIN SMALL LETTER U WITH GRAVE",
    0x07: "LATIN SMALL LETTER I WITH GRAVE",
    0x08: "LATIN SMALL LETTER O WITH GRAVE",
    0x09: "LATIN CAPITAL LETTER C WITH CEDILLA",
    0x0B: "LATIN CAPITAL LETTER O WITH STROKE",
    0x0C: "LATIN SMALL LETTER O WITH STROKE",
    0x0E: "LATIN CAPITAL LETTER A WITH RING ABOVE",
    0x0F: "LATIN SMALL LETTER A WITH RING ABOVE",
    0x10: "GREEK CAPITAL LETTER DELTA",
    0x11: "LOW LINE",
    0x12: "GREEK CAPITAL LETTER PHI",
    0x13: "GREEK CAPITAL LETTER GAMMA",
    0x14: "GREEK CAPITAL LETTER LAMDA",
    0x15: "GREEK CAPITAL LETTER OMEGA",
    0x16: "GREEK CAPITAL LETTER PI",
    0x17: "GREEK CAPITAL LETTER PSI",
    0x18: "GREEK CAPITAL LETTER SIGMA",
    0x19: "GREEK CAPITAL LETTER THETA",
    0x1A: "GREEK CAPITAL LETTER XI",
    0x1C: "LATIN CAPITAL LETTER AE",
    0x1D: "LATIN SMALL LETTER AE",
    0x1E: "LATIN SMALL LETTER SHARP S",
    0x1F: "LATIN CAPITAL LETTER E WITH ACUTE",
    0x24: "CURRENCY SIGN",
    0x40: "INVERTED EXCLAMATION MARK",
    0x5B: "LATIN CAPITAL LETTER A WITH DIAERESIS",
    0x5C: "LATIN CAPITAL LETTER O WITH DIAERESIS",
    0x5D: "LATIN CAPITAL LETTER N WITH TILDE",
    0x5E: "LATIN CAPITAL LETTER U WITH DIAERESIS",
    0x5F: "SECTION SIGN",
    0x60: "INVERTED QUESTION MARK",
    0x7B: "LATIN SMALL LETTER A WITH DIAERESIS",
    0x7C: "LATIN SMALL LETTER O WITH DIAERESIS",
    0x7D: "LATIN SMALL LETTER N WITH TILDE",
    0x7E: "LATIN SMALL LETTER U WITH DIAERESIS",
    0x7F: "LATIN SMALL LETTER A WITH GRAVE",
}

EXTENSIONS = {
    "\f": "1b0a",
    "^": "1b14",
    "{": "1b28",
    "}": "1b29",
    "\\": "1b2f",
    "[": "1b3c",
    "~": "1b3d",
    "]": "1b3e",
    "|": "1b40",
    "\u20ac": "1b65",
}

gsm_texts = st.text(st.sampled_from(sorted(GSM_CHARACTERS | TWO_SEPTETS)))


def test_the_tables_of_these_tests_name_every_septet_but_the_escape() -> None:
    assert {*ASCII_IN_PLACE, *BY_NAME} == {*range(0x80)} - {0x1B}


@pytest.mark.parametrize(
    ("septet", "character"),
    [(septet, chr(septet)) for septet in ASCII_IN_PLACE]
    + [(septet, unicodedata.lookup(name)) for septet, name in BY_NAME.items()],
)
def test_a_character_of_the_default_alphabet_is_its_septet_and_back(
    septet: int, character: str
) -> None:
    assert gsm_03_38.encode(character) == bytes([septet])
    assert gsm_03_38.decode(bytes([septet])) == character


@pytest.mark.parametrize(("character", "octets"), EXTENSIONS.items())
def test_gsm_4_a_character_of_the_extension_table_costs_two_septets(
    character: str, octets: str
) -> None:
    assert gsm_03_38.encode(character) == bytes.fromhex(octets)
    assert gsm_03_38.decode(bytes.fromhex(octets)) == character
    assert gsm_03_38.septets(character) == 2


def test_gsm_4_septets_are_counted_and_not_characters() -> None:
    assert gsm_03_38.septets("{10\u20ac}") == 8


def test_gsm_10_at_sign_is_zero_and_ends_nothing() -> None:
    assert gsm_03_38.encode("a@b$c_") == bytes.fromhex("61 00 62 02 63 11")
    assert gsm_03_38.decode(bytes.fromhex("61 00 62")) == "a@b"


def test_gsm_10_small_c_with_cedilla_is_not_in_the_alphabet() -> None:
    assert not gsm_03_38.is_encodable("\u00e7")
    assert gsm_03_38.is_encodable("\u00c7")


def test_gsm_11_cr_and_lf_are_septets_and_stay() -> None:
    assert gsm_03_38.encode("a\r\nb\n\r") == bytes.fromhex("61 0d 0a 62 0a 0d")
    assert gsm_03_38.decode(b"a\r\nb\n\r") == "a\r\nb\n\r"


@pytest.mark.parametrize(
    "character", ["`", "\u00e7", "\0", "\x1b", "\ufffe", "\u0430", "\U0001f600"]
)
def test_gsm_19_a_character_outside_the_alphabet_is_named_and_never_replaced(
    character: str,
) -> None:
    with pytest.raises(UnencodableError) as refused:
        gsm_03_38.encode("a\u20ac" + character)
    assert (refused.value.character, refused.value.position) == (character, 2)


def test_an_unencodable_error_tells_nothing_of_the_text_around() -> None:
    with pytest.raises(UnencodableError, match=r"^U\+0060 at character 6 cannot be sent$"):
        gsm_03_38.encode("secret`")


def test_a_character_of_the_basic_plane_is_encodable_only_if_the_alphabet_has_it() -> None:
    encodable = {chr(code) for code in range(0x10000) if gsm_03_38.is_encodable(chr(code))}
    assert encodable == GSM_CHARACTERS | TWO_SEPTETS


def test_an_empty_place_of_the_extension_table_is_read_in_the_default_alphabet() -> None:
    assert gsm_03_38.decode(bytes.fromhex("1b61 1b00 1b0d")) == "a@\r"


def test_an_escape_to_a_further_table_is_a_space() -> None:
    assert gsm_03_38.decode(bytes.fromhex("61 1b1b 65")) == "a e"


def test_an_escape_at_the_end_is_a_space() -> None:
    assert gsm_03_38.decode(bytes.fromhex("61 1b")) == "a "


def test_parts_that_a_peer_split_inside_an_escape_sequence_are_whole_when_joined() -> None:
    assert gsm_03_38.decode(bytes.fromhex("61 1b") + bytes.fromhex("65 62")) == "a\u20acb"


def test_an_octet_that_is_no_septet_is_the_replacement_character() -> None:
    assert gsm_03_38.decode(bytes.fromhex("61 80 ff 1bff")) == "a\ufffd\ufffd\ufffd"


@given(gsm_texts)
def test_what_was_encoded_is_decoded(text: str) -> None:
    assert gsm_03_38.decode(gsm_03_38.encode(text)) == text


@given(st.binary())
def test_any_octets_decode_to_no_more_characters_than_octets(octets: bytes) -> None:
    assert len(gsm_03_38.decode(octets)) <= len(octets)
