"""A WebRTC end of a relayed call: its transport, what is said of that, and its leg."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from media.audio_stream import AudioStream
from media.errors import MediaError
from media.latch import SureLatch
from media.leg import Leg
from media.relay_end import RelayEnd, never
from media.sdp import parse
from media.socket_pair import dropped
from media.webrtc_description import WebRtcDescription, WebRtcSaid
from media.webrtc_host import WebRtcHost
from media.webrtc_parameters import LocalParameters, RemoteParameters
from media.webrtc_transport import TransportState, WebRtcTransport

# What it is for good; the rest is on the way there, or may come back.
GONE = (TransportState.FAILED, TransportState.CLOSED)


class WebRtcEnd:
    """A `RelayEnd`. Its transport has gathered what stands in `local`."""

    def __init__(
        self, host: WebRtcHost, transport: WebRtcTransport, local: LocalParameters
    ) -> None:
        self.description = WebRtcDescription(local, transport.open)
        ports = host.ports
        self.leg = Leg(
            transport, latch=SureLatch(), ssrc=ports.new_ssrc(), transcoding=ports.transcoding
        )
        self.on_gone: Callable[[], object] = never
        self.transport = transport
        self._host = host
        self._remote: RemoteParameters | None = None
        transport.received = self.leg.rtp_received
        transport.run = self.leg.reception.run
        transport.on_straight = partial(self.leg.send_by, transport.send_rtp)
        transport.on_state = self._state_changed

    def agreed(self, stream: AudioStream) -> None:
        assert isinstance(stream.secret, WebRtcSaid)
        remote, before = stream.secret.remote, self._remote
        if before is None or remote.restarts(before):
            self.transport.connect(remote, self.description.is_client)
        self._remote = remote

    async def renew(self) -> None:
        """ICE is to begin anew by the end's next offer: servers are asked as at first.

        Raises:
            NoPorts: no port or no socket is left.
        """
        self.description.renewed = await self.transport.gather()

    def close(self) -> None:
        self.transport.received = dropped
        self._host.close(self.transport.close())

    def _state_changed(self, state: TransportState) -> None:
        if state in GONE:
            self.on_gone()


class WebRtcEnds:
    """Makes them at once, or with the candidates that servers tell of."""

    def __init__(self, host: WebRtcHost) -> None:
        self.host = host

    @property
    def waits(self) -> bool:
        return self.host.stun_server is not None or self.host.turn_server is not None

    def restarts(self, end: RelayEnd, sdp: bytes) -> bool:
        try:
            return isinstance(end, WebRtcEnd) and end.description.restarts(parse(sdp))
        except MediaError:
            return False

    async def renew(self, end: RelayEnd) -> None:
        assert isinstance(end, WebRtcEnd)
        await end.renew()

    def end(self, we_offer: bool) -> WebRtcEnd:
        """`we_offer` says who begins: we, or the end (RFC 8445 §6.1.1).

        Raises:
            NoPorts: no port or no socket is left.
        """
        transport = WebRtcTransport(self.host, controlling=we_offer)
        return WebRtcEnd(self.host, transport, transport.open())

    async def gathered(self, we_offer: bool) -> WebRtcEnd:
        """
        Raises:
            NoPorts: no port or no socket is left.
        """
        transport = WebRtcTransport(self.host, controlling=we_offer)
        try:
            local = await transport.gather()
        except BaseException:
            self.host.close(transport.close())
            raise
        return WebRtcEnd(self.host, transport, local)
