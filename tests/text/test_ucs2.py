from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text import ucs2
from gateway.text.errors import UnencodableError


def test_gsm_8_octets_are_big_endian_without_byte_order_mark() -> None:
    assert ucs2.encode("\u041f\u20ac") == bytes.fromhex("041f 20ac")


def test_gsm_6_a_character_over_ffff_is_a_surrogate_pair() -> None:
    assert ucs2.encode("\U0001f600") == bytes.fromhex("d83d de00")


@pytest.mark.parametrize("character", ["\0", chr(0xD83D), chr(0xDE00)])
def test_gsm_19_nul_and_lone_surrogates_are_refused(character: str) -> None:
    with pytest.raises(UnencodableError) as refused:
        ucs2.encode("\u041f" + character + "a")
    assert (refused.value.character, refused.value.position) == (character, 1)


def test_gsm_19_two_surrogates_that_were_never_joined_are_refused() -> None:
    with pytest.raises(UnencodableError):
        ucs2.encode("\ud83d\ude00")


@pytest.mark.parametrize("octets", ["0061 d83d", "0061 de00", "0061 00"])
def test_broken_octets_decode_to_the_replacement_character(octets: str) -> None:
    assert ucs2.decode(bytes.fromhex(octets)) == "a\ufffd"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_what_was_encoded_is_decoded(text: str) -> None:
    assert ucs2.decode(ucs2.encode(text)) == text
