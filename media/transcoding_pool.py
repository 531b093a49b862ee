"""Threads for codecs: what takes long is done beside the loop, and each path keeps its order."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

log = logging.getLogger(__name__)

# Packets of one path that wait: a second's tenth of speech, and what is older is worth nothing.
WAITING_MAX = 5
# A worker has one core.
THREADS = 1


class TranscodingPool:
    """Of one loop. `deliver` of a path is called on that loop."""

    def __init__(self, threads: int = THREADS) -> None:
        self._loop = asyncio.get_running_loop()
        self._done: deque[tuple[TranscodingPath, list[bytes]]] = deque()
        self._is_awake = False
        self._queues = [SimpleQueue[TranscodingPath | None]() for _ in range(threads)]
        self._threads = [
            threading.Thread(target=self._run, args=(queue,), name="codec", daemon=True)
            for queue in self._queues
        ]
        for thread in self._threads:
            thread.start()
        self._next = 0

    def path(
        self, convert: Callable[[bytes], list[bytes]], deliver: Callable[[bytes], None]
    ) -> TranscodingPath:
        """All of one path is done by one thread, so what came first is delivered first."""
        self._next = (self._next + 1) % len(self._queues)
        return TranscodingPath(convert, deliver, self._queues[self._next])

    def close(self) -> None:
        """The threads end after what waits."""
        for queue in self._queues:
            queue.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self, queue: SimpleQueue[TranscodingPath | None]) -> None:
        while (path := queue.get()) is not None:
            try:
                packets = path.convert_next()
            except Exception:
                log.exception("transcoding failed")
                continue
            if packets:
                self._done.append((path, packets))
                if not self._is_awake:
                    self._is_awake = True
                    self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        # First, so that a thread that is done later wakes the loop again.
        self._is_awake = False
        done = self._done
        while done:
            path, packets = done.popleft()
            for packet in packets:
                path.deliver(packet)


class TranscodingPath:
    """One direction of a call. Where more than WAITING_MAX packets wait, the oldest is dropped."""

    def __init__(
        self,
        convert: Callable[[bytes], list[bytes]],
        deliver: Callable[[bytes], None],
        queue: SimpleQueue[TranscodingPath | None],
    ) -> None:
        self.dropped = 0
        self.deliver = deliver
        self._convert = convert
        self._queue = queue
        self._waiting: deque[bytes] = deque()

    def put(self, packet: bytes) -> None:
        self._waiting.append(packet)
        if len(self._waiting) > WAITING_MAX:
            self._waiting.popleft()
            self.dropped += 1
        else:
            self._queue.put(self)

    def convert_next(self) -> list[bytes]:
        """On the thread."""
        try:
            packet = self._waiting.popleft()
        except IndexError:  # It was dropped.
            return []
        return self._convert(packet)

    def close(self) -> None:
        """Nothing of it is delivered from now on."""
        self._waiting.clear()
        self.deliver = _drop


def _drop(packet: bytes) -> None:
    pass
