"""An oracle that tries every split, and shares no arithmetic with `gateway.text`.

The places where a part may end are the bits of a number, one for each unit of the text. So are
those that a number of parts can reach, and one part further on is that number, shifted by all that
a part holds and cut down to the places where parts may end. The table of characters of national
languages is the gateway's own, which has tests of its own; widths and limits are written down here.
"""

from __future__ import annotations

from functools import cache

from gateway.text.national_language import (
    IDENTIFIERS,
    LOCKING_SHIFT_TABLES,
    SINGLE_SHIFT_TABLES,
)
from tests.text.slow_splitter import GSM_CHARACTERS, TWO_SEPTETS

ONE_UNIT, TWO_UNITS = "1", "01"
# By what the header names: a part alone, and one of several by the size of the reference.
NO_SHIFT = {1: 160, 8: 153, 16: 152}
ONE_SHIFT = {1: 155, 8: 149, 16: 148}
TWO_SHIFTS = {1: 152, 8: 146, 16: 145}
UCS2 = {1: 70, 8: 67, 16: 66}

Places = dict[int, str]


class Ucs2Places(dict[int, str]):
    def __missing__(self, code: int) -> str:
        self[code] = TWO_UNITS if code > 0xFFFF else ONE_UNIT
        return self[code]


UCS2_PLACES = Ucs2Places()


@cache
def places_of(locking: str, single: str) -> Places:
    """The places of each character of an alphabet, the last of which a part may end behind."""
    main = set(GSM_CHARACTERS)
    if locking:
        main = set(LOCKING_SHIFT_TABLES[IDENTIFIERS[locking]].values())
    extension = set(TWO_SEPTETS)
    if single:
        extension = set(SINGLE_SHIFT_TABLES[IDENTIFIERS[single]].values())
    wide = {ord(character): TWO_UNITS for character in extension - main}
    return {ord(character): ONE_UNIT for character in main} | wide


def least_parts(text: str, places: Places, limits: dict[int, int], ref_bits: int) -> int:
    ends = "1" + text.translate(places)
    if len(ends) - 1 <= limits[1]:
        return 1
    mask, limit = int(ends[::-1], 2), limits[ref_bits]
    last, reached, parts = 1 << (len(ends) - 1), 1, 0
    while not reached & last:
        width = 1
        while width <= limit:
            step = min(width, limit + 1 - width)
            reached |= reached << step
            width += step
        reached &= mask
        parts += 1
    return parts


def expected(text: str, ref_bits: int, languages: tuple[str, ...]) -> tuple[str, str, str, int]:
    """The encoding, the languages of the locking and the single shift table, and the parts."""
    codes = set(map(ord, text))
    plain = places_of("", "")
    if codes <= plain.keys():
        return "gsm7", "", "", least_parts(text, plain, NO_SHIFT, ref_bits)
    best = ("ucs2", "", "", least_parts(text, UCS2_PLACES, UCS2, ref_bits))
    alone = [("", language) for language in languages]
    locked = [(language, "") for language in languages if language != "es"]
    both = [(language, language) for language in languages if language != "es"]
    for locking, single in (*alone, *locked, *both):
        places = places_of(locking, single)
        if codes <= places.keys():
            limits = TWO_SHIFTS if locking and single else ONE_SHIFT
            parts = least_parts(text, places, limits, ref_bits)
            if parts < best[3]:
                best = ("gsm7", locking, single, parts)
    return best
