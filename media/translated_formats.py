"""Formats that one end has and the other need not, since the relay translates between them: the two
laws of G.711 (RFC 3551), and digits as events (RFC 4733), which an end that has none is sent as
tones, or by the signalling.

So who offers one law offers both, and events with them; and the answer says again what the offerer
has.
"""

from __future__ import annotations

from dataclasses import replace

from media.codecs import CLOCK_RATE, Codecs
from media.sdp import Media
from media.sdp_lines import Line, Lines

# PCMU and PCMA (RFC 3551 §6).
_OTHER_LAW = {"0": "8", "8": "0"}
# The number that most phones take for events, and those that are free for it (RFC 3551 §6).
EVENTS = "101"
_DYNAMIC = [str(one) for one in (101, *range(96, 128))]


def widened(offered: Media) -> Media:
    """With the other law behind the one that is there, and with events."""
    missing = missing_law(offered)
    formats = offered.formats
    if missing:
        at = 1 + formats.index(_OTHER_LAW[missing])
        formats = (*formats[:at], missing, *formats[at:])
    if missing or needs_events(offered):
        offered = replace(offered, formats=formats)
        if needs_events(offered):
            offered = with_events(offered)
    return offered


def narrowed(answered: Media, offered: Media) -> Media:
    """An answer without what its offerer has not, and with events if he has them."""
    missing = missing_law(offered)
    formats = [_OTHER_LAW[missing] if one == missing else one for one in answered.formats]
    has_events = Codecs.of(offered).events() is not None
    left_out = [missing] if missing in answered.formats else []
    if not has_events and needs_events(offered):
        events = Codecs.of(answered).events()
        if events is not None:
            left_out.append(str(events))
            formats = [one for one in formats if one != str(events)]
    if left_out:
        about = tuple([f"{name}:{one} " for one in left_out for name in ("rtpmap", "fmtp")])
        lines = Lines([line for line in answered.lines if not line.value.startswith(about)])
        answered = replace(answered, formats=tuple(dict.fromkeys(formats)), lines=lines)
    if has_events and needs_events(answered):
        answered = with_events(answered, str(Codecs.of(offered).events()))
    return answered


def missing_law(media: Media) -> str:
    """Empty where there is neither or both."""
    there = [law for law in _OTHER_LAW if law in media.formats]
    return _OTHER_LAW[there[0]] if len(there) == 1 else ""


def needs_events(media: Media) -> bool:
    """Whether it has none for a codec that runs at their clock."""
    codecs = Codecs.of(media)
    return (
        codecs.clock_rate == CLOCK_RATE
        and codecs.events() is None
        and bool([law for law in _OTHER_LAW if law in media.formats])
    )


def with_events(media: Media, number: str = "") -> Media:
    if not number or number in media.formats:
        number = next((one for one in _DYNAMIC if one not in media.formats), "")
        if not number:
            return media
    said = (
        Line("a", f"rtpmap:{number} telephone-event/{CLOCK_RATE}"),
        Line("a", f"fmtp:{number} 0-16"),
    )
    return replace(media, formats=(*media.formats, number), lines=Lines((*media.lines, *said)))
