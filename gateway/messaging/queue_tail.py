"""What waits far back in a queue: by key alone, 17 octets a message, until its turn is near.

1,440,000 messages as objects would be more than a gigabyte. Here they are positions in the store,
in blocks of BLOCK, so that what is taken from the front or has expired in between moves little.
"""

from __future__ import annotations

from array import array
from collections import deque
from math import inf

BLOCK = 500
ID_MAX = (1 << 64) - 1


class Positions:
    """Messages in the order of their queue: their ids, when they expire, and their segments.

    Nearly always the ids grow too; what was scheduled has come later than its id. `lowest` and
    `highest` are bounds of them. `struck`: some have been taken out of the middle.
    """

    __slots__ = ("earliest", "expires_at", "highest", "ids", "lowest", "segments", "struck")

    def __init__(self) -> None:
        self.ids = array("Q")
        self.expires_at = array("d")
        self.segments = array("B")
        self.earliest = inf  # None of them expires before that.
        self.lowest = ID_MAX
        self.highest = 0
        self.struck = False

    def __len__(self) -> int:
        return len(self.ids)

    def append(self, message_id: int, segments: int, expires_at: float) -> None:
        self.ids.append(message_id)
        self.segments.append(segments)
        self.expires_at.append(expires_at)
        if expires_at < self.earliest:
            self.earliest = expires_at
        if message_id < self.lowest:
            self.lowest = message_id
        if message_id > self.highest:
            self.highest = message_id

    def find(self, message_id: int) -> int | None:
        """The place of a message; None: it is not here."""
        if not self.lowest <= message_id <= self.highest or message_id not in self.ids:
            return None
        return self.ids.index(message_id)

    def strike(self, place: int) -> int:
        """Take out the message at a place; its segments."""
        self.struck = True
        del self.ids[place], self.expires_at[place]
        return self.segments.pop(place)

    def amend(self, place: int, segments: int, expires_at: float) -> None:
        """The message at a place is another one now."""
        self.segments[place] = segments
        self.expires_at[place] = expires_at
        self.earliest = min(self.earliest, expires_at)

    def cut(self, count: int) -> Positions:
        """Take the first `count`."""
        taken = Positions()
        taken.ids, self.ids = self.ids[:count], self.ids[count:]
        taken.expires_at, self.expires_at = self.expires_at[:count], self.expires_at[count:]
        taken.segments, self.segments = self.segments[:count], self.segments[count:]
        taken.lowest, taken.highest = self.lowest, self.highest
        return taken

    def cut_expired(self, now: float) -> Positions:
        """Take those whose time is over at `now`."""
        taken, left = Positions(), Positions()
        for position in zip(self.ids, self.segments, self.expires_at, strict=True):
            (taken if position[2] <= now else left).append(*position)
        self.ids, self.segments, self.expires_at = left.ids, left.segments, left.expires_at
        self.earliest = left.earliest
        return taken


class QueueTail:
    """FIFO of positions. Its bound is the capacity of the queue that it belongs to."""

    __slots__ = ("_blocks",)

    def __init__(self) -> None:
        self._blocks: deque[Positions] = deque()

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def append(self, message_id: int, segments: int, expires_at: float) -> None:
        blocks = self._blocks
        if not blocks or len(blocks[-1]) >= BLOCK:
            blocks.append(Positions())
        blocks[-1].append(message_id, segments, expires_at)

    def take(self, count: int) -> Positions:
        """The first to go: at least one, and not more than BLOCK."""
        assert count > 0
        block = self._blocks[0]
        if len(block) <= count:
            return self._blocks.popleft()
        return block.cut(count)

    def take_expired(self, now: float) -> Positions:
        """Some whose time is over at `now`; none, if there are no such."""
        for index, block in enumerate(self._blocks):
            if block.earliest <= now and (expired := block.cut_expired(now)):
                if not block:
                    del self._blocks[index]
                return expired
        return Positions()

    def find(self, message_id: int) -> tuple[Positions, int] | None:
        """The block and the place in it of a message. Each block is asked by its bounds, so this
        takes 0.1 ms where a million wait."""
        for block in self._blocks:
            place = block.find(message_id)
            if place is not None:
                return block, place
        return None

    def drop(self, block: Positions) -> None:
        """All of a block has been taken out."""
        self._blocks.remove(block)

    def newest(self, count: int) -> list[int]:
        """The ids of the last so many, the last first."""
        ids: list[int] = []
        for block in reversed(self._blocks):
            ids += reversed(block.ids)
            if len(ids) >= count:
                break
        return ids[:count]

    def expires_at(self) -> float:
        """Nothing expires before that time; nothing does then, if that message has been taken.

        Each block is asked, so this is for when a deadline has passed, not for each message.
        """
        return min((block.earliest for block in self._blocks), default=inf)
