"""The queue of one sender of one account: strict FIFO, paced, bounded in seconds of its rate.

Memory holds a bounded head of it. What is behind waits in the store, and is read page by page.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import Generic, Protocol, TypeVar

from gateway.messaging.mps import MpsLimiter
from gateway.messaging.queue_tail import Positions, QueueTail

# The head is HEAD_S of the sender's rate, within these two: what goes while a page is read.
HEAD_MIN = 256
HEAD_S = 2.0
HEAD_MAX = 5_000
# So many that have left otherwise may lie about in a head, or as many as are alive.
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

    `held` messages are here as objects, `head_max` of them, and what came back besides; `aside`
    are known by their positions: those of the tail, and of the `page` that is being read.
    What is accepted goes to the tail as long as anything is aside.

    What the carrier refuses for now comes back by `put_back` and stands again where it stood:
    before everything that was accepted after it. What expires is not searched for; it is counted
    out by `leave` and skipped when it comes to the head.
    """

    __slots__ = (
        "_fresh",
        "_returned",
        "_tail",
        "account_limiter",
        "aside",
        "capacity",
        "head_max",
        "held",
        "limiter",
        "page",
        "segments",
    )

    def __init__(
        self, mps: float, max_queue_s: float, account_limiter: MpsLimiter | None = None
    ) -> None:
        self.limiter = MpsLimiter(mps)
        self.account_limiter = account_limiter
        self.capacity = max(1, int(mps * max_queue_s))
        self.head_max = min(max(HEAD_MIN, int(HEAD_S * mps)), HEAD_MAX)
        self.segments = 0
        self.held = 0
        self.aside = 0
        self.page: Positions | None = None
        self._fresh: deque[T] = deque()
        self._returned: list[tuple[int, T]] = []
        self._tail = QueueTail()

    # Room

    def reserve(self, segments: int) -> bool:
        """Keep room for a message that is about to be accepted; False when the queue is full."""
        if self.segments + segments > self.capacity and self.segments:
            return False
        self.segments += segments
        return True

    def hold(self, segments: int) -> None:
        """Keep room for a message that was accepted before, whatever the capacity is now."""
        self.segments += segments

    def give_back(self, segments: int) -> None:
        """Give back the room of a message that is not here after all."""
        self.segments -= segments
        assert self.segments >= 0

    def resize(self, segments: int, then: int) -> bool:
        """Change the room of a message that is here; False when the queue is too full for that."""
        others = self.segments - segments
        if then > segments and others and others + then > self.capacity:
            return False
        self.segments = others + then
        return True

    # The head

    def put(self, item: T) -> None:
        """Append what has been accepted, while nothing is aside; its room was reserved.

        A head that cannot go keeps in memory what has left behind it, until that is the greater
        part.
        """
        self.held += 1
        self._fresh.append(item)
        if len(self._fresh) > 2 * self.held + STALE_MAX:
            self._fresh = deque(item for item in self._fresh if item.waiting)

    def put_back(self, item: T) -> None:
        """Return what the carrier would not take; there is always room for it."""
        self.segments += item.segments
        self.held += 1
        heappush(self._returned, (item.position, item))

    def head(self) -> T | None:
        """The next to go of those that are here, without taking it."""
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
        self.leave(item)
        return item

    def leave(self, item: T) -> None:
        """It goes, or is no longer `waiting`."""
        self.segments -= item.segments
        self.held -= 1
        assert self.segments >= 0

    # What is aside

    def set_aside(self, message_id: int, segments: int, expires_at: float) -> None:
        """Append by its position a message whose room was reserved."""
        self._tail.append(message_id, segments, expires_at)
        self.aside += 1

    def next_page(self, now: float, head_max: int) -> Positions | None:
        """What is to be read: the page under way; else, where the head is not half full, what
        comes after it; else of what has expired at `now`. None: nothing.

        It stays the page under way until `page_read`.
        """
        if self.page is None:
            if self._tail and 2 * self.held < head_max:
                self.page = self._tail.take(head_max - self.held)
            else:
                self.page = self._tail.take_expired(now) or None
        return self.page

    def page_read(self, items: Iterable[T]) -> None:
        """These of the page are here now; the rest has left, and its room was given back."""
        assert self.page is not None
        self.aside -= len(self.page)
        self.page = None
        before = len(self._fresh)
        self._fresh.extend(items)
        self.held += len(self._fresh) - before

    def strike(self, message_id: int) -> bool:
        """Take a message out of what is aside, and give back its room; False: it is not there."""
        found = self._find_aside(message_id)
        if found is None:
            return False
        block, place = found
        self.give_back(block.strike(place))
        self.aside -= 1
        if not block and block is not self.page:
            self._tail.drop(block)
        return True

    def amend(self, message_id: int, segments: int, expires_at: float) -> bool:
        """A message of those aside has so many segments now, and expires then; False: there is no
        room for it."""
        found = self._find_aside(message_id)
        assert found is not None
        block, place = found
        if not self.resize(block.segments[place], segments):
            return False
        block.amend(place, segments, expires_at)
        return True

    def has_aside(self, message_id: int) -> bool:
        """Whether the message is one of those aside."""
        return self._find_aside(message_id) is not None

    def newest_aside(self, count: int) -> list[int]:
        """The ids of the last so many that are aside, the last first."""
        ids = self._tail.newest(count)
        if self.page and len(ids) < count:
            ids += reversed(self.page.ids)
        return ids[:count]

    def expires_at(self) -> float:
        """Nothing of the tail expires before that; `inf` where there is none."""
        return self._tail.expires_at()

    # Rate

    def ready_at(self, now: float) -> float:
        """When the rate of the sender, and the cap of the account, let the next segment pass."""
        ready = self.limiter.ready_at(now)
        return max(ready, self.account_limiter.ready_at(now)) if self.account_limiter else ready

    def turn_at(self, now: float, segments: int) -> float:
        """When the last of what is here, of so many segments, can go at the earliest."""
        before = self.segments - segments
        if not before:
            return now
        turn = self.limiter.after(now, before)
        cap = self.account_limiter
        return max(turn, cap.after(now, before)) if cap else turn

    def take(self, now: float, segments: int = 1) -> None:
        """Let a segment pass, or several in one PDU."""
        self.limiter.take(now, segments)
        if self.account_limiter:
            self.account_limiter.take(now, segments)

    def _find_aside(self, message_id: int) -> tuple[Positions, int] | None:
        if self.page is not None and (place := self.page.find(message_id)) is not None:
            return self.page, place
        return self._tail.find(message_id)

    def __len__(self) -> int:
        """How many messages wait."""
        return self.held + self.aside

    def __iter__(self) -> Iterator[T]:
        """Those that are here, in no order."""
        yield from (item for _, item in self._returned if item.waiting)
        yield from (item for item in self._fresh if item.waiting)
