"""The session of one call: descriptions pass through the media engine, and what each side last
described is kept, so that it can be told what has not changed, and offered to somebody new."""

from __future__ import annotations

from msgspec.structs import replace

from gateway.call import Quality
from gateway.sip.message import SipMessage
from gateway.sip.multipart import session_description
from gateway.voice.media_session import SIDES, MediaRefused, MediaSession, Qualities, Side
from media.profile import Profile

# Who has sent nothing at all for as long after the answer is missed, where people hung up before
# the engine has told it.
NEVER_HEARD_S = 5.0
_DIRECTIONS = (b"a=sendonly", b"a=recvonly", b"a=inactive")


class CallSession:
    __slots__ = ("_described", "_media", "_offered", "_silent", "_tells_digits")

    def __init__(self, media: MediaSession) -> None:
        self._media = media
        self._offered: tuple[Side, bytes] | None = None
        self._described: dict[Side, bytes] = {}
        self._tells_digits: set[Side] = set()
        # Who should be heard and was not, with how many packets had come from it by then.
        self._silent: dict[Side, int] = {}

    async def offer(self, side: Side, sdp: bytes, profile: Profile | None = None) -> bytes:
        """`side` offers; what the other is to be offered. Raises MediaRefused."""
        passed = await self._media.offer(side, sdp, profile)
        self._offered = side, sdp
        return passed

    async def answer(self, side: Side, sdp: bytes) -> bytes:
        """`side` answers; what the other is to be answered. Raises MediaRefused."""
        passed = await self._media.answer(side, sdp)
        if self._offered is not None:
            self._described[self._offered[0]] = self._offered[1]
        self._described[side] = sdp
        self._silent.clear()  # It is told again, where what is agreed now is missed.
        return passed

    def described(self, side: Side) -> bytes:
        """Empty before it has described anything that was answered."""
        return self._described.get(side, b"")

    async def heard(self, side: Side) -> bool:
        """Nothing flows before both have described it. Where nobody can tell, it may have been."""
        if side not in self._described:
            return False
        try:
            return await self._media.flowing(side)
        except MediaRefused:
            return True

    def went_one_way(self, silent: Side) -> None:
        self._silent[silent] = self._media.known.of(silent).packets

    async def qualities(self) -> Qualities:
        """As they are, or as they were known last."""
        try:
            return self._judged(await self._media.query())
        except MediaRefused:
            return self._judged(self._media.known)

    async def send_digit(self, side: Side, digit: str) -> bool:
        """To that side, in its media; False where that cannot be done. Who tells digits by the
        signalling is told so those of that side which come as events, if it takes no events."""
        teller = other(side)
        try:
            if teller not in self._tells_digits:
                await self._media.digits_by_signalling(teller)
                self._tells_digits.add(teller)
            await self._media.send_dtmf(side, digit)
        except MediaRefused:
            return False
        return True

    async def close(self, talked_s: float | None) -> Qualities:
        """Before somebody has answered (None), nobody need speak."""
        try:
            heard = await self._media.close()
        except MediaRefused:
            heard = self._media.known
        if talked_s is None:
            return heard
        never_heard = talked_s >= NEVER_HEARD_S and not all(one.packets for one in heard)
        if never_heard and self._goes_both_ways:
            self._silent = dict.fromkeys(SIDES, 0) | self._silent
        return self._judged(heard)

    def _judged(self, heard: Qualities) -> Qualities:
        """Who has been heard again is silent no more."""
        if not self._silent:
            return heard
        return Qualities(*(self._judge(side, heard) for side in SIDES))

    def _judge(self, side: Side, heard: Qualities) -> Quality:
        quality = heard.of(side)
        silent = self._silent.get(side) == quality.packets
        return replace(quality, one_way=silent and heard.of(other(side)).packets > 0)

    @property
    def _goes_both_ways(self) -> bool:
        """As both have described it last (RFC 3264 §5.1)."""
        return not any(one in sdp for sdp in self._described.values() for one in _DIRECTIONS)


def description(message: SipMessage | None) -> bytes:
    """The session description in a message; empty where there is none."""
    return b"" if message is None else session_description(message)


def other(side: Side) -> Side:
    return Side.CALLED if side is Side.CALLER else Side.CALLER
