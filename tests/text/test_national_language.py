"""3GPP TS 23.038 §6.2.1.2 and annex A. The octets come from other stacks: gsmcodecs, node-smpp."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.account import Language
from gateway.text import gsm_03_38
from gateway.text.errors import UnencodableError
from gateway.text.national_language import (
    IDENTIFIERS,
    LOCKING_SHIFT_TABLES,
    SINGLE_SHIFT_TABLES,
)

# The identifiers of the tables that a text is written in, and its septets as gsmcodecs has them.
BY_GSMCODECS = [
    (1, 1, "Çok şükür, iyiyim: ĞğİŞç", "096f6b201d7e6b7e722c2069796979696d3a200b0c401c60"),
    (0, 1, "şükür: ĞğİŞşç €", "1b737e6b7e723a201b471b671b491b531b731b63201b65"),
    (
        0,
        2,
        "¿Dónde está? ÁÍÓÚáíóúç",
        "60441b6f6e6465206573741b613f201b411b491b4f1b551b611b691b6f1b751b09",
    ),
    (
        3,
        3,
        "Não há avião às 3: ÃãÕõÂâÊêÔô",
        "4e7b6f20680f206176697b6f207f7320333a205b7b5c7c1c1d1e040b0c",
    ),
    (0, 3, "Não há: ÃãÕõÂâÊêÔô", "4e1b7b6f20681b0f3a201b5b1b7b1b5c1b7c1b611b7f1b1f1b051b0b1b0c"),
    (4, 4, "আমি বাংলায় গান গাই ৳ ১২৩", "044251204050014650434e2017502f20175005201b2c201b1a1b1c1b1d"),
    (5, 5, "હું ગુજરાતી બોલું છું ૧૨૩", "4d53012017531d4450275220405d465301201c5301201b1d1b1e1b1f"),
    (6, 6, "नमस्ते दुनिया क़ १२३", "2f424c5f2759202b532f51435020154e201b1d1b1e1b1f"),
    (8, 8, "മലയാളം എന്റെ ഭാഷ ൧൨൩", "424643504701200e2f5f45582041504b201b1d1b1e1b1f"),
    (9, 9, "ଓଡ଼ିଆ ଭାଷା ୧୨୩", "13244e51042041504b50201b1d1b1e1b1f"),
    (10, 10, "ਸਤ ਸ੍ਰੀ ਅਕਾਲ ੧੨੩", "4c27204c5f44522003155046201b1d1b1e1b1f"),
    (11, 11, "தமிழ் வணக்கம் ௧௨௩", "274251485f204926155f15425f201b1d1b1e1b1f"),
    (12, 12, "తెలుగు భాష ౧౨౩", "2758465317532041504b201b1d1b1e1b1f"),
    (13, 13, "اردو زبان ۱۲۳ ؟", "00251a53202b02004f201b1d1b1e1b1f201b33"),
]

# The same of node-smpp, which knows these three.
BY_NODE_SMPP = [
    (1, 0, "İşte ağaç, Ğğ Ş €", "401d746520610c61602c200b0c201c2004"),
    (0, 2, "Mañana él, ¿o tú? €", "4d617d616e6120056c2c20606f20741b753f201b65"),
    (3, 0, "Olá, você não: €^{}", "4f6c0f2c20766f6304206e7b6f3a20181b141b281b29"),
]

# The scripts of the tables, by the words that begin the names of their characters.
SCRIPTS = {
    4: "BENGALI",
    5: "GUJARATI",
    6: "DEVANAGARI",
    7: "KANNADA",
    8: "MALAYALAM",
    9: "ORIYA",
    10: "GURMUKHI",
    11: "TAMIL",
    12: "TELUGU",
}
# In the tables of a newer Unicode than the letters around them, or of a sister script.
BORROWED = {"\u0964", "\u0965"}
OF_GSM = frozenset(gsm_03_38.DEFAULT_ALPHABET) | frozenset(gsm_03_38.EXTENSION_TABLE.values())
PAIRS = [(0, i) for i in SINGLE_SHIFT_TABLES] + [(i, i) for i in LOCKING_SHIFT_TABLES]


@pytest.mark.parametrize(("locking", "single", "text", "octets"), BY_GSMCODECS)
def test_gsm_12_a_text_in_shift_tables_is_what_another_stack_makes_of_it(
    locking: int, single: int, text: str, octets: str
) -> None:
    assert gsm_03_38.encode(text, locking, single) == bytes.fromhex(octets)
    assert gsm_03_38.decode(bytes.fromhex(octets), locking, single) == text


@pytest.mark.parametrize(("locking", "single", "text", "octets"), BY_NODE_SMPP)
def test_gsm_12_what_node_smpp_sends_is_read(
    locking: int, single: int, text: str, octets: str
) -> None:
    assert gsm_03_38.decode(bytes.fromhex(octets), locking, single) == text


def test_gsm_12_the_identifiers_are_those_of_the_specification() -> None:
    assert list(IDENTIFIERS.values()) == list(range(1, 14))
    assert set(SINGLE_SHIFT_TABLES) == set(IDENTIFIERS.values())
    assert set(LOCKING_SHIFT_TABLES) == set(IDENTIFIERS.values()) - {IDENTIFIERS["es"]}


def test_the_languages_that_can_be_configured_are_those_with_tables() -> None:
    assert [language.value for language in Language] == list(IDENTIFIERS)


@pytest.mark.parametrize("language", SCRIPTS)
def test_gsm_12_a_table_has_its_own_script_and_what_gsm_has(language: int) -> None:
    tables = LOCKING_SHIFT_TABLES[language], SINGLE_SHIFT_TABLES[language]
    for character in {c for table in tables for c in table.values()} - OF_GSM - BORROWED:
        # `unicodedata` may be older than a letter; its block has 128 places.
        name = unicodedata.name(character, "")
        block = chr(ord(character) & ~0x7F | 0x05)
        assert SCRIPTS[language] in (name or unicodedata.name(block)), ascii(character)


@pytest.mark.parametrize("language", SCRIPTS)
def test_gsm_12_the_letters_of_an_indic_locking_table_are_in_the_order_of_unicode(
    language: int,
) -> None:
    letters = [c for c in LOCKING_SHIFT_TABLES[language].values() if c not in OF_GSM]
    assert letters == sorted(set(letters))


@pytest.mark.parametrize("language", SCRIPTS)
def test_gsm_12_the_digits_of_a_language_are_ten_in_a_row(language: int) -> None:
    digits = [c for c in SINGLE_SHIFT_TABLES[language].values() if unicodedata.category(c) == "Nd"]
    assert [unicodedata.digit(digit) for digit in digits] == list(range(10))


@pytest.mark.parametrize(
    ("locking", "single", "octets", "text"),
    [(7, 0, "24", "\u0ca1"), (0, 11, "1b24", "\u0bee"), (0, 12, "1b65", "\u20ac")],
    ids=["Kannada", "Tamil", "Telugu"],
)
def test_gsm_12_misprints_of_the_specification_are_not_repeated(
    locking: int, single: int, octets: str, text: str
) -> None:
    assert gsm_03_38.decode(bytes.fromhex(octets), locking, single) == text


@pytest.mark.parametrize("language", SINGLE_SHIFT_TABLES)
def test_gsm_12_every_single_shift_table_has_what_the_extension_table_has(language: int) -> None:
    extension = {**gsm_03_38.EXTENSION_TABLE, **SINGLE_SHIFT_TABLES[language]}
    assert extension == SINGLE_SHIFT_TABLES[language]


def test_gsm_12_a_place_that_the_single_shift_table_leaves_empty_is_read_in_the_main_one() -> None:
    assert gsm_03_38.decode(bytes.fromhex("1b611b04"), 0, 1) == "a\u00e8"
    assert gsm_03_38.decode(bytes.fromhex("1b04"), 1, 1) == "\u20ac"


def test_gsm_12_an_escape_to_nothing_and_an_empty_place_are_spaces() -> None:
    assert gsm_03_38.decode(bytes.fromhex("61 1b1b 62 1b"), 0, 1) == "a b "
    assert gsm_03_38.decode(bytes.fromhex("61 0c"), 4, 4) == "a "


def test_gsm_12_an_octet_that_is_no_septet_is_the_replacement_character() -> None:
    assert gsm_03_38.decode(bytes.fromhex("80 1bff"), 1, 1) == "\ufffd\ufffd"


@pytest.mark.parametrize(("locking", "single"), [(14, 0), (0, 14), (255, 255), (2, 0)])
def test_gsm_12_an_unknown_language_has_the_default_tables(locking: int, single: int) -> None:
    assert gsm_03_38.decode(bytes.fromhex("04 1b65"), locking, single) == "\u00e8\u20ac"


def test_gsm_12_a_character_of_both_tables_takes_the_cheaper_place() -> None:
    assert gsm_03_38.encode("\u015f\u20ac", 1, 1) == bytes.fromhex("1d 04")


@pytest.mark.parametrize("character", ["\0", "\x1b", "\u00e8", "\u4e2d"])
def test_gsm_19_a_character_outside_the_tables_is_named_and_never_replaced(character: str) -> None:
    with pytest.raises(UnencodableError) as refused:
        gsm_03_38.encode("\u015f" + character, 1, 1)
    assert (refused.value.character, refused.value.position) == (character, 1)


@given(st.sampled_from(PAIRS), st.data())
def test_gsm_12_what_was_encoded_is_decoded(pair: tuple[int, int], data: st.DataObject) -> None:
    characters = sorted(gsm_03_38.national_alphabet(*pair).septets)
    text = data.draw(st.text(st.sampled_from(characters)))
    assert gsm_03_38.decode(gsm_03_38.encode(text, *pair), *pair) == text


@given(st.binary(), st.integers(0, 255), st.integers(0, 255))
def test_gsm_12_any_octets_decode_in_any_tables(octets: bytes, locking: int, single: int) -> None:
    assert len(gsm_03_38.decode(octets, locking, single)) <= len(octets)
