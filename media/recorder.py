"""A recording of a call: what its ends say, into a file, for so long and no longer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from media.audio import SAMPLES_PER_S
from media.events import Recorded, RecordingEnd
from media.recording import Channel, Recording
from media.wav_writer import WavWriter

# An hour of both ends.
OCTETS_MAX = 2 * 3_600 * SAMPLES_PER_S
CHUNK_S = 1.0


class Recorder:
    """Of so many ends at once, each in a channel of its own."""

    def __init__(
        self,
        path: Path,
        ends: int,
        octets_max: int,
        now: float,
        thread: ThreadPoolExecutor,
        on_ended: Callable[[Recorded], object],
    ) -> None:
        self._path = path
        self._ends = ends
        self._recording = Recording(ends, now, min(octets_max, OCTETS_MAX))
        self._writer = WavWriter(path, ends, thread, self._failed)
        self._on_ended = on_ended
        self._chunk_at = now + CHUNK_S
        self._has_failed = False
        self._has_ended = False

    @property
    def channels(self) -> tuple[Channel, ...]:
        return self._recording.channels

    def tick(self, now: float) -> None:
        if self._has_failed:
            self._end(RecordingEnd.FAILED)
        elif now >= self._chunk_at:
            self._chunk_at = now + CHUNK_S
            self._writer.write(self._recording.take(now))
            if self._recording.is_full:
                self._end(RecordingEnd.FULL)

    def stop(self, now: float) -> None:
        if not self._has_ended:
            self._writer.write(self._recording.take(now, ended=True))
            self._end(RecordingEnd.ASKED)

    def _failed(self) -> None:
        self._has_failed = True

    def _end(self, reason: RecordingEnd) -> None:
        if not self._has_ended:
            self._has_ended = True
            seconds = self._recording.octets / self._ends / SAMPLES_PER_S
            self._on_ended(Recorded(str(self._path), seconds, reason))
