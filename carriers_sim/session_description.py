"""As much of SDP as a simulated carrier needs: one audio stream in G.711 (RFC 4566, RFC 3264).

The gateway has a whole one in `media`; that the simulator does without it keeps a fault there from
hiding in both ends.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

PCMU, PCMA = "0", "8"
G711 = (PCMU, PCMA)
PROFILES = ("RTP/AVP", "RTP/AVPF")


class Direction(StrEnum):
    """Of a stream, as seen by who says it (RFC 4566 §6)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def answer(self) -> Direction:
        """What the other side says of the same stream (RFC 3264 §6.1)."""
        return _ANSWERS[self]

    @property
    def sends(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)


_ANSWERS = {
    Direction.SENDRECV: Direction.SENDRECV,
    Direction.SENDONLY: Direction.RECVONLY,
    Direction.RECVONLY: Direction.SENDONLY,
    Direction.INACTIVE: Direction.INACTIVE,
}


class MediaLine(msgspec.Struct):
    """One m= line with what stands below it."""

    media: str
    port: int
    profile: str
    formats: tuple[str, ...]
    host: str
    direction: Direction | None = None
    telephone_event: str = ""

    @property
    def is_audio(self) -> bool:
        return self.media == "audio" and self.port > 0 and self.profile in PROFILES


class SessionDescription(msgspec.Struct):
    """What was offered or answered."""

    lines: list[MediaLine]

    @property
    def audio(self) -> MediaLine | None:
        """The stream that we take: the first of G.711."""
        for line in self.lines:
            if line.is_audio and any(name in G711 for name in line.formats):
                return line
        return None


def parse_description(body: bytes) -> SessionDescription | None:
    """None where it cannot be read."""
    host = ""
    direction: Direction | None = None
    lines: list[MediaLine] = []
    try:
        for text in body.decode().splitlines():
            kind, _, value = text.partition("=")
            match kind:
                case "c" if lines:
                    lines[-1].host = value.split()[2]
                case "c":
                    host = value.split()[2]
                case "m":
                    media, port, profile, *formats = value.split()
                    number = int(port.partition("/")[0])
                    lines.append(MediaLine(media, number, profile, tuple(formats), host))
                case "a" if value in list(Direction):
                    if lines:
                        lines[-1].direction = Direction(value)
                    else:
                        direction = Direction(value)
                case "a" if lines and value.lower().endswith(" telephone-event/8000"):
                    lines[-1].telephone_event = value.partition(":")[2].partition(" ")[0]
    except (ValueError, IndexError):
        return None
    for line in lines:
        line.direction = line.direction or direction or Direction.SENDRECV
    return SessionDescription(lines) if lines else None


def offer_of(host: str, port: int, version: int, direction: Direction) -> bytes:
    """One stream of G.711 with RFC 4733 events."""
    formats = [PCMU, PCMA, "101"]
    return _written(host, version, [_stream(port, "RTP/AVP", formats, "101", direction)])


def answer_to(
    offer: SessionDescription,
    host: str,
    port: int,
    version: int,
    direction: Direction | None = None,
) -> bytes | None:
    """One line for each of the offer's, all but one stream refused; None where none fits."""
    taken = offer.audio
    if taken is None:
        return None
    assert taken.direction is not None
    streams = []
    for line in offer.lines:
        if line is taken:
            formats = [next(name for name in line.formats if name in G711)]
            if line.telephone_event:
                formats.append(line.telephone_event)
            said = direction or taken.direction.answer
            streams.append(_stream(port, line.profile, formats, line.telephone_event, said))
        else:
            streams.append([f"m={line.media} 0 {line.profile} {' '.join(line.formats)}"])
    return _written(host, version, streams)


def _stream(
    port: int, profile: str, formats: list[str], telephone_event: str, direction: Direction
) -> list[str]:
    names = {PCMU: "PCMU/8000", PCMA: "PCMA/8000", telephone_event: "telephone-event/8000"}
    lines = [f"m=audio {port} {profile} {' '.join(formats)}"]
    lines += [f"a=rtpmap:{name} {names[name]}" for name in formats]
    if telephone_event:
        lines.append(f"a=fmtp:{telephone_event} 0-16")
    return [*lines, "a=ptime:20", f"a={direction.value}"]


def _written(host: str, version: int, streams: list[list[str]]) -> bytes:
    family = "IP6" if ":" in host else "IP4"
    lines = [
        "v=0",
        f"o=carrier 1 {version} IN {family} {host}",
        "s=-",
        f"c=IN {family} {host}",
        "t=0 0",
        *[line for stream in streams for line in stream],
    ]
    return "".join(f"{line}\r\n" for line in lines).encode()
