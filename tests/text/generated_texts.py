"""Texts that are awkward to split, made from a seed.

Seven in ten are up to 170 characters long, around the limits of one part, two in ten up to 400, and
one in ten up to 800.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.text.test_grapheme_cluster import CLUSTERS

CLUSTER_PIECES = list(CLUSTERS.values())
EMOJI = ["\U0001f600", "\U0001f680", "\U0001d11e"]
# By kind: what a text of that kind is made of, each piece as often as it stands here.
PIECES: dict[str, list[str]] = {
    "GSM": [*"aeinorst ABC 0123456789.,?!@$_\u00e9\u00fc\u00c7\u0394", "\n", "\r\n"],
    "GSM with extensions": [*"aeinorst {}[]^~|\\\u20ac\f", "\r\n"],
    "extensions": [*"{}[]^~|\\\u20ac\f"],
    "one foreign letter in a while": [*"aeinorst \u00e9\u20ac{" * 8, "\u00e7"],
    "Cyrillic": [*"\u043f\u0440\u0438\u0432\u0435\u0442 \u0434\u043e\u043c.,"],
    "Chinese": [*"\u4e2d\u6587\u77ed\u4fe1\uff0c\u3002"],
    "emoji": EMOJI,
    "emoji in text": [*"\u0430\u0431\u0432 abc", *EMOJI],
    "clusters": [*"ab ", *CLUSTER_PIECES],
    "Turkish": [*"a\u011fe\u015fi\u0131o\u00e7\u00fc\u00f6 \u0130\u015e\u011e\u00c7.,\u20ac"],
    "Spanish": [*"a\u00e1e\u00e9i\u00edo\u00f3u\u00fan\u00f1 \u00bf?\u00a1!\u00c1\u00cd"],
    "Portuguese": [*"a\u00e3e\u00eaio\u00f5c\u00e7 \u00c3\u00d5\u00ca\u00e2\u20ac{}"],
    "Hindi": [*"\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0967\u0968\u0964a.,"],
    "Tamil": [*"\u0ba4\u0bae\u0bbf\u0bb4\u0bcd \u0bb5\u0bbe\u0be7\u0be8b?"],
    "Urdu": [*"\u0627\u0631\u062f\u0648 \u06f1\u06f2\u06d4\u0632\u0628\u0646a"],
}
LANGUAGES = ("tr", "es", "pt", "hi", "ta", "ur")
LENGTHS = (170, 170, 170, 170, 170, 170, 170, 400, 400, 800)


def generated_texts(seed: int, count: int) -> Iterator[str]:
    """The same texts for the same seed."""
    random = Random(seed)
    kinds = list(PIECES.values())
    for _ in range(count):
        pieces = random.choice(kinds)
        length = random.randint(0, random.choice(LENGTHS))
        text = "".join(random.choices(pieces, k=length))
        yield text[:length]
