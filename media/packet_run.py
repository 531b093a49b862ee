"""A run of packets: each is what was expected after the one before, and goes where that went.

Most packets of a call are so: the next number, as many ticks later, of one source, one type and one
length. Whoever reads a socket finds that out by one look at the first octets, and need not know
what a leg is; all other packets go to the leg, which begins the next run. How many came is told by
the number that is expected now.

Pure: who reads has put the packet into BUFFER, and `send` finds it there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from media.rtp import PACKET_OCTETS_MAX

# One octet more than is relayed, so that what was cut off is seen to be too long.
READ_OCTETS = PACKET_OCTETS_MAX + 1
# What SRTP adds at most (SRTP_MAX_TRAILER_LEN of libsrtp).
TRAILER_OCTETS = 144
# Of the packet that is relayed now: one loop, one packet at a time.
BUFFER = bytearray(READ_OCTETS + TRAILER_OCTETS)
WHOLE = memoryview(BUFFER)
ROOM = WHOLE[:READ_OCTETS]
# All octets up to the timestamp as one number, which grows by the same with each packet; the SSRC.
HEAD = struct.Struct("!QI")
NEXT_NUMBER = 1 << 32
UNMARKED = ~(0x80 << 48)
NOTHING = -1
# The jitter follows the last difference by so much (RFC 3550 §6.4.1).
GAIN = 1 / 16

Straight = Callable[[memoryview], object]


class Run:
    """`expected` is how the next packet begins, NOTHING where there is no run; it comes from `ssrc`
    and is read in `read_octets`, `overhead` of them not its own. It stands in `packet` then, and is
    given to `send`, which raises OSError where the system does not take it.

    `is_read` says whether anybody looks for it.
    """

    __slots__ = (
        "expected",
        "first",
        "is_read",
        "jitter_s",
        "last_at",
        "on_unsent",
        "overhead",
        "packet",
        "read_octets",
        "send",
        "spacing_s",
        "ssrc",
        "step",
    )

    def __init__(self) -> None:
        self.is_read = False
        self.overhead = 0
        self.expected = self.first = NOTHING
        self.step = NEXT_NUMBER
        self.ssrc = self.read_octets = 0
        self.packet = WHOLE[:0]
        self.send: Straight = nowhere
        self.on_unsent: Callable[[], object] = nobody
        self.last_at = self.spacing_s = self.jitter_s = 0.0

    @property
    def packets(self) -> int:
        """How many came in it that were not counted yet."""
        return (self.expected - self.first) // self.step

    def end(self) -> None:
        """It holds on to nobody then."""
        self.first = self.expected = NOTHING
        self.send, self.on_unsent = nowhere, nobody


def nowhere(packet: memoryview) -> None:
    """Of a run that has not begun."""


def nobody() -> None:
    """Hears of nothing."""
