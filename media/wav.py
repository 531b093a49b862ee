"""WAV files: read into what is played, and the head of one that is recorded.

Linear samples of 8 and 16 bits and both laws of G.711 are read, at any rate, and brought to 8,000
Hz and one channel. That takes time for each second of audio: not for the loop's thread.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise

from media.audio import AUDIO_S_MAX, SAMPLES_PER_S, Audio, audio_of
from media.errors import NotAcceptable
from media.g711 import A_LAW_SAMPLES, A_LAW_TO_MU_LAW, MU_LAW_SAMPLES

PCM, A_LAW, MU_LAW, EXTENSIBLE = 1, 6, 7, 0xFFFE
RATE_MIN, RATE_MAX = 4_000, 192_000
CHANNELS_MAX = 8
# Of the longest audio in the widest form that is read.
FILE_OCTETS_MAX = 64 * 1024 * 1024
HEAD_OCTETS = 58
_FORMAT = struct.Struct("<HHIIHH")
_SIZE_MAX = 0xFFFF_FFFF


def read(octets: bytes) -> Audio:
    """
    Raises:
        NotAcceptable: not WAV, or of a form that is not read.
    """
    if len(octets) > FILE_OCTETS_MAX:
        raise NotAcceptable("the WAV file is too long")
    chunks = dict(_chunks(octets))
    form, data = chunks.get(b"fmt ", b""), chunks.get(b"data", b"")
    if len(form) < _FORMAT.size or not data:
        raise NotAcceptable("not a WAV file with audio")
    kind, channels, rate, _, _, bits = _FORMAT.unpack_from(form)
    if kind == EXTENSIBLE and len(form) >= 26:
        kind = int.from_bytes(form[24:26], "little")
    if not (1 <= channels <= CHANNELS_MAX and RATE_MIN <= rate <= RATE_MAX):
        raise NotAcceptable("the WAV file has too many channels, or a rate that is not read")
    if len(data) // (channels * max(1, bits // 8)) > AUDIO_S_MAX * rate:
        raise NotAcceptable("the audio is too long")
    if kind in (A_LAW, MU_LAW) and (channels, rate) == (1, SAMPLES_PER_S):
        return Audio(data.translate(A_LAW_TO_MU_LAW) if kind == A_LAW else data)
    return audio_of(_resampled(_mono(_samples(kind, bits, data), channels), rate))


def head(octets: int, channels: int) -> bytes:
    """Of a file of PCMU with so many octets of audio."""
    octets = min(octets, _SIZE_MAX - HEAD_OCTETS)
    rate = SAMPLES_PER_S * channels
    return (
        struct.pack("<4sI4s4sI", b"RIFF", HEAD_OCTETS - 8 + octets, b"WAVE", b"fmt ", 18)
        + _FORMAT.pack(MU_LAW, channels, SAMPLES_PER_S, rate, channels, 8)
        + struct.pack("<H4sII4sI", 0, b"fact", 4, octets // channels, b"data", octets)
    )


def _chunks(octets: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The first of each name counts; what is cut off counts as far as it goes."""
    if octets[:4] != b"RIFF" or octets[8:12] != b"WAVE":
        return
    at = 12
    found: set[bytes] = set()
    while at + 8 <= len(octets):
        name, size = octets[at : at + 4], int.from_bytes(octets[at + 4 : at + 8], "little")
        if name not in found:
            found.add(name)
            yield name, octets[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _samples(kind: int, bits: int, data: bytes) -> array[int]:
    if kind == PCM and bits == 16:
        samples = array("h", data[: len(data) // 2 * 2])
        if struct.pack("=H", 1) != struct.pack("<H", 1):
            samples.byteswap()
        return samples
    if kind == PCM and bits == 8:
        return array("h", [(octet - 128) << 8 for octet in data])
    if kind in (A_LAW, MU_LAW) and bits == 8:
        table = A_LAW_SAMPLES if kind == A_LAW else MU_LAW_SAMPLES
        return array("h", [table[octet] for octet in data])
    raise NotAcceptable("the samples of the WAV file are of a form that is not read")


def _mono(samples: array[int], channels: int) -> array[int]:
    """The mean of the channels."""
    if channels == 1:
        return samples
    each = [samples[channel::channels] for channel in range(channels)]
    return array("h", [sum(frame) // channels for frame in zip(*each, strict=False)])


def _resampled(samples: array[int], rate: int) -> array[int]:
    """At 8,000 Hz: the mean of what falls into each of its samples, or, from a lower rate, what
    lies between two."""
    if rate == SAMPLES_PER_S:
        return samples
    count = len(samples) * SAMPLES_PER_S // rate
    if rate > SAMPLES_PER_S:
        edges = [at * rate // SAMPLES_PER_S for at in range(count + 1)]
        return array("h", [_mean(samples[one:other]) for one, other in pairwise(edges)])
    risen = array("h", [])
    for at in range(count):
        before, share = divmod(at * rate, SAMPLES_PER_S)
        here = samples[before]
        after = samples[min(before + 1, len(samples) - 1)]
        risen.append(here + (after - here) * share // SAMPLES_PER_S)
    return risen


def _mean(samples: Sequence[int]) -> int:
    return sum(samples) // len(samples)
