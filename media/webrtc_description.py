"""What a WebRTC end and we say to each other of how media goes between us (RFC 8829): one m= line
of audio, bundled with nothing else (RFC 8843), RTP and RTCP on one port, ICE (RFC 8839), DTLS-SRTP
(RFC 5763). Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from media.audio_stream import AudioStream
from media.codecs import Codecs
from media.errors import MediaError, NotAcceptable
from media.profile import DTLS, SECURE, Profile
from media.sdp import Media, SessionDescription
from media.sdp_lines import Line, Lines
from media.transport_description import TransportSaid
from media.webrtc_parameters import LocalParameters, RemoteParameters, Setup

# Of the m= line in our first offer, where the other end has none to say.
MID = "0"
# A browser makes a MediaStream of that name of what we send (RFC 8830).
MSID = "gateway gateway-audio"


@dataclass(frozen=True, slots=True)
class WebRtcSaid:
    """By an end, of its m= line of audio. `mid` and `bundle` are as it named and grouped it."""

    remote: RemoteParameters
    mid: str = ""
    bundled: bool = False

    @classmethod
    def of(cls, description: SessionDescription, media: Media) -> WebRtcSaid:
        """Of its transport, the first m= line speaks that it is bundled with (RFC 8843 §7.1.3).

        Raises:
            MediaError: something is malformed, or missing that we do not do without.
        """
        said = media.lines.attributes
        if "rtcp-mux" not in said:
            raise NotAcceptable("RTCP at a port of its own is not served")
        mid = said.get("mid", "")
        group = next((one for one in _bundles(description) if mid in one), ())
        remote = RemoteParameters.of(description.lines, _tagged(description, group, media))
        if remote.setup is Setup.HOLDCONN:
            raise NotAcceptable("DTLS is to be held")
        return cls(remote, mid, bool(group))


class WebRtcDescription:
    """Of one end. `local` is of our transport; `renew` gives what it will be after ICE begins anew
    (RFC 8445 §9), unless that was gathered before the offer and stands in `renewed`. Answers do not
    wait for what is found later: we tell all candidates at once."""

    profile = Profile.WEBRTC

    def __init__(self, local: LocalParameters, renew: Callable[[], LocalParameters]) -> None:
        self._local = local
        self.renewed: LocalParameters | None = None
        self._renew = renew
        self._agreed: WebRtcSaid | None = None
        self._is_client = False

    @property
    def host(self) -> str:
        return self._local.candidates[0].host

    @property
    def is_client(self) -> bool:
        """Whether we begin DTLS."""
        return self._is_client

    def serves(self, media: Media) -> bool:
        """RTP/SAVPF with a fingerprint is what browsers said before they had the standard's words
        (RFC 8829 §5.1.2)."""
        return media.proto in DTLS or media.proto in SECURE

    def restarts(self, description: SessionDescription) -> bool:
        """Whether it is an offer that begins ICE anew; what cannot be served does not."""
        if self._agreed is None:
            return False
        for media in description.media:
            if media.kind == "audio" and media.port and self.serves(media):
                try:
                    said = WebRtcSaid.of(description, media)
                except MediaError:
                    return False
                return said.remote.restarts(self._agreed.remote)
        return False

    def offered(self, description: SessionDescription, media: Media) -> AudioStream:
        said = WebRtcSaid.of(description, media)
        before = self._agreed
        if before is not None and said.remote.is_another_without_restart(before.remote):
            raise NotAcceptable("another fingerprint, and ICE does not begin anew")
        return AudioStream(
            None,
            None,
            description.direction(media),
            Codecs.of(media),
            media.proto,
            rtcp_mux=True,
            secret=said,
        )

    def answered(self, description: SessionDescription, media: Media) -> AudioStream:
        stream = self.offered(description, media)
        said = _said(stream)
        if said.remote.setup is Setup.ACTPASS:
            raise NotAcceptable("the answer leaves the role of DTLS open")
        if self._agreed is not None and said.remote.restarts(self._agreed.remote):
            raise NotAcceptable("ICE begins anew, which was not offered")
        return stream

    def offer(self, like: AudioStream) -> TransportSaid:
        """Roles that are there are kept by the answer (RFC 8842 §5.2)."""
        if self._agreed is not None:
            mid, bundled = self._agreed.mid, self._agreed.bundled
        else:
            mid, bundled = (like.secret.mid if isinstance(like.secret, WebRtcSaid) else MID), True
        return self._told(DTLS[0], mid, bundled, Setup.ACTPASS, Line("a", "rtcp-mux-only"))

    def answer(self, to: AudioStream) -> TransportSaid:
        said = _said(to)
        if self._agreed is not None and said.remote.restarts(self._agreed.remote):
            self._local, self.renewed = self.renewed or self._renew(), None
        setup = Setup.ACTIVE if self._role(said) else Setup.PASSIVE
        return self._told(to.proto, said.mid, said.bundled, setup)

    def agreed(self, stream: AudioStream) -> None:
        said = _said(stream)
        self._is_client = self._role(said)
        self._agreed = said

    def _role(self, said: WebRtcSaid) -> bool:
        """An association that is there keeps its roles; who offers both is answered with the active
        one, so that DTLS begins at once (RFC 8842 §5.3, RFC 5763 §5)."""
        before = self._agreed
        if before is not None and before.remote.fingerprints == said.remote.fingerprints:
            return self._is_client
        return said.remote.setup is not Setup.ACTIVE

    def _told(
        self, proto: str, mid: str, bundled: bool, setup: Setup, *more: Line
    ) -> TransportSaid:
        local = self._local
        lines = [f"mid:{mid}"] if mid else []
        lines += [
            f"ice-ufrag:{local.ufrag}",
            f"ice-pwd:{local.pwd}",
            f"fingerprint:{local.fingerprint.hash} {local.fingerprint.octets}",
            f"setup:{setup}",
            "rtcp-mux",
            f"msid:{MSID}",
            *[f"candidate:{candidate}" for candidate in local.candidates],
            "end-of-candidates",
        ]
        group = (Line("a", f"group:BUNDLE {mid}"),) if mid and bundled else ()
        return TransportSaid(
            local.candidates[0].port,
            proto,
            (*[Line("a", line) for line in lines], *more),
            group,
        )


def _said(stream: AudioStream) -> WebRtcSaid:
    assert isinstance(stream.secret, WebRtcSaid)
    return stream.secret


def _bundles(description: SessionDescription) -> list[tuple[str, ...]]:
    return [
        tuple(line.value.split()[1:])
        for line in description.lines
        if line.kind == "a" and line.value.startswith("group:BUNDLE ")
    ]


def _tagged(description: SessionDescription, group: tuple[str, ...], media: Media) -> Lines:
    """The lines that tell of the transport: its own, or those of the first of its bundle."""
    if "ice-ufrag" in media.lines.attributes or not group:
        return media.lines
    for one in description.media:
        if one.lines.attributes.get("mid") == group[0]:
            return Lines((*one.lines, *media.lines))
    return media.lines
