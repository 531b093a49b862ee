"""The media of calls through our own relay, in this process: each reply is there at once."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from gateway.call import Quality
from gateway.voice.media_session import (
    MediaEvent,
    MediaRefused,
    Profile,
    Qualities,
    Side,
    Silence,
)
from gateway.voice.steps import Reply
from media.errors import MediaError
from media.relay import SILENCE_S, Relay, RelayHost

_ENDS = {Side.CALLER: 0, Side.CALLED: 1}


class RelaySession:
    """A `MediaSession`: a relay, by the names of the signalling."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def offer(self, side: Side, sdp: bytes, profile: Profile | None = None) -> Reply[bytes]:
        return _replied(self._relay.offer, _ENDS[side], sdp)

    def answer(self, side: Side, sdp: bytes) -> Reply[bytes]:
        return _replied(self._relay.answer, _ENDS[side], sdp)

    def flowing(self, side: Side) -> Reply[bool]:
        return Reply.of(self._relay.heard(_ENDS[side]).packets > 0)

    def query(self) -> Reply[Qualities]:
        return Reply.of(self.known)

    @property
    def known(self) -> Qualities:
        return Qualities(*(Quality(*self._relay.heard(end)) for end in (0, 1)))

    def close(self) -> Reply[Qualities]:
        qualities = self.known
        self._relay.close()
        return Reply.of(qualities)


class RelayEngine:
    """A `MediaEngine`. `host` is the one address that is bound, no wildcard, since nothing may be
    relayed to ourselves; `advertised_host` is what peers are told where that differs (a NAT). `now`
    is a clock that goes evenly and finely: jitter is measured with it.
    """

    def __init__(
        self,
        host: str,
        ports: tuple[int, int],
        random: Random,
        now: Callable[[], float],
        advertised_host: str = "",
        silence_s: float = SILENCE_S,
    ) -> None:
        self._host = RelayHost(host, ports, random, now, advertised_host, silence_s)

    @property
    def calls_free(self) -> int:
        """How many more calls the ports suffice for."""
        return len(self._host.ports) // 2

    def open(self, on_event: Callable[[MediaEvent], None]) -> RelaySession:
        try:
            return RelaySession(self._host.open(lambda event: on_event(Silence())))
        except MediaError as error:
            raise MediaRefused(error.status, str(error)) from error

    def close(self) -> None:
        """Close the sockets that no call has, and those of calls when they end."""
        self._host.close()


def _replied(ask: Callable[[int, bytes], bytes], end: int, sdp: bytes) -> Reply[bytes]:
    try:
        return Reply.of(ask(end, sdp))
    except MediaError as error:
        return Reply.refused(MediaRefused(error.status, str(error)))
