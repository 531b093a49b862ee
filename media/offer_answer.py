"""Both ends of a call describe themselves to us, and we to the other end (RFC 3264).

What they say of codecs passes as it is, but that who offers one law of G.711 offers both, since the
relay translates. Where media goes, who described the session and how often it changed is ours; what
a plain leg cannot keep (ICE, DTLS, SDES, bundles) is left out. Of several m= lines one of audio is
served, and the others are answered with port 0 (§6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from media.audio_stream import PLAIN, AudioStream, find_audio
from media.errors import NotAcceptable
from media.sdp import (
    DIRECTIONS,
    Address,
    Direction,
    Line,
    Media,
    SessionDescription,
    address_kind,
    parse,
)

# Of the other end's network, or of what needs its keys; nothing of it holds for ours.
LEFT_OUT = frozenset(
    {
        "acap",
        "acfg",
        "altc",
        "candidate",
        "connection",
        "creq",
        "crypto",
        "csup",
        "end-of-candidates",
        "fingerprint",
        "group",
        "ice-lite",
        "ice-mismatch",
        "ice-options",
        "ice-pacing",
        "ice-pwd",
        "ice-ufrag",
        "key-mgmt",
        "mid",
        "msid",
        "msid-semantic",
        "pcfg",
        "remote-candidates",
        "rtcp",
        "rtcp-mux",
        "rtcp-mux-only",
        "setup",
        "source-filter",
        "tcap",
        "tls-id",
        *DIRECTIONS,
    }
)
# PCMU and PCMA (RFC 3551 §6).
_OTHER_LAW = {"0": "8", "8": "0"}
RTCP_MUX = Line("a", "rtcp-mux")


@dataclass(frozen=True, slots=True)
class Offer:
    """What was offered, by which end, and what the other end was offered for it."""

    offerer: int
    media: tuple[Media, ...]
    audio: int
    stream: AudioStream
    sent_media: tuple[Media, ...]
    sent_audio: int


class End:
    """What one end and we have told each other. `media` is how many m= lines there are between us
    and of what kind, which never changes but to grow (§8); `audio` is the one that is served."""

    def __init__(self, local: Address, session_id: int) -> None:
        self.local = local
        self.stream: AudioStream | None = None
        self.media: tuple[Media, ...] = ()
        self.audio = 0
        self._session_id = session_id
        self._version = session_id
        self._sent: tuple[tuple[Line, ...], tuple[Media, ...]] | None = None

    @property
    def address_kind(self) -> str:
        return address_kind(self.local.host)

    def describe(self, source: SessionDescription, media: tuple[Media, ...]) -> bytes:
        """To this end, what the other said. The o= line is ours: its version grows when something
        else has changed (§8)."""
        network = f"IN {self.address_kind} {self.local.host}"
        bandwidths, attributes = [], []
        times = Line("t", "0 0")
        for line in source.lines:
            kind, value = line
            if kind == "a":
                if value.partition(":")[0] not in LEFT_OUT:
                    attributes.append(line)
            elif kind == "t":
                times = line
            elif kind == "b":
                bandwidths.append(line)
        lines = (Line("s", "-"), Line("c", network), *bandwidths, times, *attributes)
        if self._sent is not None and self._sent != (lines, media):
            self._version += 1
        self._sent = lines, media
        origin = Line("o", f"- {self._session_id} {self._version} {network}")
        return bytes(SessionDescription((Line("v", "0"), origin, *lines), media))

    def rewritten(self, media: Media, proto: str, direction: Direction, rtcp_mux: bool) -> Media:
        """The other end's audio, as this end is to see it."""
        lines: list[Line] = []
        said = False
        for line in media.lines:
            kind, value = line
            if kind == "a" and value in DIRECTIONS:
                if not said:
                    lines.append(Line("a", direction.value))
                said = True
            elif kind == "b" or (kind == "a" and value.partition(":")[0] not in LEFT_OUT):
                lines.append(line)
        if not said and direction is not Direction.SENDRECV:
            lines.append(Line("a", direction.value))
        if rtcp_mux:
            lines.append(RTCP_MUX)
        return Media("audio", self.local.port, proto, media.formats, tuple(lines))


class Negotiation:
    """Of one call, whose ends are 0 and 1: `locals_` is where each of them sends to.

    What an offer says holds from its answer on, so that one that fails leaves all as it was.
    `is_ours` tells the addresses of this relay, to which nothing may be sent.
    """

    def __init__(
        self,
        locals_: tuple[Address, Address],
        session_ids: tuple[int, int],
        is_ours: Callable[[Address], bool] = lambda address: False,
    ) -> None:
        self._ends = (End(locals_[0], session_ids[0]), End(locals_[1], session_ids[1]))
        self._is_ours = is_ours
        self._offer: Offer | None = None

    def stream(self, end: int) -> AudioStream | None:
        """What was agreed for what goes to that end, and comes from it."""
        return self._ends[end].stream

    def offer(self, offerer: int, sdp: bytes) -> bytes:
        """What the other end is to be offered.

        Raises:
            SdpError: not a description.
            NotAcceptable: nothing in it that can be served.
        """
        own, other = self._ends[offerer], self._ends[1 - offerer]
        description = parse(sdp)
        audio = find_audio(description, own.audio)
        media = description.media[audio]
        stream = self._checked(AudioStream.of(description, media), own)
        rtcp_mux = other.stream is not None and other.stream.rtcp_mux
        sent = other.rewritten(with_both_laws(media), media.proto, stream.direction, rtcp_mux)
        sent_media = tuple(
            [sent if at == other.audio else refused(one) for at, one in enumerate(other.media)]
        ) or (sent,)
        self._offer = Offer(offerer, description.media, audio, stream, sent_media, other.audio)
        return other.describe(description, sent_media)

    def answer(self, answerer: int, sdp: bytes) -> bytes:
        """What the offerer is to be answered; the last answer to an offer counts.

        Raises:
            SdpError: not a description.
            NotAcceptable: no answer to what was offered, or the audio was refused.
        """
        offer = self._offer
        if offer is None or offer.offerer == answerer:
            raise NotAcceptable("nothing was offered to who answers")
        own, other = self._ends[answerer], self._ends[offer.offerer]
        description = parse(sdp)
        if offer.sent_audio >= len(description.media):
            raise NotAcceptable("the answer has fewer m= lines than the offer")
        media = description.media[offer.sent_audio]
        if media.kind != "audio" or media.port == 0 or media.proto not in PLAIN:
            raise NotAcceptable("the audio was refused")
        stream = AudioStream.of(description, media)
        stream = self._checked(
            replace(stream, direction=answerable(stream.direction, offer.stream.direction)), own
        )
        offered = offer.media[offer.audio]
        said = within_laws(media, offered)
        answered = other.rewritten(said, offered.proto, stream.direction, offer.stream.rtcp_mux)
        answered_media = tuple(
            [answered if at == offer.audio else refused(one) for at, one in enumerate(offer.media)]
        )
        own.media, own.audio, own.stream = offer.sent_media, offer.sent_audio, stream
        other.media, other.audio, other.stream = answered_media, offer.audio, offer.stream
        return other.describe(description, answered_media)

    def _checked(self, stream: AudioStream, end: End) -> AudioStream:
        """It, without an address for RTCP that cannot be sent to: media is worth more."""
        if stream.rtp is not None and address_kind(stream.rtp.host) != end.address_kind:
            raise NotAcceptable("the address is of another family than the relay's")
        if stream.rtp is not None and self._is_ours(stream.rtp):
            raise NotAcceptable("the address is the relay's own")
        rtcp = stream.rtcp
        if rtcp is None or (
            address_kind(rtcp.host) == end.address_kind and not self._is_ours(rtcp)
        ):
            return stream
        return replace(stream, rtcp=None)


def with_both_laws(media: Media) -> Media:
    """With the other law of G.711 behind the one that is there."""
    missing = missing_law(media)
    if not missing:
        return media
    at = 1 + media.formats.index(_OTHER_LAW[missing])
    return replace(media, formats=(*media.formats[:at], missing, *media.formats[at:]))


def within_laws(answered: Media, offered: Media) -> Media:
    """An answer without the law that its offerer has not."""
    missing = missing_law(offered)
    if missing not in answered.formats:
        return answered
    said = [_OTHER_LAW[missing] if one == missing else one for one in answered.formats]
    about = (f"rtpmap:{missing} ", f"fmtp:{missing} ")
    lines = tuple([line for line in answered.lines if not line.value.startswith(about)])
    return replace(answered, formats=tuple(dict.fromkeys(said)), lines=lines)


def missing_law(media: Media) -> str:
    """Empty where there is neither or both."""
    there = [law for law in _OTHER_LAW if law in media.formats]
    return _OTHER_LAW[there[0]] if len(there) == 1 else ""


def refused(media: Media) -> Media:
    """The m= line of what is not served (§6)."""
    return Media(media.kind, 0, media.proto, media.formats)


def answerable(answered: Direction, offered: Direction) -> Direction:
    """What is left of an answer's direction: who does not receive is not sent to, and who does not
    send is not received from (§6.1)."""
    return Direction.of(answered.sends and offered.receives, answered.receives and offered.sends)
