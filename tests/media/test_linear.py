"""Linear samples and G.711."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.codecs import PCMA, PCMU
from media.g711 import A_LAW_SAMPLES, MU_LAW_SAMPLES, a_law_encoded, mu_law_encoded
from media.linear import law

LAWS = {PCMU: (MU_LAW_SAMPLES, mu_law_encoded), PCMA: (A_LAW_SAMPLES, a_law_encoded)}


@pytest.mark.parametrize("payload_type", LAWS)
def test_every_octet_becomes_its_sample(payload_type: int) -> None:
    samples, _ = LAWS[payload_type]
    assert struct.unpack("=256h", law(payload_type).linear(bytes(range(256)))) == samples


@pytest.mark.parametrize("payload_type", LAWS)
@given(samples=st.lists(st.integers(-32_768, 32_767), min_size=2, max_size=320))
def test_every_sample_becomes_its_octet(payload_type: int, samples: list[int]) -> None:
    _, encoded = LAWS[payload_type]
    octets = law(payload_type).encoded(struct.pack(f"={len(samples)}h", *samples))
    assert octets == bytes(map(encoded, samples))
