from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text import gsm_03_38
from gateway.text.segmentation import TextEncoding, count
from gateway.text.smart_encoding import SMART_ENCODING, smart_encode


@pytest.mark.parametrize(
    ("text", "smart"),
    [
        ("\u201cHello\u201d", '"Hello"'),
        ("\u00abHello\u00bb", '"Hello"'),
        ("it\u2019s", "it's"),
        ("a \u2013 b \u2014 c", "a - b - c"),
        ("wait\u2026", "wait..."),
        ("\u00bc \u00bd \u00be \u2153", "1/4 1/2 3/4 1/3"),
        ("10\u00a0000\u202f km", "10 000  km"),
        ("a\u200bb\ufeffc\u00add", "abcd"),
        ("\uff21\uff5a\uff01\uff40", "Az!'"),
        ("\ua731\u1d00\u029f\u1d07", "SALE"),
        ("\u2039x\u203a", "<x>"),
        ("a\tb\u2028c\x07", "a b\nc"),
    ],
)
def test_gsm_18_typography_becomes_the_gsm_alphabet(text: str, smart: str) -> None:
    assert smart_encode(text) == smart


def test_gsm_18_it_is_applied_before_counting() -> None:
    text = "\u201c" + "a" * 150 + "\u2026\u201d"
    assert count(text) == (TextEncoding.UCS2, 3)
    assert count(smart_encode(text)) == (TextEncoding.GSM_7BIT, 1)


def test_gsm_18_each_character_is_replaced_even_if_another_one_stays() -> None:
    assert smart_encode("\u201c\u041f\U0001f600\u201d") == '"\u041f\U0001f600"'


@pytest.mark.parametrize("character", ["\0", "\u200c", "\u200d", "\u0301", "\u00e7", "\u041f"])
def test_gsm_18_what_a_text_means_is_left_alone(character: str) -> None:
    assert smart_encode("e" + character) == "e" + character


def test_gsm_18_everything_that_comes_out_of_the_table_is_in_the_alphabet() -> None:
    assert all(map(gsm_03_38.is_encodable, SMART_ENCODING.values()))


def test_gsm_18_nothing_that_is_in_the_alphabet_is_replaced() -> None:
    assert not any(gsm_03_38.is_encodable(chr(code)) for code in SMART_ENCODING)


def test_gsm_18_the_table_agrees_with_the_compatibility_forms_of_unicode() -> None:
    """One ASCII character of NFKC is the replacement, except where the table aims at the eye."""
    by_eye = {"\uff40": "'"}
    for code, replacement in SMART_ENCODING.items():
        compatible = unicodedata.normalize("NFKC", chr(code))
        if len(compatible) == 1 and "!" <= compatible <= "~" and compatible != chr(code):
            assert replacement == by_eye.get(chr(code), compatible)


@given(st.text())
def test_gsm_18_applied_twice_is_applied_once(text: str) -> None:
    assert smart_encode(smart_encode(text)) == smart_encode(text)
