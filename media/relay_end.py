"""One end of a relayed call with all that it needs: what is said of its transport, and the leg."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from media.audio_stream import AudioStream
from media.leg import Leg
from media.sdp import Address
from media.socket_pair import SocketPair
from media.transport_description import PlainDescription, TransportDescription


class RelayEnd(Protocol):
    """`leg` sends by a transport, and is handed up what came by it; `description` speaks of that
    transport to the end."""

    @property
    def leg(self) -> Leg: ...

    @property
    def description(self) -> TransportDescription: ...

    def agreed(self, stream: AudioStream) -> None:
        """The end has been agreed with, at first or anew: what it said of its transport is in
        `stream.secret`. The leg is told by the relay."""
        ...

    def close(self) -> None:
        """Give all back, without a wait; called once."""
        ...


class PlainEnd:
    """RTP as it is, at a pair of our ports."""

    def __init__(
        self,
        pair: SocketPair,
        local: Address,
        is_ours: Callable[[Address], bool],
        give_back: Callable[[SocketPair], None],
    ) -> None:
        self.description = PlainDescription(local, is_ours)
        self.leg = Leg(pair, is_ours)
        self._pair = pair
        self._give_back = give_back
        pair.rtp_received = self.leg.rtp_received
        pair.rtcp_received = self.leg.rtcp_received

    def agreed(self, stream: AudioStream) -> None:
        """The leg knows all that there is."""

    def close(self) -> None:
        self._give_back(self._pair)
