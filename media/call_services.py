"""What is done with the ends of a call beside relaying: they are played to, listened to, recorded,
and sent digits. `Relay.services` has them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Protocol

from media.audio import Audio
from media.errors import NotAcceptable
from media.events import DigitReceived, MediaEvent, Played, Recorded, Silent, Talking
from media.leg import Leg
from media.leg_taps import Tap
from media.recorder import OCTETS_MAX, Recorder
from media.speech import Speech, SpeechBounds
from media.telephone_event import DIGIT_S, Digit
from media.ticker import Ticker


class ServiceHost(Protocol):
    """What all calls share. Times are of `now`, and `disk` is the thread that writes."""

    @property
    def ticker(self) -> Ticker: ...

    @property
    def disk(self) -> ThreadPoolExecutor: ...

    @property
    def now(self) -> Callable[[], float]: ...


class CallServices:
    """Of ends 0 and 1. What asks for it after the call is over is refused (NotAcceptable)."""

    def __init__(
        self,
        legs: tuple[Leg, Leg],
        host: ServiceHost,
        on_event: Callable[[MediaEvent], object],
    ) -> None:
        self._legs = legs
        self._host = host
        self._on_event = on_event
        self._by_signalling = [False, False]
        self._speech: list[Speech | None] = [None, None]
        self._recorder: Recorder | None = None
        self._recorded: tuple[int, ...] = ()
        self._closed = False
        self._hear(0)
        self._hear(1)

    def replace(self, end: int, legs: tuple[Leg, Leg]) -> None:
        """Somebody else is that end."""
        self._legs = legs
        self._by_signalling[end] = False
        self._hear(end)
        self._tap()

    def play(self, end: int, audio: Audio, repeats: int = 1) -> None:
        """To that end, which does not hear the other meanwhile; 0 repeats it until `stop`."""
        self._check_open()
        self._legs[end].player.play(audio, repeats)
        self._host.ticker.add(self._tick)

    def stop(self, end: int) -> None:
        self._legs[end].player.stop()

    def send_digits(self, end: int, signs: str, duration_s: float = DIGIT_S) -> int:
        """To that end, as events or, if it has none, as tones; how many were taken."""
        self._check_open()
        taken = self._legs[end].player.send_digits(signs, duration_s)
        self._host.ticker.add(self._tick)
        return taken

    def tell_digits(self, end: int, by_signalling: bool) -> None:
        """Whether an end that has no events gets the digits of the other by SIP INFO: they are not
        sent to it as tones then."""
        self._by_signalling[end] = by_signalling

    def digit_came(self, end: int, digit: Digit) -> None:
        """From that end, as an event."""
        other = 1 - end
        stream = self._legs[other].stream
        passed = stream is not None and stream.codecs.has_events
        if not passed and not self._by_signalling[other]:
            with contextlib.suppress(NotAcceptable):
                self.send_digits(other, digit.sign, digit.duration_s)
                passed = True
        self._on_event(DigitReceived(end, *digit, passed))

    def listen(self, end: int, bounds: SpeechBounds | None) -> None:
        """Tell when that end talks and when it is silent; None ends it."""
        self._check_open()
        self._speech[end] = (
            None if bounds is None else Speech(bounds, partial(self._on_speech, end))
        )
        self._tap()

    def record(self, path: Path, ends: Sequence[int], octets_max: int = OCTETS_MAX) -> None:
        """What those ends say, into a WAV file that must not be there yet.

        Raises:
            NotAcceptable: the call is recorded already.
        """
        self._check_open()
        if self._recorder is not None:
            raise NotAcceptable("the call is recorded already")
        self._recorded = tuple(ends)
        self._recorder = Recorder(
            path,
            len(self._recorded),
            octets_max,
            self._host.now(),
            self._host.disk,
            self._on_recorded,
        )
        self._tap()

    def stop_recording(self) -> None:
        if self._recorder is not None:
            self._recorder.stop(self._host.now())

    def close(self) -> None:
        self.stop_recording()
        self._closed = True
        self._host.ticker.discard(self._tick)

    def _check_open(self) -> None:
        if self._closed:
            raise NotAcceptable("the call is over")

    # What is told

    def _hear(self, end: int) -> None:
        leg = self._legs[end]
        leg.on_digit = partial(self.digit_came, end)
        leg.player.on_played = partial(self._on_played, end)

    def _on_played(self, end: int, finished: bool) -> None:
        self._on_event(Played(end, finished))

    def _on_speech(self, end: int, talks: bool, level_dbov: float) -> None:
        self._on_event((Talking if talks else Silent)(end, level_dbov))

    def _on_recorded(self, recorded: Recorded) -> None:
        self._recorder = None
        self._tap()
        self._on_event(recorded)

    # The clock of what plays, listens and records

    def _tap(self) -> None:
        channels = () if self._recorder is None else self._recorder.channels
        for end, leg in enumerate(self._legs):
            taps: list[Tap] = [
                channel
                for one, channel in zip(self._recorded, channels, strict=False)
                if one == end
            ]
            speech = self._speech[end]
            if speech is not None:
                taps.append(speech)
            leg.tap(*taps)
        if not self._closed:
            self._host.ticker.add(self._tick)

    def _tick(self, now: float) -> None:
        busy = False
        for leg in self._legs:
            leg.player.tick(now)
            busy = busy or leg.player.busy
        for speech in self._speech:
            if speech is not None:
                speech.tick(now)
                busy = True
        if self._recorder is not None:
            self._recorder.tick(now)
            busy = True
        if not busy:
            self._host.ticker.discard(self._tick)
