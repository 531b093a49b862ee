"""SRTP of a packet where it stands, in BUFFER: for runs of packets, which are not copied on their
way between sockets and libsrtp.

It calls the libsrtp that pylibsrtp is linked with, by the sessions that pylibsrtp has made. What it
takes of it without its having been promised stands in HOOKED, which a contract test walks; the
package is pinned.
"""

from __future__ import annotations

from collections.abc import Callable

from pylibsrtp import Session
from pylibsrtp._binding import ffi, lib

from media.packet_run import BUFFER, WHOLE, Straight

HOOKED: dict[type, tuple[str, ...]] = {Session: ("_srtp",)}
_DATA = ffi.from_buffer(BUFFER)


def opener(session: Session, on_stray: Callable[[], object]) -> Callable[[int], bool]:
    """Whether so many octets are authentic and new, which makes them plain."""
    context, unprotect, length = session._srtp, lib.srtp_unprotect, ffi.new("int *")

    def opened(octets: int) -> bool:
        length[0] = octets
        if unprotect(context[0], _DATA, length):
            on_stray()
            return False
        return True

    return opened


def protector(session: Session, send: Callable[[memoryview], object]) -> Straight:
    """What sends a plain packet as SRTP. Raises OSError where libsrtp does not take it, either."""
    context, protect, length = session._srtp, lib.srtp_protect, ffi.new("int *")

    def protected_and_sent(packet: memoryview) -> None:
        length[0] = len(packet)
        if protect(context[0], _DATA, length):
            raise ConnectionError("the packet is no RTP")
        send(WHOLE[: length[0]])

    return protected_and_sent
