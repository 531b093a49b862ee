from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text.errors import UnencodableError
from gateway.text.preview import CharacterBeyondGsm, PreviewPart, beyond_gsm, preview
from gateway.text.segmentation import TextEncoding, segment, segmented
from tests.text.generated_texts import LANGUAGES, generated_texts


def test_a_text_of_one_part_has_no_header() -> None:
    found = preview("hi {}")
    assert (found.encoding, found.units, found.units_per_part) == (TextEncoding.GSM_7BIT, 7, 160)
    assert found.parts == (PreviewPart("hi {}", 7, b"", bytes.fromhex("686920 1b28 1b29")),)
    assert found.beyond_gsm == ()


def test_each_part_shows_its_text_and_its_octets_behind_the_header() -> None:
    first, second = preview("a" * 160 + "b", ref_bits=16).parts
    assert first == PreviewPart(
        "a" * 152, 152, bytes.fromhex("06080400000201"), first.header + b"a" * 152
    )
    assert (second.text, second.units) == ("a" * 8 + "b", 9)
    assert second.header == bytes.fromhex("06080400000202")


def test_gsm_19_the_characters_that_make_it_ucs2_are_named_with_their_places() -> None:
    found = preview("\u201ca\u201d \u00e7 \u201c")
    assert found.encoding is TextEncoding.UCS2
    assert found.beyond_gsm == (
        CharacterBeyondGsm("\u201c", "U+201C", (0, 6), '"'),
        CharacterBeyondGsm("\u201d", "U+201D", (2,), '"'),
        CharacterBeyondGsm("\u00e7", "U+00E7", (4,), None),
    )


def test_gsm_18_a_character_that_smart_encoding_takes_away_is_told_apart() -> None:
    assert beyond_gsm("\u200b\u200d") == (
        CharacterBeyondGsm("\u200b", "U+200B", (0,), ""),
        CharacterBeyondGsm("\u200d", "U+200D", (1,), None),
    )


def test_gsm_12_the_language_and_its_tables_are_named() -> None:
    found = preview("a" * 80 + "\u015f", 8, ("es", "tr"))
    assert (found.language, found.locking_shift, found.single_shift) == ("tr", False, True)
    assert (found.units, found.units_per_part) == (82, 155)
    assert found.parts[0].header == bytes.fromhex("03240101")
    assert found.parts[0].text.endswith("a\u015f")


def test_a_text_that_cannot_be_sent_has_no_preview() -> None:
    with pytest.raises(UnencodableError):
        preview("a\0")


@given(st.integers(0, 10_000), st.sampled_from([8, 16]), st.sampled_from([(), LANGUAGES]))
def test_gsm_20_a_preview_is_what_would_be_sent(
    seed: int, ref_bits: int, languages: tuple[str, ...]
) -> None:
    (text,) = generated_texts(seed, 1)
    found, made = preview(text, ref_bits, languages), segment(text, ref_bits, languages)
    shifts = made.locking_shift, made.single_shift
    assert tuple(part.octets for part in found.parts) == segmented(text, 0, ref_bits, *shifts)
    assert "".join(part.text for part in found.parts) == text
    assert max(part.units for part in found.parts) <= found.units_per_part
