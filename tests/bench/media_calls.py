"""The calls of the media bench: their ends, and how those describe themselves."""

from __future__ import annotations

import msgspec

from tests.media.descriptions import audio, sdp

HOST = "127.0.0.1"
PCMU, PCMA = 0, 8
ENCODINGS = {PCMU: "PCMU/8000", PCMA: "PCMA/8000"}


class CallEnds(msgspec.Struct, frozen=True):
    """Where the ends of a call want their media, and the one codec that each has. The first end is
    a browser where there is its `offer`: what it has is in there."""

    ports: tuple[int, int]
    payload_types: tuple[int, int] = (PCMU, PCMU)
    offer: str = ""

    @property
    def descriptions(self) -> tuple[bytes, bytes]:
        first, second = [
            described(*one) for one in zip(self.ports, self.payload_types, strict=True)
        ]
        return self.offer.encode() or first, second


class Agreed(msgspec.Struct, frozen=True):
    """By a system with the ends of a call: where each sends to, and what the first is answered."""

    ports: tuple[int, int]
    answer: str


def described(port: int, payload_type: int) -> bytes:
    line = audio(
        port,
        f"rtpmap:{payload_type} {ENCODINGS[payload_type]}",
        "ptime:20",
        formats=(str(payload_type),),
    )
    return sdp(line, host=HOST)
