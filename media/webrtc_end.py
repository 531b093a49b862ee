"""A WebRTC end of a relayed call: its transport, what is said of that, and its leg."""

from __future__ import annotations

from collections.abc import Callable

from media.audio_stream import AudioStream
from media.latch import SureLatch
from media.leg import Leg
from media.socket_pair import dropped
from media.webrtc_description import WebRtcDescription, WebRtcSaid
from media.webrtc_parameters import LocalParameters, RemoteParameters
from media.webrtc_transport import TransportState, WebRtcHost, WebRtcTransport

# What it is for good; the rest is on the way there, or may come back.
OVER = (TransportState.FAILED, TransportState.CLOSED)


class WebRtcEnd:
    """A `RelayEnd`. `on_over` is called when its transport failed, or was closed by the end."""

    def __init__(
        self, host: WebRtcHost, transport: WebRtcTransport, local: LocalParameters
    ) -> None:
        self.description = WebRtcDescription(local, transport.open)
        self.leg = Leg(transport, latch=SureLatch())
        self.transport = transport
        self.on_over: Callable[[TransportState], None] = lambda state: None
        self._host = host
        self._remote: RemoteParameters | None = None
        transport.received = self.leg.rtp_received
        transport.on_state = self._state_changed

    def agreed(self, stream: AudioStream) -> None:
        assert isinstance(stream.secret, WebRtcSaid)
        remote, before = stream.secret.remote, self._remote
        if before is None or remote.restarts(before):
            self.transport.connect(remote, self.description.is_client)
        self._remote = remote

    def close(self) -> None:
        self.transport.received = dropped
        self._host.close(self.transport)

    def _state_changed(self, state: TransportState) -> None:
        if state in OVER:
            self.on_over(state)


async def open_end(host: WebRtcHost, we_offer: bool) -> WebRtcEnd:
    """`we_offer` says who begins: we, or the end (RFC 8445 §6.1.1).

    Raises:
        NoPorts: no port or no socket is left.
    """
    transport = WebRtcTransport(host, controlling=we_offer)
    try:
        local = await transport.gather()
    except BaseException:
        host.close(transport)
        raise
    return WebRtcEnd(host, transport, local)
