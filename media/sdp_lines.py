"""Lines of a session description (RFC 8866 §5), and what is asked of those of one m= line.

Phones of one kind say the same of their codecs in each call, so what is read of such lines is kept
with them, and lines that were read before are not read again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import NamedTuple

from media.errors import SdpError

# Blocks of rows that are kept, and how long one may be that is.
BLOCKS_MAX, BLOCK_CHARACTERS_MAX = 512, 1_536
# What differs in each call, or is secret: not worth keeping, or not to be kept.
_OF_ONE_CALL = re.compile("a=(?:crypto:|candidate:|ice-|ssrc:|fingerprint:|rtcp:)")
_LINE = re.compile(r"([A-Za-z])=([^\r\0]*)\r?")

# The attributes that are between one end and us (or between it and its network), by what needs
# them: nothing of them holds for the other end.
TERMINATED = frozenset(
    {
        "acap",
        "acfg",
        "altc",
        "bundle-only",
        "candidate",
        "connection",
        "creq",
        "crypto",
        "csup",
        "end-of-candidates",
        "fingerprint",
        "group",
        "ice-lite",
        "ice-mismatch",
        "ice-options",
        "ice-pacing",
        "ice-pwd",
        "ice-ufrag",
        "key-mgmt",
        "mid",
        "msid",
        "msid-semantic",
        "pcfg",
        "remote-candidates",
        "rtcp",
        "rtcp-mux",
        "rtcp-mux-only",
        "setup",
        "source-filter",
        "ssrc",
        "ssrc-group",
        "tcap",
        "tls-id",
    }
)
# What is feedback's (RFC 4585) or a header extension's (RFC 8285): it passes to an end of the same
# profile, and no other.
OF_THE_PROFILE = frozenset(
    {
        "extmap",
        "extmap-allow-mixed",
        "rid",
        "rtcp-fb",
        "rtcp-rsize",
        "simulcast",
    }
)


class Line(NamedTuple):
    """`kind=value`; `kind` is one letter."""

    kind: str
    value: str


class Direction(StrEnum):
    """Seen by who says it (§6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    @classmethod
    def of(cls, sends: bool, receives: bool) -> Direction:
        if sends:
            return cls.SENDRECV if receives else cls.SENDONLY
        return cls.RECVONLY if receives else cls.INACTIVE


DIRECTIONS = {direction.value: direction for direction in Direction}
_SAID = {direction: (Line("a", direction.value),) for direction in Direction}
# What an end is told anew: of its direction, too.
LEFT_OUT = TERMINATED.union(DIRECTIONS)
LEFT_OUT_OF_ANOTHER_PROFILE = LEFT_OUT | OF_THE_PROFILE


class Lines(tuple[Line, ...]):
    """Those that follow an m= line, or stand before all."""

    # No slots: what is found out is kept here.

    @cached_property
    def attributes(self) -> dict[str, str]:
        """The first value of each attribute, by its name (§5.13); empty for one that has none."""
        return attributes(self)

    @cached_property
    def connection(self) -> Line | None:
        """The c= line (§5.7)."""
        return find(self, "c")

    @cached_property
    def direction(self) -> Direction | None:
        return direction_of(self)

    @cached_property
    def passed(self) -> Lines:
        """What holds for the other end as well, if it is of the same profile."""
        return Lines(
            [
                line
                for line in self
                if line[0] == "b" or (line[0] == "a" and line[1].partition(":")[0] not in LEFT_OUT)
            ]
        )

    @cached_property
    def passed_to_another_profile(self) -> Lines:
        return Lines(
            [line for line in self.passed if line[1].partition(":")[0] not in OF_THE_PROFILE]
        )

    @cached_property
    def printed(self) -> str:
        return printed(self)

    @cached_property
    def told(self) -> str:
        """Of those of a session, what the other end is told, in the order of RFC 8866 §5."""
        return _told(self, LEFT_OUT)

    @cached_property
    def told_to_another_profile(self) -> str:
        return _told(self, LEFT_OUT_OF_ANOTHER_PROFILE)

    def with_direction(self, direction: Direction) -> Lines:
        """With that at their end; there is none among them."""
        return self.followed_by(_SAID[direction])

    def followed_by(self, more: tuple[Line, ...]) -> Lines:
        """Of the few that we say by ourselves."""
        said = self._followed.get(more)
        if said is None:
            said = self._followed[more] = Lines((*self, *more))
        return said

    @cached_property
    def _followed(self) -> dict[tuple[Line, ...], Lines]:
        return {}


def lines_of(block: str) -> Lines:
    """
    Raises:
        SdpError: a row is none.
    """
    if len(block) > BLOCK_CHARACTERS_MAX or _OF_ONE_CALL.search(block):
        return _read(block)
    return _kept(block)


def printed(lines: Sequence[Line]) -> str:
    return "".join([f"{kind}={value}\r\n" for kind, value in lines])


def find(lines: Sequence[Line], kind: str) -> Line | None:
    """The first of that kind."""
    for line in lines:
        if line[0] == kind:
            return line
    return None


def direction_of(lines: Sequence[Line]) -> Direction | None:
    """The last that is said (§6.7)."""
    for kind, value in reversed(lines):
        if kind == "a" and value in DIRECTIONS:
            return DIRECTIONS[value]
    return None


def attributes(lines: Sequence[Line]) -> dict[str, str]:
    """The first value of each attribute, by its name (§5.13); empty for one that has none."""
    named: dict[str, str] = {}
    for kind, value in lines:
        if kind == "a":
            name, _, said = value.partition(":")
            named.setdefault(name, said)
    return named


def number(text: str, most: int) -> int | None:
    """A decimal number up to `most`, or None for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    value = int(text)
    return value if value <= most else None


def read_line(row: str) -> Line:
    """
    Raises:
        SdpError: it is none.
    """
    found = _LINE.fullmatch(row)
    if found is None:
        raise SdpError("a line of the description is malformed")
    return Line(found[1], found[2])


def _read(block: str) -> Lines:
    return Lines([read_line(row) for row in block.split("\n")]) if block else Lines()


def _told(lines: Lines, left_out: Collection[str]) -> str:
    bandwidths, times, attributes = "", "0 0", ""
    for kind, value in lines:
        if kind == "a":
            if value.partition(":")[0] not in left_out:
                attributes += f"a={value}\r\n"
        elif kind == "t":
            times = value
        elif kind == "b":
            bandwidths += f"b={value}\r\n"
    return f"{bandwidths}t={times}\r\n{attributes}"


_kept = lru_cache(BLOCKS_MAX)(_read)

NO_LINES = Lines()
