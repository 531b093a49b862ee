"""Which codecs an end takes, by its numbers, and how much of them in a packet (RFC 8866 §6.6,
RFC 3551 §6)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from media.sdp import Media
from media.sdp_lines import number

CLOCK_RATE = 8_000
CLOCK_RATE_MAX = 192_000
PAYLOAD_TYPE_MAX = 127
PTIME_MAX = 200
PCMU, CN, PCMA = 0, 13, 8
OTHER_LAW = {PCMU: PCMA, PCMA: PCMU}
TELEPHONE_EVENT = "TELEPHONE-EVENT"
# Those of fixed numbers that run at 8,000 Hz by their RTP clock: all that is sent of audio today.
STATIC = {0: "PCMU", 3: "GSM", 4: "G723", 8: "PCMA", 9: "G722", 13: "CN", 15: "G728", 18: "G729"}
# What is kept of what was read.
KEPT_MAX, FORMATS_MAX, CHARACTERS_MAX = 512, 32, 1_536


class Codec(NamedTuple):
    """One format; `name` is in capitals, empty where nothing says it."""

    payload_type: int
    name: str
    clock_rate: int = CLOCK_RATE
    channels: int = 1
    parameters: str = ""


@dataclass(frozen=True, eq=False)
class Codecs:
    """Those of an m= line in their order. `ptime` and `maxptime` in ms are None where they are not
    said. What is read is kept, so what says the same is the same; what holds for two of them is
    kept by that."""

    by_payload_type: dict[int, Codec]
    ptime: int | None = None
    maxptime: int | None = None

    @classmethod
    def of(cls, media: Media) -> Codecs:
        text = media.lines.passed.printed
        if len(text) > CHARACTERS_MAX or len(media.formats) > FORMATS_MAX:
            return _read(media.formats, text)
        return _kept(media.formats, text)

    @cached_property
    def clock_rate(self) -> int:
        """Of the first format, by its rtpmap."""
        for codec in self.by_payload_type.values():
            return codec.clock_rate
        return CLOCK_RATE

    @cached_property
    def missing_law(self) -> int | None:
        """Of G.711, where there is the other."""
        there = [law for law in OTHER_LAW if law in self.by_payload_type]
        return OTHER_LAW[there[0]] if len(there) == 1 else None

    @cached_property
    def misses_events(self) -> bool:
        """Whether there is G.711, which comes first or with others of its clock, and no events."""
        laws = [law for law in OTHER_LAW if law in self.by_payload_type]
        return bool(laws) and self.clock_rate == CLOCK_RATE and self.events() is None

    @property
    def has_events(self) -> bool:
        return any(one.name == TELEPHONE_EVENT for one in self.by_payload_type.values())

    def events(self, clock_rate: int = CLOCK_RATE) -> int | None:
        """The number of telephone-event (RFC 4733) at that rate."""
        return self.find(TELEPHONE_EVENT, clock_rate)

    def find(self, name: str, clock_rate: int = CLOCK_RATE) -> int | None:
        for codec in self.by_payload_type.values():
            if codec.name == name and codec.clock_rate == clock_rate:
                return codec.payload_type
        return None


def _read(formats: tuple[str, ...], text: str) -> Codecs:
    maps: dict[str, str] = {}
    parameters: dict[str, str] = {}
    packet_times: dict[str, int | None] = {}
    for row in text.split("\r\n"):
        name, _, value = row[2:].partition(":")
        if name == "rtpmap":
            payload_type, _, said = value.partition(" ")
            maps.setdefault(payload_type, said)
        elif name == "fmtp":
            payload_type, _, said = value.partition(" ")
            parameters.setdefault(payload_type, said)
        elif name in ("ptime", "maxptime"):
            packet_times.setdefault(name, number(value, PTIME_MAX) or None)
    codecs: dict[int, Codec] = {}
    for one in formats:
        payload_type_read = number(one, PAYLOAD_TYPE_MAX)
        if payload_type_read is not None:
            codecs.setdefault(
                payload_type_read,
                _codec(payload_type_read, maps.get(one, ""), parameters.get(one, "")),
            )
    return Codecs(codecs, packet_times.get("ptime"), packet_times.get("maxptime"))


def _codec(payload_type: int, said: str, parameters: str) -> Codec:
    if not said:
        return Codec(payload_type, STATIC.get(payload_type, ""), parameters=parameters)
    name, rate, channels, *_ = f"{said}//".split("/")
    return Codec(
        payload_type,
        name.strip().upper(),
        number(rate.strip(), CLOCK_RATE_MAX) or CLOCK_RATE,
        number(channels.strip(), 255) or 1,
        parameters,
    )


_kept = lru_cache(KEPT_MAX)(_read)
