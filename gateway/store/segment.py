"""Segments, and which of them has a message."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

ID_MAX = (1 << 63) - 1


class SegmentState(StrEnum):
    """A segment only moves forward."""

    LIVE = "live"
    SEALED = "sealed"
    SUMMARISED = "summarised"
    DROPPED = "dropped"


class Segment(NamedTuple):
    """A row of the catalogue. Times are Unix seconds."""

    number: int
    first_id: int
    created_at: float
    sealed_at: float
    state: SegmentState


class Segments:
    """Those that are kept, oldest first, at one moment. It never changes; a new one replaces it."""

    __slots__ = ("_first_ids", "kept")

    def __init__(self, segments: Iterable[Segment] = ()) -> None:
        self.kept = tuple(each for each in segments if each.state is not SegmentState.DROPPED)
        self._first_ids = [segment.first_id for segment in self.kept]

    @property
    def first_id(self) -> int:
        """Messages below are in the catalogue, if anywhere."""
        return self._first_ids[0]

    @property
    def live(self) -> Segment:
        return self.kept[-1]

    def home(self, message_id: int) -> int | None:
        """The place in `kept` of the segment that has the message; None: the catalogue."""
        place = bisect_right(self._first_ids, message_id)
        return place - 1 if place else None

    def ids(self, place: int | None) -> tuple[int, int]:
        """The messages at a home have ids from the first to below the second."""
        if place is None:
            return 0, self.first_id
        later = self._first_ids[place + 1 : place + 2]
        return self._first_ids[place], later[0] if later else ID_MAX

    def find(self, number: int) -> Segment | None:
        return next((each for each in self.kept if each.number == number), None)
