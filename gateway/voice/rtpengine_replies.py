"""What an rtpengine replies, as far as it is understood; what is not there, or of another type, is
taken as not said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from gateway.call import Quality
from gateway.ng.bencode import Value
from gateway.ng.client import Reply, Unanswered
from gateway.voice.media_session import MediaRefused

# What it says when it is full, and when it does not know the call; else we hear that the
# description is bad or that something is wrong with the server.
_FULL = ("Ran out of ports", "limit")
_UNKNOWN_CALL = "Unknown call-id"
_BAD_DESCRIPTION = ("SDP", "codec")


MOS_MAX = 5.0


class Heard(NamedTuple):
    """Of one side: `packets` and `octets` are those of RTP, `reports` those of RTCP. `active`: it
    is agreed that media goes both ways."""

    quality: Quality
    reports: int
    active: bool


def refusal(reply: Reply | Unanswered) -> MediaRefused | None:
    """None where it is as it should be."""
    if isinstance(reply, Unanswered):
        return MediaRefused(503, f"rtpengine is {reply}")
    result = text(reply, "result")
    if result == "ok":
        return None
    reason = text(reply, "error-reason") or text(reply, "message") or result
    if any(word in f"{result} {reason}" for word in _FULL):
        return MediaRefused(503, f"rtpengine: {reason}")
    bad = any(word in reason for word in _BAD_DESCRIPTION)
    return MediaRefused(488 if bad else 500, f"rtpengine: {reason}")


def is_lost(reply: Reply | Unanswered) -> bool:
    """The server knows nothing of the call: it has started anew, or has timed it out."""
    return not isinstance(reply, Unanswered) and text(reply, "error-reason") == _UNKNOWN_CALL


def heard(reply: Reply, tags: Sequence[str], other_tags: Sequence[str]) -> Heard:
    """What came from a side, of which one after another had these tags. Losses, jitter, round trip
    and MOS are as the other side has told by RTCP, so nothing is known of them where it sends none.
    """
    packets = octets = reports = 0
    active = False
    for tag, media in _medias(reply, tags):
        flags = media.get("flags")
        if isinstance(flags, list) and tag == tags[-1]:
            active = active or (b"send" in flags and b"recv" in flags)
        for stream in _each(media, "streams"):
            stats = _within(stream, "stats")
            said = stream.get("flags")
            if isinstance(said, list) and b"RTCP" in said and b"RTP" not in said:
                reports += number(stats, "packets")
            else:
                packets += number(stats, "packets")
                octets += number(stats, "bytes")
    told = _told_by(reply, other_tags)
    average = _within(told, "average MOS")
    quality = Quality(
        packets,
        octets,
        number(told, "cumulative loss"),
        number(average, "jitter") / 1e3,
        number(average, "round-trip time") / 1e6,
        min(number(average, "MOS") / 10, MOS_MAX),
    )
    return Heard(quality, reports, active)


def text(values: Mapping[str, Value], key: str) -> str:
    value = values.get(key)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def number(values: Mapping[str, Value], key: str) -> int:
    value = values.get(key)
    return max(0, value) if isinstance(value, int) else 0


def _told_by(reply: Reply, tags: Sequence[str]) -> Mapping[str, Value]:
    """What is kept of the receiver reports of the last source that this side sends from. Units are
    ms for jitter, µs for the round trip, tenths for MOS."""
    told: Mapping[str, Value] = {}
    for _, media in _medias(reply, tags):
        for stream in _each(media, "streams"):
            told = _within(_within(reply, "SSRC"), str(number(stream, "SSRC"))) or told
    return told


def _medias(reply: Reply, tags: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Value]]]:
    for tag in tags:
        for media in _each(_within(_within(reply, "tags"), tag), "medias"):
            yield tag, media


def _within(values: Mapping[str, Value], key: str) -> Mapping[str, Value]:
    value = values.get(key)
    return value if isinstance(value, dict) else {}


def _each(values: Mapping[str, Value], key: str) -> Iterator[Mapping[str, Value]]:
    value = values.get(key)
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))
