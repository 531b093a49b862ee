"""Twilio's segment calculator and ICU's clusters as foreign oracles, both run by Node.js.

The calculator differs from us on purpose in three ways. It never cuts a cluster, and fills each
part from the front: a text with clusters at the ends of its parts may take more parts there, never
fewer. It lets a lone surrogate and a NUL pass. Its smart encoding makes other things of some
characters (see `DIFFERENT`). Everything else is the same, segment by segment.
"""

from __future__ import annotations

import unicodedata
from random import Random
from typing import Any

import pytest

from gateway.text import gsm_03_38, ucs2
from gateway.text.grapheme_cluster import is_boundary
from gateway.text.segmentation import SegmentedText, TextEncoding, segment
from gateway.text.smart_encoding import SMART_ENCODING
from tests.support.npm_package import NodeMissing
from tests.text.generated_texts import PIECES, generated_texts
from tests.text.node_script import CALCULATOR, run_script

pytestmark = pytest.mark.interop

TEXTS = 2_000
SEED = 4
NAMES = {"GSM-7": TextEncoding.GSM_7BIT, "UCS-2": TextEncoding.UCS2}

# What our smart encoding leaves alone: marks, which would become characters of their own; the
# joiner that Persian and Indic scripts need; NUL, which is refused.
LEFT_ALONE = frozenset(
    "\u0302\u0303\u0313\u0314\u0326\u0330\u0332\u0334\u0337\u0338\u0347\u1dcd\u20d2\u20d3\u20e5"
    "\u200c\0"
)
# What it makes another thing of: one space of a space, a line end of a separator of lines, nothing
# of a control code, a comma of a comma that stands upright.
DIFFERENT: dict[str, str] = (
    dict.fromkeys("\u00a0\u2000\u202f\u205f\u3000\t", " ")
    | {chr(space): " " for space in range(0x2002, 0x200B)}
    | dict.fromkeys("\u2028\u2029", "\n")
    | dict.fromkeys("\x80\x8d\x90\x9b\x9f", "")
    | dict.fromkeys("\ufe10\ufe11", ",")
)


def foreign(script: str, given: object = None, package: str = CALCULATOR) -> Any:
    try:
        return run_script(script, given, package)
    except NodeMissing as missing:
        pytest.skip(str(missing))


def texts_of(made: SegmentedText) -> list[str]:
    decode = gsm_03_38.decode if made.encoding is TextEncoding.GSM_7BIT else ucs2.decode
    return [decode(part) for part in made.parts]


def has_clusters(text: str) -> bool:
    return not all(is_boundary(text, index, 0) for index in range(1, len(text)))


def test_gsm_20_encoding_and_segments_are_those_of_twilios_calculator() -> None:
    texts = [text for text in generated_texts(SEED, TEXTS) if text]
    compared = 0
    for text, theirs in zip(texts, foreign("calculator.js", texts), strict=True):
        made = segment(text)
        assert made.encoding is NAMES[theirs["encoding"]], ascii(text)
        assert len(made.parts) <= len(theirs["segments"]), ascii(text)
        if not has_clusters(text):
            assert texts_of(made) == theirs["segments"], ascii(text)
            compared += 1
    assert compared > TEXTS / 3


def test_gsm_10_the_gsm_alphabet_is_twilios() -> None:
    theirs = {chr(int(code)): bytes(units) for code, units in foreign("tables.js")["gsm"].items()}
    ours = {chr(code): gsm_03_38.try_encode(chr(code)) for code in range(0x10000)}
    assert {character: octets for character, octets in ours.items() if octets} == theirs


def test_gsm_18_smart_encoding_is_twilios_but_for_what_is_listed_here() -> None:
    theirs: dict[str, str] = foreign("tables.js")["smart"]
    ours = {character: SMART_ENCODING.get(ord(character)) for character in theirs}
    assert {character for character, smart in ours.items() if smart is None} == LEFT_ALONE
    different = {c: smart for c, smart in ours.items() if smart is not None and smart != theirs[c]}
    assert different == DIFFERENT


def test_gsm_6_no_cluster_of_icu_has_a_boundary_of_ours_inside() -> None:
    """ICU may know an older or a newer Unicode than Python: characters that Python does not know
    are left out, and so are conjuncts, whose rule (GB9c) is younger than some ICUs."""
    random = Random(SEED)
    marks_and_emoji = [
        chr(code)
        for code in range(0x300, 0x20000)
        if unicodedata.category(chr(code)) in ("Mn", "Mc", "Me")
        or code >= 0x1F000
        or 0x1100 <= code < 0x1200
    ]
    pool = [c for c in marks_and_emoji if unicodedata.category(c) != "Cn"]
    pool += [*"ab\r\n \u200d\ufe0f\u20e3\uac00\uac01", *"".join(PIECES["Cyrillic"])]
    texts = ["a" + "".join(random.choices(pool, k=5)) for _ in range(20_000)]
    for text, clusters in zip(texts, foreign("graphemes.js", texts, package=""), strict=True):
        place = 0
        for cluster in clusters:
            inside = range(place + 1, place + len(cluster))
            assert not any(is_boundary(text, index, place) for index in inside), ascii(text)
            place += len(cluster)
