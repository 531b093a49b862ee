"""Where one visible character ends and the next begins (after UAX #29).

Only to choose, between cuts that cost the same, the one that does not tear an emoji, a flag or a
letter from its accents. So the rules err on the side of keeping together, need no tables beyond
`unicodedata`, and look at two characters, or at a run of regional indicators. For that one cluster
may be torn: a conjunct with a further mark between its virama and its last consonant (GB9c).
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

# What goes with the character behind it (GB9b): signs before Arabic and Syriac numbers, and letters
# of Brahmic scripts that are written over the next one.
_PREPENDED = frozenset(
    map(
        chr,
        (
            *(*range(0x0600, 0x0606), 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x0D4E),
            *(0x110BD, 0x110CD, 0x111C2, 0x111C3, 0x1193F, 0x11941, 0x11A3A),
            *(*range(0x11A84, 0x11A8A), 0x11D46, 0x11F02),
        ),
    )
)
# Initial consonants of Hangul; with the next one, or a syllable that is written whole, they are one
# (GB6).
_INITIALS = frozenset(map(chr, (*range(0x1100, 0x1160), *range(0xA960, 0xA97D))))
_FIRST_SYLLABLE, _LAST_SYLLABLE = "\uac00", "\ud7a3"


def is_boundary(text: str, index: int, known: int) -> bool:
    """Whether a cluster may end before `text[index]`. `known` < `index` is where one surely
    began: how far back a run of flags has to be counted.
    """
    previous, character = text[index - 1], text[index]
    if character < _FIRST_EXTENDER and previous not in _PREPENDED:
        return not (previous == "\r" and character == "\n")
    if previous == ZWJ or character in _EXTENDERS or previous in _PREPENDED:
        return False
    category = unicodedata.category(character)
    if category[0] == "M":
        return False
    if category == "Lo":
        if previous in _INITIALS:
            syllable = _FIRST_SYLLABLE <= character <= _LAST_SYLLABLE
            return not (syllable or character in _INITIALS)
        return unicodedata.combining(previous) != VIRAMA
    if character in REGIONAL_INDICATORS:
        before = text[known:index]
        return (len(before) - len(before.rstrip(REGIONAL_INDICATORS))) % 2 == 0
    return True
