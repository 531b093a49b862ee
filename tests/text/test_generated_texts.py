"""A hundred thousand generated texts against an oracle that tries every split (GSM-20).

TEXTS=n makes so many of each seed; `make test` has the first thousand of each.
"""

from __future__ import annotations

import os

import pytest

from gateway.text import gsm_03_38, ucs2
from gateway.text.national_language import IDENTIFIERS
from gateway.text.segmentation import SegmentedText, TextEncoding, count, segment, segmented
from tests.text import reach_splitter
from tests.text.generated_texts import LANGUAGES, generated_texts

TEXTS = int(os.environ.get("TEXTS", "5000"))
# Each text with one of them, in turn.
SETTINGS = [(ref_bits, languages) for ref_bits in (8, 16) for languages in ((), LANGUAGES)]
IDENTIFIER = {"": 0, **IDENTIFIERS}
PART_OCTETS = 140


def decoded(octets: bytes, made: SegmentedText) -> str:
    if made.encoding is TextEncoding.UCS2:
        return ucs2.decode(octets)
    return gsm_03_38.decode(octets, made.locking_shift, made.single_shift)


@pytest.mark.parametrize("seed", range(20))
def test_gsm_20_generated_texts_are_split_as_the_slow_oracle_wants(seed: int) -> None:
    for number, text in enumerate(generated_texts(seed, TEXTS)):
        ref_bits, languages = SETTINGS[number % len(SETTINGS)]
        where = (seed, number)
        encoding, locking, single, fewest = reach_splitter.expected(text, ref_bits, languages)

        made = segment(text, ref_bits, languages)

        assert (made.encoding, len(made.parts)) == (encoding, fewest), where
        assert (made.locking_shift, made.single_shift) == (
            IDENTIFIER[locking],
            IDENTIFIER[single],
        ), where
        assert count(text, ref_bits, languages) == (encoding, fewest), where
        assert decoded(b"".join(made.parts), made) == text, where
        assert "".join([decoded(part, made) for part in made.parts]) == text, where
        check_octets(made, segmented(text, 7, ref_bits, made.locking_shift, made.single_shift))


def check_octets(made: SegmentedText, sent: tuple[bytes, ...]) -> None:
    """What is sent is what was cut, and with its header no more than fits a short message."""
    bits = 7 if made.encoding is TextEncoding.GSM_7BIT else 8
    for part, octets in zip(made.parts, sent, strict=True):
        header = octets[: len(octets) - len(part)]
        assert octets == header + part
        assert len(header) + (len(part) * bits + 7) // 8 <= PART_OCTETS
