"""Opus (RFC 6716) by the system's libopus: 8 kHz, one channel, for what comes from G.711 or goes
there.

Calls of libopus leave the interpreter free for other threads. An encoder or decoder is used by one
thread at a time.

Neither DTX nor FEC is asked for in what we encode. Silence that is sent keeps NATs open and tells
that the call lives; and FEC costs bits of the voice, for losses that are rare where a gateway
stands. What others encode with FEC is made use of (RFC 6716 §2.1.7).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import weakref
from functools import lru_cache

from media.errors import MediaError
from media.linear import SAMPLE_OCTETS

SAMPLE_RATE = 8_000
FRAME_SAMPLES = 160  # 20 ms
BIT_RATE = 24_000
# Above it, a frame costs twice as much for what nobody hears at 8 kHz.
COMPLEXITY = 5
# 2.5 ms, the least that is concealed; 120 ms (RFC 6716 §3.2.5); the largest frame (§3.4).
CONCEALED_SAMPLES_STEP = SAMPLE_RATE // 400
DECODED_SAMPLES_MAX = SAMPLE_RATE * 120 // 1_000
ENCODED_OCTETS_MAX = 1_275
_OK = 0
_APPLICATION_VOIP = 2_048
# opus_defines.h
_SET_BITRATE, _SET_COMPLEXITY, _SET_SIGNAL = 4_002, 4_010, 4_024
_SIGNAL_VOICE = 3_001
_INT = ctypes.c_int


class OpusError(MediaError):
    """libopus is missing, or does not take what it was given."""

    status = 488


@lru_cache(1)
def library() -> ctypes.CDLL:
    """
    Raises:
        OpusError: there is none.
    """
    name = ctypes.util.find_library("opus")
    if name is None:
        raise OpusError("libopus is not installed (Debian: libopus0), so Opus is not transcoded")
    opus = ctypes.CDLL(name)
    for create in (opus.opus_encoder_create, opus.opus_decoder_create):
        create.restype = ctypes.c_void_p
    for destroy in (opus.opus_encoder_destroy, opus.opus_decoder_destroy):
        destroy.argtypes = (ctypes.c_void_p,)
        destroy.restype = None
    pointer, octets, samples = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p
    opus.opus_encode.argtypes = (pointer, octets, _INT, samples, ctypes.c_int32)
    opus.opus_decode.argtypes = (pointer, octets, ctypes.c_int32, samples, _INT, _INT)
    return opus


def is_there() -> bool:
    """Whether Opus can be transcoded on this machine."""
    try:
        library()
    except (OpusError, OSError):
        return False
    return True


class OpusEncoder:
    def __init__(self) -> None:
        opus = library()
        error = _INT()
        state = opus.opus_encoder_create(SAMPLE_RATE, 1, _APPLICATION_VOIP, ctypes.byref(error))
        if error.value != _OK:
            raise OpusError("libopus makes no encoder")
        self._state = ctypes.c_void_p(state)
        weakref.finalize(self, opus.opus_encoder_destroy, self._state)
        for request, value in (
            (_SET_BITRATE, BIT_RATE),
            (_SET_COMPLEXITY, COMPLEXITY),
            (_SET_SIGNAL, _SIGNAL_VOICE),
        ):
            opus.opus_encoder_ctl(self._state, request, _INT(value))
        self._encode = opus.opus_encode
        self._buffer = ctypes.create_string_buffer(ENCODED_OCTETS_MAX)
        self._encoded = memoryview(self._buffer).cast("B")

    def encode(self, samples: bytes) -> bytes:
        """Of one frame: FRAME_SAMPLES of 16 bits, as the machine orders them."""
        assert len(samples) == FRAME_SAMPLES * SAMPLE_OCTETS
        count = self._encode(self._state, samples, FRAME_SAMPLES, self._buffer, ENCODED_OCTETS_MAX)
        if count < 0:
            raise OpusError(f"libopus does not encode ({count})")
        return self._encoded[:count].tobytes()


class OpusDecoder:
    def __init__(self) -> None:
        opus = library()
        error = _INT()
        state = opus.opus_decoder_create(SAMPLE_RATE, 1, ctypes.byref(error))
        if error.value != _OK:
            raise OpusError("libopus makes no decoder")
        self._state = ctypes.c_void_p(state)
        weakref.finalize(self, opus.opus_decoder_destroy, self._state)
        self._decode = opus.opus_decode
        self._buffer = ctypes.create_string_buffer(DECODED_SAMPLES_MAX * SAMPLE_OCTETS)
        self._decoded = memoryview(self._buffer).cast("B")

    def decode(self, packet: bytes) -> bytes:
        """Samples of 16 bits, as many as the packet has.

        Raises:
            OpusError: it is no Opus.
        """
        return self._run(packet, DECODED_SAMPLES_MAX, 0)

    def recover(self, following: bytes, samples: int) -> bytes:
        """What was lost before a packet, as far as that tells of it (FEC), or else concealed.
        `samples` are a multiple of 2.5 ms (RFC 6716 §2.1.7, §4.4)."""
        return self._run(following, samples, 1)

    def _run(self, packet: bytes, samples: int, use_fec: int) -> bytes:
        count = self._decode(self._state, packet, len(packet), self._buffer, samples, use_fec)
        if count < 0:
            raise OpusError(f"libopus does not decode ({count})")
        return self._decoded[: count * SAMPLE_OCTETS].tobytes()
