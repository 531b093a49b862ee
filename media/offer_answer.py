"""Both ends of a call describe themselves to us, and we to the other end (RFC 3264).

What they say of codecs passes, but for what the relay translates (see `translated_formats`). How
media goes between an end and us is for those two to say (see
`TransportDescription`); who described the session and how often it changed is ours. Of several m=
lines one of audio is served, and the others are answered with port 0 (§6).
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from media.audio_stream import AudioStream
from media.codecs import Codecs
from media.errors import NotAcceptable
from media.profile import DTLS, Profile
from media.sdp import Media, SessionDescription, address_kind, parse
from media.sdp_lines import Direction, Lines, printed
from media.translated_formats import narrowed, widened
from media.transport_description import TransportDescription, TransportSaid
from media.webrtc_codecs import answered_to_browser, offered_by_browser, offered_to_browser


class Offer(msgspec.Struct, frozen=True):
    """What was offered, by which end, and what the other end was offered for it: one that takes
    the place of the one that is there once it has answered, maybe."""

    offerer: int
    other: End
    media: tuple[Media, ...]
    audio: int
    stream: AudioStream
    sent_media: tuple[Media, ...]
    sent_audio: int


class End:
    """What one end and we have told each other. `media` is how many m= lines there are between us
    and of what kind, which never changes but to grow (§8); `audio` is the one that is served."""

    def __init__(self, transport: TransportDescription, session_id: int) -> None:
        self.transport = transport
        self.stream: AudioStream | None = None
        self.media: tuple[Media, ...] = ()
        self.audio = 0
        host = transport.host
        self._network = f"IN {address_kind(host)} {host}"
        self._head = f"s=-\r\nc={self._network}\r\n"
        self._session_id = session_id
        self._version = session_id
        self._told = ""

    def describe(
        self,
        source: SessionDescription,
        media: tuple[Media, ...],
        audio: int,
        said: TransportSaid,
        passes: bool,
    ) -> bytes:
        """To this end, what the other said; `passes` says whether what is of its profile is told.
        The o= line is ours: its version grows when something else has changed (§8)."""
        told = self._head
        told += source.lines.told if passes else source.lines.told_to_another_profile
        if said.session_lines:
            told += printed(said.session_lines)
        for at, one in enumerate(media):
            told += str(one)
            if at == audio and said.lines:
                told += printed(said.lines)
        if self._told and self._told != told:
            self._version += 1
        self._told = told
        origin = f"v=0\r\no=- {self._session_id} {self._version} {self._network}\r\n"
        return (origin + told).encode("utf-8", "surrogateescape")


class Negotiation:
    """Of one call, whose ends are 0 and 1.

    What an offer says holds from its answer on, so that one that fails leaves all as it was.
    """

    def __init__(
        self,
        transports: tuple[TransportDescription, TransportDescription],
        session_ids: tuple[int, int],
        transcodes: bool = False,
    ) -> None:
        self._ends = [End(transports[0], session_ids[0]), End(transports[1], session_ids[1])]
        self._passes = False
        self._transcodes = transcodes
        self._offer: Offer | None = None

    def stream(self, end: int) -> AudioStream | None:
        """What was agreed for what goes to that end, and comes from it."""
        return self._ends[end].stream

    def offer(self, offerer: int, sdp: bytes, instead: End | None = None) -> bytes:
        """What the other end is to be offered, or who takes its place by an answer.

        Raises:
            SdpError: not a description.
            NotAcceptable: nothing in it that can be served.
        """
        own, other = self._ends[offerer], instead or self._ends[1 - offerer]
        browsers = [end.transport.profile is Profile.WEBRTC for end in (own, other)]
        self._passes = browsers[0] == browsers[1]
        description = parse(sdp)
        audio = find_audio(description, own)
        media = description.media[audio]
        stream = own.transport.offered(description, media)
        said = other.transport.offer(stream)
        sent = self._told(self._offered(own, media, stream.codecs), said, stream.direction)
        sent_media = tuple(
            [sent if at == other.audio else refused(one) for at, one in enumerate(other.media)]
        ) or (sent,)
        self._offer = Offer(
            offerer, other, description.media, audio, stream, sent_media, other.audio
        )
        return other.describe(description, sent_media, other.audio, said, self._passes)

    def answer(self, answerer: int, sdp: bytes) -> bytes:
        """What the offerer is to be answered; the last answer to an offer counts.

        Raises:
            SdpError: not a description.
            NotAcceptable: no answer to what was offered, or the audio was refused.
        """
        offer = self._offer
        if offer is None or offer.offerer == answerer:
            raise NotAcceptable("nothing was offered to who answers")
        own, other = offer.other, self._ends[offer.offerer]
        description = parse(sdp)
        if offer.sent_audio >= len(description.media):
            raise NotAcceptable("the answer has fewer m= lines than the offer")
        media = description.media[offer.sent_audio]
        if media.kind != "audio" or media.port == 0 or not own.transport.serves(media):
            raise NotAcceptable("the audio was refused")
        stream = own.transport.answered(description, media)
        direction = answerable(stream.direction, offer.stream.direction)
        if direction is not stream.direction:
            stream = replace(stream, direction=direction)
        said = other.transport.answer(offer.stream)
        answered = self._told(self._answered(other, media, stream.codecs, offer), said, direction)
        answered_media = tuple(
            [answered if at == offer.audio else refused(one) for at, one in enumerate(offer.media)]
        )
        offered = offer.stream
        if other.transport.profile is Profile.WEBRTC:
            # It sends what it was answered, and no more of what it offered.
            offered = replace(offered, codecs=Codecs.of(answered))
        own.media, own.audio, own.stream = offer.sent_media, offer.sent_audio, stream
        other.media, other.audio, other.stream = answered_media, offer.audio, offered
        self._ends[answerer] = own
        own.transport.agreed(stream)
        other.transport.agreed(offered)
        return other.describe(description, answered_media, offer.audio, said, self._passes)

    def _offered(self, own: End, media: Media, codecs: Codecs) -> Media:
        if self._passes:
            return widened(media, codecs)
        if own.transport.profile is Profile.WEBRTC:
            media = offered_by_browser(media, self._transcodes)
            return widened(media, Codecs.of(media))
        return offered_to_browser(widened(media, codecs))

    def _answered(self, other: End, media: Media, codecs: Codecs, offer: Offer) -> Media:
        media = narrowed(media, codecs, offer.stream.codecs)
        if self._passes or other.transport.profile is not Profile.WEBRTC:
            return media
        return answered_to_browser(media, offer.media[offer.audio], self._transcodes)

    def _told(self, media: Media, said: TransportSaid, direction: Direction) -> Media:
        """The other end's audio, as this end is to see it, but for the transport."""
        passed = media.lines.passed if self._passes else media.lines.passed_to_another_profile
        is_said = said.proto in DTLS  # RFC 8829 §5.2.1 wants it said in any case.
        if is_said or direction is not Direction.SENDRECV or media.lines.direction is not None:
            passed = passed.with_direction(direction)
        return Media("audio", said.port, said.proto, media.formats, passed)


def find_audio(description: SessionDescription, end: End) -> int:
    """Which m= line is served: the one that was, or else the first that can be.

    Raises:
        NotAcceptable: there is none.
    """
    media = description.media
    indices: tuple[int, ...] = (end.audio, *range(len(media)))
    for index in indices:
        if index < len(media):
            one = media[index]
            if one.kind == "audio" and one.port != 0 and end.transport.serves(one):
                return index
    raise NotAcceptable(f"no audio of the profile {end.transport.profile} is offered")


def refused(media: Media) -> Media:
    """The m= line of what is not served (§6); WebRTC ends know it by its name (RFC 8829 §5.3.1)."""
    named = [line for line in media.lines if line.value.startswith("mid:")]
    return Media(media.kind, 0, media.proto, media.formats, Lines(named))


def answerable(answered: Direction, offered: Direction) -> Direction:
    """What is left of an answer's direction: who does not receive is not sent to, and who does not
    send is not received from (§6.1)."""
    return Direction.of(answered.sends and offered.receives, answered.receives and offered.sends)
