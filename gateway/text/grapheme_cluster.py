"""Where one visible character ends and the next begins (after UAX #29).

Only to choose, between cuts that cost the same, the one that does not tear an emoji, a flag or a
letter from its accents. So the rules err on the side of keeping together, need no tables beyond
`unicodedata`, and look at two characters, or at a run of regional indicators.
"""

from __future__ import annotations

import unicodedata

ZWJ = "\u200d"
VIRAMA = 9  # canonical combining class
REGIONAL_INDICATORS = "".join(map(chr, range(0x1F1E6, 0x1F200)))

# What extends the character before it, though it is not a mark: ZWNJ and ZWJ, Thai and Lao AM,
# medial vowels and final consonants of Hangul, the halfwidth voiced marks, skin tones and tags.
_EXTENDERS = frozenset(
    map(
        chr,
        (
            *(0x200C, 0x200D, 0x0E33, 0x0EB3, 0xFF9E, 0xFF9F),
            *range(0x1160, 0x1200),
            *range(0xD7B0, 0xD7FC),
            *range(0x1F3FB, 0x1F400),
            *range(0xE0020, 0xE0080),
        ),
    )
)
_FIRST_EXTENDER = "\u0300"


def is_boundary(text: str, index: int, known: int) -> bool:
    """Whether a cluster may end before `text[index]`. `known` < `index` is where one surely
    began: how far back a run of flags has to be counted.
    """
    previous, character = text[index - 1], text[index]
    if character < _FIRST_EXTENDER:
        return not (previous == "\r" and character == "\n")
    if previous == ZWJ or character in _EXTENDERS:
        return False
    category = unicodedata.category(character)
    if category[0] == "M":
        return False
    if category == "Lo":
        return unicodedata.combining(previous) != VIRAMA
    if character in REGIONAL_INDICATORS:
        before = text[known:index]
        return (len(before) - len(before.rstrip(REGIONAL_INDICATORS))) % 2 == 0
    return True
