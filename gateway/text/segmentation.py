"""From a text to the parts that carry it (3GPP TS 23.040 §9.2.3.24.1, 23.038 §6).

The encoding is chosen once for the whole message. Then, in this order: no part is over its limit;
no escape sequence and no surrogate pair is split; there are as few parts as these allow; and a cut
spares grapheme clusters, CR LF among them, wherever that costs no further part.
What `count` says and what `segment` sends come from the same arithmetic.

`languages` are the national languages that may be used, as ISO 639-1 codes in the order in which
they are preferred. A text that the default alphabet cannot carry is sent in the tables of one of
them where that takes fewer parts than UCS-2: with its single shift table, which more handsets know,
before its locking shift table, and both only where that saves a part again.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate, pairwise

import msgspec

from gateway.text import gsm_03_38, ucs2
from gateway.text.errors import TooManyPartsError
from gateway.text.grapheme_cluster import is_boundary
from gateway.text.national_language import (
    IDENTIFIERS,
    LOCKING_SHIFT_TABLES,
    SINGLE_SHIFT_TABLES,
)
from gateway.text.udh import concatenation_udh, shift_elements

__all__ = [
    "MAX_PARTS",
    "PART_SEPTETS",
    "PART_UNITS",
    "SINGLE_SEPTETS",
    "SINGLE_UNITS",
    "Coding",
    "SegmentedText",
    "TextEncoding",
    "concatenation_udh",
    "count",
    "measure",
    "segment",
    "segmented",
]

MAX_PARTS = 255
CODINGS_KEPT_MAX = 256
USER_DATA_OCTETS = 140
# The header's length octet, and the concatenation element by the size of its reference in bits.
HEADER_LENGTH_OCTETS = 1
CONCATENATION_OCTETS = {8: 5, 16: 6}


def septets_beside(header_octets: int) -> int:
    """The septets that a part holds beside its header, which takes whole septets (§9.2.3.24)."""
    return (USER_DATA_OCTETS - header_octets) * 8 // 7


def units_beside(header_octets: int) -> int:
    """The UTF-16 code units that a part holds beside its header."""
    return (USER_DATA_OCTETS - header_octets) // 2


def _in_parts(beside: Callable[[int], int], further_octets: int = 0) -> dict[int, int]:
    """What each of several parts holds, by the size of the reference in bits."""
    return {
        ref_bits: beside(HEADER_LENGTH_OCTETS + octets + further_octets)
        for ref_bits, octets in CONCATENATION_OCTETS.items()
    }


SINGLE_SEPTETS = septets_beside(0)
SINGLE_UNITS = units_beside(0)
PART_SEPTETS = _in_parts(septets_beside)
PART_UNITS = _in_parts(units_beside)


class TextEncoding(StrEnum):
    GSM_7BIT = "gsm7"
    UCS2 = "ucs2"


class Coding(msgspec.Struct, frozen=True, gc=False):
    """How a text is coded, and how much a part holds in units: septets, or UTF-16 code units.

    A wide character costs two units. `shifts` are the header elements that name the languages of
    the shift tables; a message of one part has a header for them alone.
    """

    encoding: TextEncoding
    octets_per_unit: int
    single_octets: int
    per_part: dict[int, int]
    wide: Callable[[str], bool]
    locking_shift: int = 0
    single_shift: int = 0
    shifts: bytes = b""

    def units_per_part(self, parts: int, ref_bits: int) -> int:
        """What each part of a message of so many holds."""
        alone = self.single_octets // self.octets_per_unit
        return alone if parts == 1 else self.per_part[ref_bits]


class SegmentedText(msgspec.Struct, frozen=True, gc=False):
    """The user data of each part, without header: septets one an octet, or big endian UTF-16."""

    encoding: TextEncoding
    parts: tuple[bytes, ...]
    locking_shift: int = 0
    single_shift: int = 0


_GSM = Coding(
    encoding=TextEncoding.GSM_7BIT,
    octets_per_unit=1,
    single_octets=SINGLE_SEPTETS,
    per_part=PART_SEPTETS,
    wide=frozenset(gsm_03_38.EXTENSION_TABLE.values()).__contains__,
)
_UCS2 = Coding(
    encoding=TextEncoding.UCS2,
    octets_per_unit=2,
    single_octets=2 * SINGLE_UNITS,
    per_part=PART_UNITS,
    wide="\uffff".__lt__,
)


@lru_cache(CODINGS_KEPT_MAX)
def _national(locking_shift: int, single_shift: int) -> Coding:
    """The coding of two shift tables."""
    septets = gsm_03_38.national_alphabet(locking_shift, single_shift).septets
    shifts = shift_elements(locking_shift, single_shift)
    return Coding(
        encoding=TextEncoding.GSM_7BIT,
        octets_per_unit=1,
        single_octets=septets_beside(HEADER_LENGTH_OCTETS + len(shifts)),
        per_part=_in_parts(septets_beside, len(shifts)),
        wide=frozenset(c for c, octets in septets.items() if len(octets) > 1).__contains__,
        locking_shift=locking_shift,
        single_shift=single_shift,
        shifts=shifts,
    )


@lru_cache(CODINGS_KEPT_MAX)
def _tables(languages: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """The pairs of locking and single shift tables to try, in order."""
    known = [IDENTIFIERS[language] for language in languages]
    alone = [(0, language) for language in known if language in SINGLE_SHIFT_TABLES]
    locked = [(language, 0) for language in known if language in LOCKING_SHIFT_TABLES]
    return (*alone, *locked, *((language, language) for language, _ in locked))


def segment(text: str, ref_bits: int = 8, languages: tuple[str, ...] = ()) -> SegmentedText:
    """The parts of `text`; a single part carries no concatenation and so holds more.

    `ref_bits` is the size of the concatenation reference, 8 or 16. An empty text is one empty
    part. Raises UnencodableError (NUL, lone surrogate) and TooManyPartsError.
    """
    coding, octets = _code(text, ref_bits, languages)
    return SegmentedText(
        coding.encoding,
        _parts(text, octets, coding, ref_bits),
        coding.locking_shift,
        coding.single_shift,
    )


def count(
    text: str, ref_bits: int = 8, languages: tuple[str, ...] = ()
) -> tuple[TextEncoding, int]:
    """The encoding and the number of parts that `segment` gives, and the errors that it raises."""
    coding, parts = measure(text, ref_bits, languages)
    return coding.encoding, parts


def measure(text: str, ref_bits: int = 8, languages: tuple[str, ...] = ()) -> tuple[Coding, int]:
    """As `count`, with all that `segmented` has to know to send what was counted."""
    octets = gsm_03_38.try_encode(text)
    if octets is None:
        coding, octets = _code_beyond_gsm(text, ref_bits, languages)
    else:
        coding = _GSM
    if len(octets) <= coding.single_octets:
        return coding, 1
    return coding, _in_bounds(_part_count(text, octets, coding, ref_bits))


def segmented(
    text: str, ref: int, ref_bits: int = 8, locking_shift: int = 0, single_shift: int = 0
) -> tuple[bytes, ...]:
    """The user data of each part behind its header, where it needs one: what `measure` counted
    with these shifts. The reference is cut to its size.

    Raises:
        UnencodableError, TooManyPartsError: as `segment`.
    """
    if locking_shift or single_shift:
        coding = _national(locking_shift, single_shift)
        octets = gsm_03_38.encode(text, locking_shift, single_shift)
    else:
        coding, octets = _code(text, ref_bits, ())
    shifts = coding.shifts
    if len(octets) <= coding.single_octets:
        return (bytes([len(shifts)]) + shifts + octets,) if shifts else (octets,)
    parts = _parts(text, octets, coding, ref_bits)
    total = len(parts)
    ref &= (1 << ref_bits) - 1
    return tuple(
        [
            concatenation_udh(ref, total, number, ref_bits, shifts) + part
            for number, part in enumerate(parts, 1)
        ]
    )


def _code(text: str, ref_bits: int, languages: tuple[str, ...]) -> tuple[Coding, bytes]:
    octets = gsm_03_38.try_encode(text)
    return (_GSM, octets) if octets is not None else _code_beyond_gsm(text, ref_bits, languages)


def _code_beyond_gsm(text: str, ref_bits: int, languages: tuple[str, ...]) -> tuple[Coding, bytes]:
    """UCS-2, unless shift tables do with fewer parts: the first that do with the fewest."""
    best, octets = _UCS2, ucs2.encode(text)
    if not languages:
        return best, octets
    fewest = _part_count(text, octets, best, ref_bits)
    characters = set(text)
    for locking, single in _tables(languages):
        septets = gsm_03_38.national_alphabet(locking, single).septets
        if fewest > 1 and characters <= septets.keys():
            coding, coded = _national(locking, single), gsm_03_38.encode(text, locking, single)
            parts = _part_count(text, coded, coding, ref_bits)
            if parts < fewest:
                best, octets, fewest = coding, coded, parts
    return best, octets


def _parts(text: str, octets: bytes, coding: Coding, ref_bits: int) -> tuple[bytes, ...]:
    if len(octets) <= coding.single_octets:
        return (octets,)
    offsets = _offsets(text, octets, coding)
    places = [
        coding.octets_per_unit * offsets[cut]
        for cut in _cuts(text, offsets, coding.per_part[ref_bits])
    ]
    return tuple([octets[start:end] for start, end in pairwise(places)])


def _offsets(text: str, octets: bytes, coding: Coding) -> Sequence[int]:
    """How many units stand before each character, and how many there are.

    To cut at characters only is what keeps escape sequences and surrogate pairs whole.
    """
    if len(octets) == coding.octets_per_unit * len(text):
        return range(len(text) + 1)
    wide = coding.wide
    return list(accumulate((2 if wide(character) else 1 for character in text), initial=0))


def _part_count(text: str, octets: bytes, coding: Coding, ref_bits: int) -> int:
    """As many as `_earliest_starts` gives, mostly without looking at each character: a part that
    another follows lacks at most the one unit into which a wide character did not fit.
    """
    if len(octets) <= coding.single_octets:
        return 1
    limit = coding.per_part[ref_bits]
    units = len(octets) // coding.octets_per_unit
    fewest = -(-units // limit)
    if units > len(text) and -(-units // (limit - 1)) > fewest:
        return len(_earliest_starts(_offsets(text, octets, coding), limit))
    return fewest


def _in_bounds(parts: int) -> int:
    if parts > MAX_PARTS:
        raise TooManyPartsError(parts)
    return parts


def _earliest_starts(offsets: Sequence[int], limit: int) -> list[int]:
    """For each part the first character at which it can begin, found by filling parts from the
    end: there are as many as a text can do with. A part that begins there or later leaves no more
    than the parts behind it hold.
    """
    starts = []
    start = len(offsets) - 1
    while start:
        start = bisect_left(offsets, offsets[start] - limit)
        starts.append(start)
    starts.reverse()
    return starts


def _cuts(text: str, offsets: Sequence[int], limit: int) -> list[int]:
    """The characters at which the parts begin, and the end of the text.

    Each part takes what it can, and gives back down to a boundary of clusters where the parts
    behind it have room for that.
    """
    cuts = [0]
    boundary = 0
    starts = _earliest_starts(offsets, limit)
    _in_bounds(len(starts))
    for earliest in starts[1:]:
        latest = bisect_right(offsets, offsets[cuts[-1]] + limit) - 1
        cut = latest
        while cut >= earliest and not is_boundary(text, cut, boundary):
            cut -= 1
        if cut < earliest:
            cut = latest
        else:
            boundary = cut
        cuts.append(cut)
    cuts.append(len(text))
    return cuts
