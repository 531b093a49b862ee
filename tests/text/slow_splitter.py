"""An oracle that shares nothing with `gateway.text`: every split is tried, by dynamic programming.

`fewest[i]` is the least number of parts for the text from character i on.
"""

from __future__ import annotations

GSM_CHARACTERS = frozenset(
    "\n\r !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
    "\u00a1\u00a3\u00a4\u00a5\u00a7\u00bf\u00c4\u00c5\u00c6\u00c7\u00c9\u00d1\u00d6\u00d8\u00dc"
    "\u00df\u00e0\u00e4\u00e5\u00e6\u00e8\u00e9\u00ec\u00f1\u00f2\u00f6\u00f8\u00f9\u00fc"
    "\u0393\u0394\u0398\u039b\u039e\u03a0\u03a3\u03a6\u03a8\u03a9"
)
TWO_SEPTETS = frozenset("\f^{}\\[~]|\u20ac")
PART_LIMIT = {("gsm7", 8): 153, ("gsm7", 16): 152, ("ucs2", 8): 67, ("ucs2", 16): 66}
SINGLE_LIMIT = {"gsm7": 160, "ucs2": 70}


def encoding_of(text: str) -> str:
    return "gsm7" if set(text) <= GSM_CHARACTERS | TWO_SEPTETS else "ucs2"


def width_of(character: str, encoding: str) -> int:
    if encoding == "gsm7":
        return 2 if character in TWO_SEPTETS else 1
    return len(character.encode("utf-16-le")) // 2


def fewest_parts(text: str, limit: int) -> list[int]:
    encoding = encoding_of(text)
    widths = [width_of(character, encoding) for character in text]
    fewest = [0] * (len(text) + 1)
    for start in reversed(range(len(text))):
        width, end, best = 0, start, len(text)
        while end < len(text) and width + widths[end] <= limit:
            width += widths[end]
            end += 1
            best = min(best, fewest[end])
        fewest[start] = 1 + best
    return fewest


def part_count(text: str, ref_bits: int) -> tuple[str, int]:
    encoding = encoding_of(text)
    if sum(width_of(character, encoding) for character in text) <= SINGLE_LIMIT[encoding]:
        return encoding, 1
    return encoding, fewest_parts(text, PART_LIMIT[encoding, ref_bits])[0]
