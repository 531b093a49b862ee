"""From a text to the parts that carry it (3GPP TS 23.040 §9.2.3.24.1, 23.038 §6).

The encoding is chosen once for the whole message. Then, in this order: no part is over its limit;
no escape sequence and no surrogate pair is split; there are as few parts as these allow; and a cut
spares grapheme clusters, CR LF among them, wherever that costs no further part.
What `count` says and what `segment` sends come from the same arithmetic.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from enum import StrEnum
from itertools import accumulate, pairwise

import msgspec

from gateway.text import gsm_03_38, ucs2
from gateway.text.errors import TooManyPartsError
from gateway.text.grapheme_cluster import is_boundary
from gateway.text.udh import concatenation_udh

__all__ = [
    "MAX_PARTS",
    "PART_SEPTETS",
    "PART_UNITS",
    "SINGLE_SEPTETS",
    "SINGLE_UNITS",
    "SegmentedText",
    "TextEncoding",
    "concatenation_udh",
    "count",
    "segment",
]

MAX_PARTS = 255
SINGLE_SEPTETS = 160
SINGLE_UNITS = 70

# By the size of the reference in bits. The header takes 6 of the 140 octets with an 8 bit
# reference, 7 with a 16 bit one.
PART_SEPTETS = {8: 153, 16: 152}
PART_UNITS = {8: 67, 16: 66}


class TextEncoding(StrEnum):
    GSM_7BIT = "gsm7"
    UCS2 = "ucs2"


class SegmentedText(msgspec.Struct, frozen=True, gc=False):
    """The user data of each part, without header: septets one an octet, or big endian UTF-16."""

    encoding: TextEncoding
    parts: tuple[bytes, ...]


class _Measure(msgspec.Struct, frozen=True, gc=False):
    """How much a part holds, in the units of an encoding: septets, or UTF-16 code units.

    A wide character costs two units.
    """

    encoding: TextEncoding
    octets_per_unit: int
    single_octets: int
    per_part: dict[int, int]
    wide: Callable[[str], bool]


_GSM = _Measure(
    encoding=TextEncoding.GSM_7BIT,
    octets_per_unit=1,
    single_octets=SINGLE_SEPTETS,
    per_part=PART_SEPTETS,
    wide=frozenset(gsm_03_38.EXTENSION_TABLE.values()).__contains__,
)
_UCS2 = _Measure(
    encoding=TextEncoding.UCS2,
    octets_per_unit=2,
    single_octets=2 * SINGLE_UNITS,
    per_part=PART_UNITS,
    wide="\uffff".__lt__,
)


def segment(text: str, ref_bits: int = 8) -> SegmentedText:
    """The parts of `text`; a single part carries no header and so holds more.

    `ref_bits` is the size of the concatenation reference, 8 or 16. An empty text is one empty
    part. Raises UnencodableError (NUL, lone surrogate) and TooManyPartsError.
    """
    measure, octets = _encode(text)
    if len(octets) <= measure.single_octets:
        return SegmentedText(measure.encoding, (octets,))
    offsets = _offsets(text, octets, measure)
    places = [
        measure.octets_per_unit * offsets[cut]
        for cut in _cuts(text, offsets, measure.per_part[ref_bits])
    ]
    return SegmentedText(
        measure.encoding, tuple(octets[start:end] for start, end in pairwise(places))
    )


def count(text: str, ref_bits: int = 8) -> tuple[TextEncoding, int]:
    """The encoding and the number of parts that `segment` gives, and the errors that it raises."""
    measure, octets = _encode(text)
    if len(octets) <= measure.single_octets:
        return measure.encoding, 1
    return measure.encoding, _part_count(text, octets, measure, measure.per_part[ref_bits])


def _encode(text: str) -> tuple[_Measure, bytes]:
    octets = gsm_03_38.try_encode(text)
    return (_UCS2, ucs2.encode(text)) if octets is None else (_GSM, octets)


def _offsets(text: str, octets: bytes, measure: _Measure) -> Sequence[int]:
    """How many units stand before each character, and how many there are.

    To cut at characters only is what keeps escape sequences and surrogate pairs whole.
    """
    if len(octets) == measure.octets_per_unit * len(text):
        return range(len(text) + 1)
    wide = measure.wide
    return list(accumulate((2 if wide(character) else 1 for character in text), initial=0))


def _part_count(text: str, octets: bytes, measure: _Measure, limit: int) -> int:
    """As many as `_earliest_starts` gives, mostly without looking at each character: a part that
    another follows lacks at most the one unit into which a wide character did not fit.
    """
    units = len(octets) // measure.octets_per_unit
    fewest = -(-units // limit)
    if units > len(text) and -(-units // (limit - 1)) > fewest:
        return len(_earliest_starts(_offsets(text, octets, measure), limit))
    if fewest > MAX_PARTS:
        raise TooManyPartsError(fewest)
    return fewest


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
    if len(starts) > MAX_PARTS:
        raise TooManyPartsError(len(starts))
    starts.reverse()
    return starts


def _cuts(text: str, offsets: Sequence[int], limit: int) -> list[int]:
    """The characters at which the parts begin, and the end of the text.

    Each part takes what it can, and gives back down to a boundary of clusters where the parts
    behind it have room for that.
    """
    cuts = [0]
    boundary = 0
    for earliest in _earliest_starts(offsets, limit)[1:]:
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
