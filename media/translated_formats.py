"""Formats that one end has and the other need not, since the relay translates between them: the two
laws of G.711 (RFC 3551), and digits as events (RFC 4733), which an end that has none is sent as
tones, or by the signalling.

So who offers one law offers both, and events with them; and the answer says again what the offerer
has.
"""

from __future__ import annotations

from msgspec.structs import replace

from media.codecs import CLOCK_RATE, OTHER_LAW, Codecs
from media.sdp import Media
from media.sdp_lines import Line, Lines

# The number that most phones take for events, and those that are free for it (RFC 3551 §6).
_DYNAMIC = [str(one) for one in (101, *range(96, 128))]


def widened(offered: Media, codecs: Codecs) -> Media:
    """With the other law behind the one that is there, and with events."""
    missing = codecs.missing_law
    if missing is not None:
        at = 1 + offered.formats.index(str(OTHER_LAW[missing]))
        formats = (*offered.formats[:at], str(missing), *offered.formats[at:])
        offered = replace(offered, formats=formats)
    if codecs.misses_events:
        number = next((one for one in _DYNAMIC if one not in offered.formats), None)
        return offered if number is None else with_events(offered, number)
    return offered


def narrowed(answered: Media, codecs: Codecs, codecs_offered: Codecs) -> Media:
    """An answer without what its offerer has not, and with events if he has them."""
    missing, events = codecs_offered.missing_law, codecs_offered.events()
    left_out: list[str] = []
    formats = list(answered.formats)
    if missing in codecs.by_payload_type:
        left_out.append(str(missing))
        formats[formats.index(str(missing))] = str(OTHER_LAW[missing])
    if codecs_offered.misses_events and (ours := codecs.events()) is not None:
        left_out.append(str(ours))
        formats.remove(str(ours))
    if left_out:
        about = tuple([f"{name}:{one} " for one in left_out for name in ("rtpmap", "fmtp")])
        lines = Lines([line for line in answered.lines if not line.value.startswith(about)])
        answered = replace(answered, formats=tuple(dict.fromkeys(formats)), lines=lines)
    if events is not None and codecs.misses_events and events not in codecs.by_payload_type:
        return with_events(answered, str(events))
    return answered


def with_events(media: Media, number: str) -> Media:
    said = (
        Line("a", f"rtpmap:{number} telephone-event/{CLOCK_RATE}"),
        Line("a", f"fmtp:{number} 0-16"),
    )
    lines = media.lines.followed_by(said)
    return replace(media, formats=(*media.formats, number), lines=lines)
