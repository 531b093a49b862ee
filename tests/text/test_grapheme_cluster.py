from __future__ import annotations

import pytest

from gateway.text.grapheme_cluster import is_boundary

# What a reader sees as one character, and why it is more than one.
CLUSTERS = {
    "line end": "\r\n",
    "letter and accent": "e\u0301",
    "letter and enclosing mark": "a\u20dd",
    "letter and joiner": "a\u200c",
    "emoji and variation selector": "\u2764\ufe0f",
    "keycap": "1\ufe0f\u20e3",
    "skin tone": "\U0001f44d\U0001f3fd",
    "family": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "profession": "\U0001f469\U0001f3fd\u200d\U0001f680",
    "flag": "\U0001f1e9\U0001f1ea",
    "flag of tags": "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "conjoining jamo": "\u1112\u1161\u11ab",
    "initial jamo and syllable": "\u1112\uac00",
    "two initial jamo": "\u1107\u1107",
    "Arabic number sign": "\u0600\u0661",
    "number sign before ASCII": "\u06dd1",
    "Devanagari conjunct": "\u0915\u094d\u0937\u093f",
    "Thai vowel": "\u0e01\u0e33",
    "halfwidth voiced katakana": "\uff76\uff9e",
}


@pytest.mark.parametrize("cluster", CLUSTERS.values(), ids=CLUSTERS)
def test_gsm_6_no_boundary_inside_a_cluster(cluster: str) -> None:
    assert not any(is_boundary(cluster, index, 0) for index in range(1, len(cluster)))


@pytest.mark.parametrize("cluster", CLUSTERS.values(), ids=CLUSTERS)
@pytest.mark.parametrize(
    "after", ["a", "\r", "\u041f", "\u4e2d", "\u20ac", "\U0001f600", "\U0001f1eb\U0001f1f7"]
)
def test_gsm_6_a_boundary_behind_a_cluster(cluster: str, after: str) -> None:
    assert is_boundary("x" + cluster + after, 1 + len(cluster), 0)


def test_gsm_6_lf_then_cr_are_two() -> None:
    assert is_boundary("\n\r", 1, 0)


@pytest.mark.parametrize(("index", "boundary"), [(1, False), (2, True), (3, False), (4, True)])
def test_gsm_6_flags_are_counted_in_pairs_from_the_known_boundary(
    index: int, boundary: bool
) -> None:
    flags = "\U0001f1e9\U0001f1ea" * 4
    assert is_boundary("a" + flags, 1 + index, 0) is boundary
    assert is_boundary(flags, 2 + index, 2) is boundary
