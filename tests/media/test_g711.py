"""PCMU and PCMA: the recommendation's values, and those of Python's own C code where it is left."""

from __future__ import annotations

import warnings
from types import ModuleType

import pytest

from media import g711

# G.711, tables 1 and 2: the ends and the middle of each law, as 16-bit samples.
MU_LAW = {0x00: -32_124, 0x80: 32_124, 0x7F: 0, 0xFF: 0, 0x0F: -16_764, 0xEF: 132, 0xF0: 120}
A_LAW = {0x2A: -32_256, 0xAA: 32_256, 0x55: -8, 0xD5: 8, 0xC5: 264, 0x40: -344}


@pytest.fixture(scope="module")
def audioop() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        module: ModuleType = pytest.importorskip("audioop", reason="Python 3.13 has none")
        return module


@pytest.mark.parametrize(("octet", "sample"), MU_LAW.items())
def test_mu_law_octets_are_samples(octet: int, sample: int) -> None:
    assert g711.MU_LAW_SAMPLES[octet] == sample


@pytest.mark.parametrize(("octet", "sample"), A_LAW.items())
def test_a_law_octets_are_samples(octet: int, sample: int) -> None:
    assert g711.A_LAW_SAMPLES[octet] == sample


def test_samples_of_octets_become_those_octets() -> None:
    mu_law = [g711.mu_law_encoded(sample) for sample in g711.MU_LAW_SAMPLES]
    assert mu_law == [0xFF if octet == 0x7F else octet for octet in range(256)]
    assert [g711.a_law_encoded(sample) for sample in g711.A_LAW_SAMPLES] == list(range(256))


def test_every_sample_is_as_pythons(audioop: ModuleType) -> None:
    samples = range(-32_768, 32_768, 7)
    linear = b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)
    assert audioop.lin2alaw(linear, 2) == bytes(g711.a_law_encoded(one) for one in samples)
    assert audioop.lin2ulaw(linear, 2) == bytes(map(g711.mu_law_encoded, samples))
    octets = bytes(range(256))
    for decoded, ours in (
        (audioop.ulaw2lin(octets, 2), g711.MU_LAW_SAMPLES),
        (audioop.alaw2lin(octets, 2), g711.A_LAW_SAMPLES),
    ):
        pairs = [decoded[at : at + 2] for at in range(0, 512, 2)]
        assert [int.from_bytes(pair, "little", signed=True) for pair in pairs] == list(ours)


def test_silence_is_silence_in_the_other_law() -> None:
    assert b"\xff".translate(g711.MU_LAW_TO_A_LAW) == b"\xd5"
    assert g711.MU_LAW_SAMPLES[b"\xd5".translate(g711.A_LAW_TO_MU_LAW)[0]] == 8


def test_there_and_back_changes_little() -> None:
    octets = bytes(range(256))
    back = octets.translate(g711.MU_LAW_TO_A_LAW).translate(g711.A_LAW_TO_MU_LAW)
    for octet, again in zip(octets, back, strict=True):
        before, after = g711.MU_LAW_SAMPLES[octet], g711.MU_LAW_SAMPLES[again]
        assert after == pytest.approx(before, rel=0.07, abs=16)
