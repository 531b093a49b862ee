"""3GPP TS 23.040 §9.2.3.24.1; the rules GSM-n are those of the reference on segmentation."""

from __future__ import annotations

from itertools import accumulate, chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.text import gsm_03_38, ucs2
from gateway.text.errors import TooManyPartsError, UnencodableError
from gateway.text.segmentation import (
    MAX_PARTS,
    SegmentedText,
    TextEncoding,
    concatenation_udh,
    count,
    measure,
    segment,
    segmented,
)
from gateway.text.udh import concatenation, parse
from tests.text import slow_splitter
from tests.text.test_grapheme_cluster import CLUSTERS

GSM = TextEncoding.GSM_7BIT
UCS2 = TextEncoding.UCS2
EURO = "\u20ac"
CYRILLIC = "\u041f"
EMOJI = "\U0001f600"
FAMILY = CLUSTERS["family"]
FLAG = CLUSTERS["flag"]

# Septets of user data in one SMS beside a header of so many octets, and units of UCS-2.
SEPTETS_BESIDE = {octets: (140 - octets) * 8 // 7 for octets in (0, 6, 7)}
UNITS_BESIDE = {octets: (140 - octets) // 2 for octets in (0, 6, 7)}


def lengths(segmented: SegmentedText) -> list[int]:
    unit = 1 if segmented.encoding is GSM else 2
    return [len(part) // unit for part in segmented.parts]


def texts_of(segmented: SegmentedText) -> list[str]:
    decode = gsm_03_38.decode if segmented.encoding is GSM else ucs2.decode
    return [decode(part) for part in segmented.parts]


def test_an_empty_text_is_one_empty_part() -> None:
    assert segment("") == SegmentedText(GSM, (b"",))
    assert count("") == (GSM, 1)


def test_encodings_have_the_names_that_the_store_keeps() -> None:
    assert [str(encoding) for encoding in TextEncoding] == ["gsm7", "ucs2"]


@pytest.mark.parametrize("ref_bits", [8, 16])
def test_gsm_1_a_single_part_holds_160_septets_or_70_units(ref_bits: int) -> None:
    assert lengths(segment("a" * 160, ref_bits)) == [160] == [SEPTETS_BESIDE[0]]
    assert lengths(segment(CYRILLIC * 70, ref_bits)) == [70] == [UNITS_BESIDE[0]]
    assert count("a" * 160, ref_bits) == (GSM, 1)
    assert count(CYRILLIC * 70, ref_bits) == (UCS2, 1)


def test_gsm_2_parts_with_an_8_bit_reference_hold_153_septets_or_67_units() -> None:
    assert lengths(segment("a" * 161)) == [153, 8]
    assert lengths(segment(CYRILLIC * 71)) == [67, 4]
    assert (SEPTETS_BESIDE[6], UNITS_BESIDE[6]) == (153, 67)


def test_gsm_3_parts_with_a_16_bit_reference_hold_152_septets_or_66_units() -> None:
    assert lengths(segment("a" * 161, 16)) == [152, 9]
    assert lengths(segment(CYRILLIC * 71, 16)) == [66, 5]
    assert (SEPTETS_BESIDE[7], UNITS_BESIDE[7]) == (152, 66)


@pytest.mark.parametrize("character", [EURO, "\f", "^", "{", "}", "\\", "[", "~", "]", "|"])
def test_gsm_4_eighty_characters_of_the_extension_table_fill_a_part(character: str) -> None:
    assert count(character * 80) == (GSM, 1)
    assert count(character * 81) == (GSM, 2)
    assert lengths(segment(character * 81)) == [152, 10]


def test_gsm_5_an_escape_pair_is_never_split() -> None:
    segmented = segment("a" * 152 + EURO + "b" * 10)
    assert segmented.parts == (b"a" * 152, b"\x1b\x65" + b"b" * 10)


def test_gsm_5_an_escape_pair_that_just_fits_stays() -> None:
    assert segment("a" * 151 + EURO + "b" * 10).parts == (b"a" * 151 + b"\x1b\x65", b"b" * 10)


def test_gsm_5_pairs_that_do_not_fit_can_cost_a_part() -> None:
    text = "a" * 152 + EURO * 77
    assert gsm_03_38.septets(text) == 2 * 153
    assert count(text) == (GSM, 3)
    assert lengths(segment(text)) == [152, 152, 2]


def test_gsm_6_a_surrogate_pair_is_never_split() -> None:
    segmented = segment(CYRILLIC * 66 + EMOJI + "bbb")
    assert texts_of(segmented) == [CYRILLIC * 66, EMOJI + "bbb"]
    assert lengths(segmented) == [66, 5]


def test_gsm_6_pairs_that_do_not_fit_can_cost_a_part() -> None:
    assert count(EMOJI * 67) == (UCS2, 3)
    assert lengths(segment(EMOJI * 67)) == [66, 66, 2]


def test_gsm_7_one_foreign_character_makes_every_part_ucs2() -> None:
    segmented = segment("a" * 133 + CYRILLIC)
    assert segmented.encoding is UCS2
    assert lengths(segmented) == [67, 67]


def test_gsm_8_ucs2_is_big_endian_without_byte_order_mark() -> None:
    assert segment("a" + CYRILLIC).parts == (bytes.fromhex("0061 041f"),)


def test_gsm_10_at_signs_are_zero_octets() -> None:
    assert segment("@" * 161).parts == (b"\0" * 153, b"\0" * 8)


def test_gsm_11_cr_lf_is_kept_together_where_that_costs_no_part() -> None:
    assert texts_of(segment("a" * 152 + "\r\n" + "b" * 10)) == ["a" * 152, "\r\n" + "b" * 10]


def test_gsm_11_cr_lf_is_split_rather_than_sent_in_one_part_more() -> None:
    assert texts_of(segment("a" * 152 + "\r\n" + "b" * 152)) == ["a" * 152 + "\r", "\n" + "b" * 152]


def test_gsm_13_a_message_of_255_parts_is_the_longest() -> None:
    assert len(segment("a" * 153 * MAX_PARTS).parts) == MAX_PARTS
    assert count("a" * 153 * MAX_PARTS) == (GSM, MAX_PARTS)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * (153 * 255 + 1), 256),
        (CYRILLIC * (67 * 255 + 1), 256),
        (EMOJI * (33 * 255 + 1), 256),
        (EMOJI * 67 * 200, 407),
    ],
)
def test_gsm_13_more_than_255_parts_are_refused_before_any_is_made(text: str, parts: int) -> None:
    for split in (segment, count):
        with pytest.raises(TooManyPartsError) as refused:
            split(text)
        assert refused.value.parts == parts


def test_gsm_13_every_part_has_the_reference_the_total_and_its_number() -> None:
    parts = segment("a" * 400).parts
    headers = [concatenation_udh(204, len(parts), number) for number in (1, 2, 3)]
    assert headers == [bytes.fromhex(f"050003cc030{number}") for number in (1, 2, 3)]


@pytest.mark.parametrize("ref_bits", [8, 16])
@pytest.mark.parametrize("character", ["a", CYRILLIC])
def test_gsm_13_header_and_part_fit_in_140_octets(character: str, ref_bits: int) -> None:
    segmented = segment(character * 500, ref_bits)
    bits = 7 if segmented.encoding is GSM else 8
    for number, part in enumerate(segmented.parts, start=1):
        header = concatenation_udh(1, len(segmented.parts), number, ref_bits)
        fields = concatenation(parse(header + part)[0])
        assert fields is not None
        assert fields.number == number
        assert len(header) + -(-len(part) * bits // 8) <= 140


# Turkish: `s` with a cedilla is in the locking shift table, and behind an escape in the other.
S_CEDILLA = "\u015f"


@pytest.mark.parametrize(
    ("tables", "alone", "with_8_bits", "with_16_bits"),
    [((0, 1), 155, 149, 148), ((1, 0), 155, 149, 148), ((1, 1), 152, 146, 145)],
    ids=["single", "locking", "both"],
)
def test_gsm_12_shift_elements_cost_their_septets(
    tables: tuple[int, int], alone: int, with_8_bits: int, with_16_bits: int
) -> None:
    def septets(length: int, ref_bits: int) -> list[int]:
        parts = segmented("a" * length, 1, ref_bits, *tables)
        return [len(parse(part)[1]) for part in parts]

    assert septets(alone, 8) == [alone]
    assert septets(alone + 1, 8) == [with_8_bits, alone + 1 - with_8_bits]
    assert septets(alone + 1, 16) == [with_16_bits, alone + 1 - with_16_bits]


def test_gsm_12_shift_tables_are_used_where_they_save_a_part() -> None:
    text = "a" * 70 + S_CEDILLA
    made = segment(text, 8, ("tr",))
    assert made == SegmentedText(GSM, (b"a" * 70 + b"\x1bs",), single_shift=1)
    assert count(text, 8, ("tr",)) == (GSM, 1)
    assert segmented(text, 0, 8, 0, 1) == (bytes.fromhex("03240101") + b"a" * 70 + b"\x1bs",)


def test_gsm_12_ucs2_stays_where_shift_tables_save_nothing() -> None:
    assert segment("a" * 69 + S_CEDILLA, 8, ("tr",)) == segment("a" * 69 + S_CEDILLA)
    assert segment(S_CEDILLA * 70, 8, ("tr",)).encoding is UCS2


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("a" * 100 + S_CEDILLA * 20, (0, 1)),
        ("a" * 60 + S_CEDILLA * 60, (1, 0)),
        (S_CEDILLA * 100 + "\u011e\u00e7", (1, 0)),
        (S_CEDILLA * 149, (1, 0)),
    ],
)
def test_gsm_12_the_single_shift_table_is_preferred_unless_the_locking_one_saves_a_part(
    text: str, tables: tuple[int, int]
) -> None:
    made = segment(text, 8, ("tr",))
    assert (made.locking_shift, made.single_shift) == tables


def test_gsm_12_both_tables_are_used_where_neither_alone_has_all() -> None:
    text = "\u0928\u092e\u0938\u094d\u0924\u0947 \u0967\u0968" * 9
    made = segment(text, 8, ("hi",))
    assert (made.locking_shift, made.single_shift, len(made.parts)) == (6, 6, 1)
    assert count(text) == (UCS2, 2)


def test_gsm_12_the_first_of_two_languages_that_do_is_taken() -> None:
    text = "a" * 80 + "\u00e7"
    assert segment(text, 8, ("es", "tr")).single_shift == 2
    assert segment(text, 8, ("tr", "es")).single_shift == 1


def test_gsm_12_a_language_that_has_not_all_characters_is_not_taken() -> None:
    assert segment("a" * 80 + S_CEDILLA, 8, ("es", "pt")).encoding is UCS2


def test_gsm_12_a_text_of_the_default_alphabet_needs_no_language() -> None:
    assert segment("a" * 300, 8, ("tr",)) == segment("a" * 300)


def test_gsm_12_every_part_names_the_language_beside_its_number() -> None:
    parts = segmented("a" * 200 + S_CEDILLA, 0x1CC, 8, 0, 1)
    headers = [part[: 1 + part[0]].hex() for part in parts]
    assert headers == ["080003cc0201240101", "080003cc0202240101"]


def test_gsm_12_an_escape_pair_of_a_national_table_is_never_split() -> None:
    first, second = segmented("a" * 148 + S_CEDILLA * 6, 1, 8, 0, 1)
    assert parse(first)[1] == b"a" * 148
    assert parse(second)[1] == b"\x1bs" * 6


def test_gsm_12_what_is_sent_is_what_was_counted() -> None:
    text = S_CEDILLA * 400
    for ref_bits in (8, 16):
        coding, parts = measure(text, ref_bits, ("tr",))
        shifts = coding.locking_shift, coding.single_shift
        assert len(segmented(text, 1, ref_bits, *shifts)) == parts


def test_gsm_13_a_text_that_only_shift_tables_keep_within_255_parts_is_sent_in_them() -> None:
    text = S_CEDILLA * 149 * 255
    assert count(text, 8, ("tr",)) == (GSM, 255)
    with pytest.raises(TooManyPartsError):
        count(text)
    with pytest.raises(TooManyPartsError):
        count(text + "a", 8, ("tr",))


def test_gsm_13_parts_are_sent_with_the_reference_the_total_and_their_number() -> None:
    sent = segmented("a" * 400, 0x1CC)
    assert [part[:6].hex() for part in sent] == [f"050003cc030{number}" for number in (1, 2, 3)]
    sent = segmented(CYRILLIC * 100, 0x1CC, 16)
    assert [part[:7].hex() for part in sent] == [f"06080401cc020{number}" for number in (1, 2)]


def test_gsm_1_a_single_part_has_no_header() -> None:
    assert segmented("a" * 160, 0xCC) == (b"a" * 160,)
    assert segmented(CYRILLIC, 0xCC) == (bytes.fromhex("041f"),)


@pytest.mark.parametrize("split", [segment, count])
@pytest.mark.parametrize("text", ["a\0", CYRILLIC + "\0", "a\ud83d", "\ude00a"])
def test_gsm_19_nul_and_lone_surrogates_are_refused(text: str, split: type) -> None:
    with pytest.raises(UnencodableError):
        split(text)


def test_gsm_19_a_character_outside_the_alphabet_is_sent_and_not_replaced() -> None:
    assert texts_of(segment("caf\u00e9 gar\u00e7on `")) == ["caf\u00e9 gar\u00e7on `"]


def test_gsm_6_an_emoji_family_is_kept_together_where_that_costs_no_part() -> None:
    assert texts_of(segment(CYRILLIC * 60 + FAMILY + "bb")) == [CYRILLIC * 60, FAMILY + "bb"]


def test_gsm_6_flags_are_not_torn_into_other_flags() -> None:
    assert texts_of(segment("a" + FLAG * 18)) == ["a" + FLAG * 16, FLAG * 2]


def test_gsm_20_what_is_given_back_is_bounded_by_what_the_parts_behind_can_hold() -> None:
    text = (CYRILLIC * 65 + FAMILY) + CYRILLIC * 58
    assert lengths(segment(text)) == [67, 67]


def test_gsm_20_a_cluster_longer_than_a_part_is_cut_where_the_part_is_full() -> None:
    assert lengths(segment("a" + "\u0301" * 150)) == [67, 67, 17]


# Runs of pieces that are each one cluster, and that never join with what follows them.
GSM_PIECES = ["a", "@", EURO, "{", "\f", "\r\n", "\n", "\u00c7", "\u0394"]
PIECES = [*GSM_PIECES, "\u00e7", CYRILLIC, "\u4e2d", EMOJI, *CLUSTERS.values()]


def runs(pieces: list[str]) -> st.SearchStrategy[list[str]]:
    run = st.builds(
        lambda piece, times: [piece] * times, st.sampled_from(pieces), st.integers(1, 90)
    )
    return st.lists(run, max_size=7).map(lambda lists: list(chain.from_iterable(lists))[:400])


texts = st.one_of(runs(GSM_PIECES), runs(PIECES))
ref_sizes = st.sampled_from([8, 16])


@settings(deadline=None)
@given(texts, ref_sizes)
def test_gsm_20_parts_joined_are_the_text_and_so_are_their_texts(
    pieces: list[str], ref_bits: int
) -> None:
    text = "".join(pieces)
    segmented = segment(text, ref_bits)
    decode = gsm_03_38.decode if segmented.encoding is GSM else ucs2.decode
    assert decode(b"".join(segmented.parts)) == text
    assert "".join(texts_of(segmented)) == text


@settings(deadline=None)
@given(texts, ref_sizes)
def test_gsm_20_no_part_is_over_its_limit(pieces: list[str], ref_bits: int) -> None:
    segmented = segment("".join(pieces), ref_bits)
    limit = slow_splitter.PART_LIMIT[segmented.encoding.value, ref_bits]
    if len(segmented.parts) == 1:
        limit = slow_splitter.SINGLE_LIMIT[segmented.encoding.value]
    assert max(lengths(segmented)) <= limit


@settings(deadline=None)
@given(texts, ref_sizes)
def test_gsm_20_the_count_is_that_of_the_parts_and_the_least_possible(
    pieces: list[str], ref_bits: int
) -> None:
    text = "".join(pieces)
    segmented = segment(text, ref_bits)
    expected = slow_splitter.part_count(text, ref_bits)
    assert (segmented.encoding.value, len(segmented.parts)) == expected
    assert count(text, ref_bits) == expected


@settings(deadline=None)
@given(texts, ref_sizes)
def test_gsm_20_a_cluster_is_cut_only_where_sparing_it_would_cost_a_part(
    pieces: list[str], ref_bits: int
) -> None:
    text = "".join(pieces)
    segmented = segment(text, ref_bits)
    encoding = segmented.encoding.value
    limit = slow_splitter.PART_LIMIT[encoding, ref_bits]
    fewest = slow_splitter.fewest_parts(text, limit)
    boundaries = set(accumulate(map(len, pieces)))

    start = 0
    left = len(segmented.parts)
    for part in texts_of(segmented)[:-1]:
        left -= 1
        end = start + len(part)
        if end not in boundaries:
            width = 0
            for cut in range(start + 1, end + 1):
                width += slow_splitter.width_of(text[cut - 1], encoding)
                assert cut not in boundaries or width > limit or fewest[cut] > left
        start = end
