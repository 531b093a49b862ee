"""Every target with octets that hypothesis thinks of, and with seeds that it has damaged. `make
fuzz` goes on where this ends."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS

EXAMPLES = 150


@st.composite
def damaged(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """A seed with up to four pieces cut out, replaced or put in, or two seeds in a row."""
    octets = draw(st.sampled_from(seeds))
    if draw(st.booleans()):
        octets += draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(octets)))
        removed = draw(st.integers(0, 4))
        octets = octets[:at] + draw(st.binary(max_size=4)) + octets[at + removed :]
    return octets


@pytest.mark.parametrize("name", TARGETS)
def test_any_octets_have_an_answer(name: str) -> None:
    target = TARGETS[name]

    @settings(max_examples=EXAMPLES, deadline=None)
    @given(st.binary(max_size=400) | damaged(target.seeds))
    def fuzzed(octets: bytes) -> None:
        target.fuzz(octets)

    fuzzed()


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_has_an_answer(name: str) -> None:
    for seed in TARGETS[name].seeds:
        TARGETS[name].fuzz(seed)
