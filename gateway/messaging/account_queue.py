"""The queue of one sender of one account: strict FIFO, paced, bounded in seconds of its rate."""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import Generic, Protocol, TypeVar

from gateway.messaging.mps import MpsLimiter

# So many that have left otherwise may lie about in a queue, or as many as are alive.
STALE_MAX = 1_000


class Queued(Protocol):
    """What a queue needs to know of what it holds."""

    @property
    def position(self) -> int:
        """Grows with the order of acceptance."""
        ...

    @property
    def segments(self) -> int: ...

    @property
    def waiting(self) -> bool:
        """False once it has left otherwise (expired, canceled): the queue then skips it."""
        ...


T = TypeVar("T", bound=Queued)


class AccountQueue(Generic[T]):
    """FIFO of what awaits its turn, `capacity` segments at most: max_queue_s x MPS.

    What the carrier refuses for now comes back by `put_back` and stands again where it stood:
    before everything that was accepted after it. What expires is not searched for; it is counted
    out by `forget` and skipped when it comes to the head.
    """

    __slots__ = ("_fresh", "_returned", "account_limiter", "capacity", "limiter", "segments")

    def __init__(
        self, mps: float, max_queue_s: float, account_limiter: MpsLimiter | None = None
    ) -> None:
        self.limiter = MpsLimiter(mps)
        self.account_limiter = account_limiter
        self.capacity = max(1, int(mps * max_queue_s))
        self.segments = 0
        self._fresh: deque[T] = deque()
        self._returned: list[tuple[int, T]] = []

    def reserve(self, segments: int) -> bool:
        """Keep room for a message that is about to be accepted; False when the queue is full."""
        if self.segments + segments > self.capacity and self.segments:
            return False
        self.segments += segments
        return True

    def hold(self, segments: int) -> None:
        """Keep room for a message that was accepted before, whatever the capacity is now."""
        self.segments += segments

    def forget(self, segments: int) -> None:
        """Give back room: the message was not accepted after all, or has left but by `pop`."""
        self.segments -= segments
        assert self.segments >= 0

    def put(self, item: T) -> None:
        """Append what has been accepted; its room was reserved.

        Each that is alive has a segment of the room. So where the queue is much longer than that,
        the greater part has left, and would stay in memory behind a head that cannot go.
        """
        self._fresh.append(item)
        if len(self._fresh) > 2 * self.segments + STALE_MAX:
            self._fresh = deque(item for item in self._fresh if item.waiting)

    def put_back(self, item: T) -> None:
        """Return what the carrier would not take; there is always room for it."""
        self.segments += item.segments
        heappush(self._returned, (item.position, item))

    def head(self) -> T | None:
        """The next to go, without taking it."""
        while self._returned and not self._returned[0][1].waiting:
            heappop(self._returned)
        if self._returned:
            return self._returned[0][1]
        while self._fresh and not self._fresh[0].waiting:
            self._fresh.popleft()
        return self._fresh[0] if self._fresh else None

    def pop(self) -> T:
        """Take the head; the caller has seen it by `head`."""
        item = heappop(self._returned)[1] if self._returned else self._fresh.popleft()
        self.segments -= item.segments
        return item

    def ready_at(self, now: float) -> float:
        """When the rate of the sender, and the cap of the account, let the next segment pass."""
        ready = self.limiter.ready_at(now)
        return max(ready, self.account_limiter.ready_at(now)) if self.account_limiter else ready

    def take(self, now: float) -> None:
        """Let one segment pass."""
        self.limiter.take(now)
        if self.account_limiter:
            self.account_limiter.take(now)

    def __len__(self) -> int:
        return len(self._fresh) + len(self._returned)
