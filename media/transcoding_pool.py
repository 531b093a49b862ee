"""Threads for codecs: what takes long is done beside the loop, and each path keeps its order."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

# Packets of one path that wait: 0.3 s of speech, and what is older is worth nothing.
WAITING_MAX = 15
# Packets that the loop is handed at once, where they come faster than they are converted.
TOGETHER_MAX = 8
# A worker has one core.
THREADS = 1

Convert = Callable[[bytes], list[bytes]]
Deliver = Callable[[bytes, float], None]


class TranscodingPool:
    """Of one loop, on which `deliver` of a path is called. `dropped` counts packets of all paths
    that came faster than they were converted. What `convert` raises, the loop is told."""

    def __init__(self, threads: int = THREADS) -> None:
        self.dropped = 0
        self._loop = asyncio.get_running_loop()
        self._done: deque[tuple[TranscodingPath, list[bytes], float]] = deque()
        self._is_awake = False
        self._queues = [SimpleQueue[TranscodingPath | None]() for _ in range(threads)]
        self._threads = [
            threading.Thread(target=self._run, args=(queue,), name="codec", daemon=True)
            for queue in self._queues
        ]
        for thread in self._threads:
            thread.start()
        self._next = 0

    def path(self, convert: Convert, deliver: Deliver) -> TranscodingPath:
        """All of one path is done by one thread, so what came first is delivered first."""
        self._next = (self._next + 1) % len(self._queues)
        return TranscodingPath(self, convert, deliver, self._queues[self._next])

    def close(self) -> None:
        """The threads end after what waits, none of which is delivered."""
        self._is_awake = True
        for queue in self._queues:
            queue.put(None)
        for thread in self._threads:
            thread.join()
        self._done.clear()

    def _run(self, queue: SimpleQueue[TranscodingPath | None]) -> None:
        while (path := queue.get()) is not None:
            try:
                packets, now = path.convert_next()
            except Exception as error:
                context = {"message": "a packet could not be transcoded", "exception": error}
                self._loop.call_soon_threadsafe(self._loop.call_exception_handler, context)
                continue
            if packets:
                self._done.append((path, packets, now))
                # What waits as well goes with it: to wake the loop costs as much as to send.
                if not self._is_awake and (queue.empty() or len(self._done) >= TOGETHER_MAX):
                    self._is_awake = True
                    self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        # First, so that a thread that is done later wakes the loop again.
        self._is_awake = False
        done = self._done
        while done:
            path, packets, now = done.popleft()
            for packet in packets:
                path.deliver(packet, now)


class TranscodingPath:
    """One direction of a call. Where more than WAITING_MAX packets wait, the oldest is dropped."""

    def __init__(
        self,
        pool: TranscodingPool,
        convert: Convert,
        deliver: Deliver,
        queue: SimpleQueue[TranscodingPath | None],
    ) -> None:
        self.deliver = deliver
        self._pool = pool
        self._convert = convert
        self._queue = queue
        self._waiting: deque[tuple[bytes, float]] = deque()

    def put(self, packet: bytes, now: float) -> None:
        """It came at `now`."""
        self._waiting.append((packet, now))
        if len(self._waiting) > WAITING_MAX:
            self._waiting.popleft()
            self._pool.dropped += 1
        else:
            self._queue.put(self)

    def convert_next(self) -> tuple[list[bytes], float]:
        """On the thread; there is one for each time that it is called."""
        packet, now = self._waiting.popleft()
        return self._convert(packet), now
