"""Which codecs a WebRTC end and one that is none are told of each other. Pure.

Every WebRTC end has G.711 (RFC 7874 §3), so what is offered begins with it and nothing is
transcoded. Opus follows where an end has offered it, for the other may want it too. An end that
offers Opus and no G.711 is served by transcoding, if libopus is there.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from media.codecs import CLOCK_RATE, PAYLOAD_TYPE_MAX, PCMA, PCMU, STATIC, Codec, Codecs
from media.errors import NotAcceptable
from media.sdp import Media
from media.sdp_lines import Line, Lines

OPUS, OPUS_CLOCK_RATE = "OPUS", 48_000
LAWS = (PCMU, PCMA)
DYNAMIC = range(96, PAYLOAD_TYPE_MAX + 1)
# What one end says of a format, by its number.
_OF_A_FORMAT = ("rtpmap", "fmtp", "rtcp-fb")
# We play 8 kHz, so nothing above it needs to be encoded, and make use of FEC (RFC 7587 §6.1).
OPUS_PARAMETERS = "minptime=10;useinbandfec=1;maxplaybackrate=8000;sprop-maxcapturerate=8000"
# All that a telephone has (RFC 4733 §3.2).
EVENTS = "0-15"


def offered_to_browser(media: Media) -> Media:
    """What an end offered that is none.

    Raises:
        NotAcceptable: nothing that browsers have.
    """
    limited = _limited(media, _common(media))
    return replace(limited, lines=_mapped(limited.formats, limited.lines))


def offered_by_browser(media: Media, transcodes: bool) -> Media:
    """What is offered on; `transcodes` says whether Opus can become G.711 here.

    Raises:
        NotAcceptable: nothing that others have.
    """
    codecs = Codecs.of(media)
    limited = _limited(media, _common(media))
    if not transcodes or any(law in codecs.by_payload_type for law in LAWS):
        return limited
    events = codecs.events()
    more: list[Line] = []
    if events is None:
        events = next((one for one in DYNAMIC if one not in codecs.by_payload_type), None)
        more = [] if events is None else _events(events)
    formats = [*LAWS, *Codecs.of(limited).by_payload_type, *([] if events is None else [events])]
    return replace(
        limited,
        formats=tuple(dict.fromkeys([str(one) for one in formats])),
        lines=Lines((*limited.lines, *more)),
    )


def answered_to_browser(answered: Media, offered: Media, transcodes: bool) -> Media:
    """What an end answered that is none, in the numbers of the browser's offer, where the end has
    its own for the same, and nothing that is not in that (RFC 3264 §6.1)."""
    codecs, known = Codecs.of(answered).by_payload_type, Codecs.of(offered)
    numbers = {
        one: number for one, codec in codecs.items() if (number := _same(codec, known)) is not None
    }
    kept = [*numbers.values()]
    opus = known.find(OPUS, OPUS_CLOCK_RATE)
    lines: list[Line] = []
    if not any(one in LAWS or one == opus for one in kept):
        if not transcodes or opus is None or not any(law in codecs for law in LAWS):
            raise NotAcceptable("the answer has no codec of the offer")
        numbers, kept = {}, [opus]
        lines.append(Line("a", f"rtpmap:{opus} opus/48000/2"))
        lines.append(Line("a", f"fmtp:{opus} {OPUS_PARAMETERS}"))
        events = known.events(OPUS_CLOCK_RATE)
        if events is not None and Codecs.of(answered).events() is not None:
            kept.append(events)
            lines += _events(events, OPUS_CLOCK_RATE)
    others = [one for one in codecs if one not in numbers]
    formats = tuple([str(one) for one in kept])
    said = (*_renumbered(_without(answered.lines, others), numbers), *lines)
    return replace(answered, formats=formats, lines=_mapped(formats, said))


def _same(codec: Codec, known: Codecs) -> int | None:
    """What somebody else calls it: by the same number, if he can."""
    there = known.by_payload_type.get(codec.payload_type)
    if there is not None and (there.name, there.clock_rate) == (codec.name, codec.clock_rate):
        return codec.payload_type
    return known.find(codec.name, codec.clock_rate) if codec.name else None


def _common(media: Media) -> list[int]:
    """G.711, then Opus, then what carries their digits."""
    codecs = Codecs.of(media)
    common = [law for law in codecs.by_payload_type if law in LAWS]
    opus = codecs.find(OPUS, OPUS_CLOCK_RATE)
    if opus is not None:
        common.append(opus)
    if not common:
        raise NotAcceptable("neither G.711 nor Opus is offered")
    for rate in (CLOCK_RATE, OPUS_CLOCK_RATE):
        events = codecs.events(rate)
        if events is not None and (rate == CLOCK_RATE or opus is not None):
            common.append(events)
    return common


def _limited(media: Media, payload_types: list[int]) -> Media:
    codecs = Codecs.of(media)
    others = [one for one in codecs.by_payload_type if one not in payload_types]
    return replace(
        media,
        formats=tuple([str(one) for one in payload_types]),
        lines=Lines(_without(media.lines, others)),
    )


def _mapped(formats: Iterable[str], lines: Iterable[Line]) -> Lines:
    """With an rtpmap for fixed numbers too (RFC 8829 §5.2.1)."""
    said = Lines(lines)
    maps = {line.value.partition(" ")[0] for line in said}
    missing = [int(one) for one in formats if f"rtpmap:{one}" not in maps]
    more = [
        Line("a", f"rtpmap:{one} {STATIC[one]}/{CLOCK_RATE}") for one in missing if one in STATIC
    ]
    return Lines((*said, *more))


def _without(lines: Lines, payload_types: Iterable[int]) -> list[Line]:
    about = tuple([f"{name}:{number} " for number in payload_types for name in _OF_A_FORMAT])
    return [line for line in lines if not line.value.startswith(about)]


def _renumbered(lines: Iterable[Line], numbers: dict[int, int]) -> list[Line]:
    changed = {
        f"{name}:{one} ": f"{name}:{into} "
        for one, into in numbers.items()
        if one != into
        for name in _OF_A_FORMAT
    }
    said: list[Line] = []
    for line in lines:
        head, space, rest = line.value.partition(" ")
        said.append(Line(line.kind, changed.get(head + space, head + space) + rest))
    return said


def _events(payload_type: int, clock_rate: int = CLOCK_RATE) -> list[Line]:
    return [
        Line("a", f"rtpmap:{payload_type} telephone-event/{clock_rate}"),
        Line("a", f"fmtp:{payload_type} {EVENTS}"),
    ]
