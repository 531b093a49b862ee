"""One rtpengine as its client sees it: requests by cookie, sent again until they are answered or
given up; and whether it is there at all.

    up    it answers; it is pinged where nothing was heard for PING_S
    down  at first; and when a request was not answered, or the host said that nobody listens:
          nothing is asked but pings, until it says anything
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from random import Random

from gateway.ng.bencode import Value, Writable, decode, encode
from gateway.ng.errors import NgError

# When a request is sent again, after it was sent first; the server answers a cookie that it knows
# with what it said before. After ANSWER_S it is given up.
AGAIN_S = (0.2, 0.5, 0.9)
ANSWER_S = 1.3
PING_S = 5.0
# Requests under way at once; a server that answers in a millisecond never has so many.
REQUESTS_MAX = 1_000
# Of UDP over IPv4 (RFC 768).
DATAGRAM_MAX = 65_507
_COOKIE_BITS = 64
_PING = {"command": "ping"}


class Unanswered(StrEnum):
    """Why there is no reply."""

    SILENT = "silent"
    UNREACHABLE = "unreachable"
    FULL = "full"
    TOO_LONG = "too long"


Reply = dict[str, Value]
OnReply = Callable[[Reply | Unanswered], None]


class _Request:
    __slots__ = ("attempts", "datagram", "due", "first_at", "on_reply")

    def __init__(self, datagram: bytes, now: float, on_reply: OnReply) -> None:
        self.datagram = datagram
        self.on_reply = on_reply
        self.first_at = now
        self.attempts = 0
        self.due = now + AGAIN_S[0]


class NgClient:
    """`on_health` is told first how it is, and then when that changes. Each request has one reply
    or a reason why not, which may come while it is asked."""

    def __init__(self, random: Random, on_health: Callable[[bool], None]) -> None:
        self.up = False
        self.rtt_s = 0.0
        self._told: bool | None = None
        self._random = random
        self._on_health = on_health
        self._requests: dict[bytes, _Request] = {}
        self._to_send: list[bytes] = []
        self._ping_at = 0.0

    # What the owner asks

    def ask(self, command: Mapping[str, Writable], now: float, on_reply: OnReply) -> None:
        if not self.up:
            on_reply(Unanswered.UNREACHABLE)
        elif len(self._requests) >= REQUESTS_MAX:
            on_reply(Unanswered.FULL)
        else:
            self._send(command, now, on_reply)

    def ping(self, now: float) -> None:
        """Ask at once whether it is there: a way to it was opened."""
        self._ping_at = now
        self.handle_timer(now)

    # The verbs of a core

    def receive_data(self, octets: bytes, now: float) -> None:
        """A datagram: what cannot be read, or answers nothing that was asked, is dropped, as late
        replies are."""
        cookie, _, body = octets.partition(b" ")
        request = self._requests.get(cookie)
        if request is None:
            return
        try:
            reply = decode(body)
        except NgError:
            return
        if not isinstance(reply, dict):
            return
        del self._requests[cookie]
        if not request.attempts:
            self.rtt_s = now - request.first_at
        self._ping_at = now + PING_S
        self._turn(up=True)
        request.on_reply(reply)

    def receive_unreachable(self, now: float) -> None:
        """The host said that nobody listens there (ICMP), or it cannot be sent to."""
        self._go_down(Unanswered.UNREACHABLE, now)

    def next_timer(self) -> float:
        due = [request.due for request in self._requests.values()]
        return min([self._ping_at, *due])

    def handle_timer(self, now: float) -> None:
        """Do what is due at `now`; harmless when nothing is."""
        silent = False
        for request in self._requests.values():
            if request.due > now:
                continue
            if now >= request.first_at + ANSWER_S:
                silent = True
                break
            request.attempts += 1
            later = (*AGAIN_S, ANSWER_S)[request.attempts]
            request.due = request.first_at + later
            self._to_send.append(request.datagram)
        if silent:
            self._go_down(Unanswered.SILENT, now)
        if self._ping_at <= now:
            self._ping_at = now + PING_S
            self._send(_PING, now, _unheeded)

    def data_to_send(self) -> list[bytes]:
        """One datagram each."""
        sent, self._to_send = self._to_send, []
        return sent

    # Requests

    def _send(self, command: Mapping[str, Writable], now: float, on_reply: OnReply) -> None:
        cookie = b"%x" % self._random.getrandbits(_COOKIE_BITS)
        datagram = b"%b %b" % (cookie, encode(command))
        if len(datagram) > DATAGRAM_MAX:
            on_reply(Unanswered.TOO_LONG)
            return
        self._requests[cookie] = _Request(datagram, now, on_reply)
        self._to_send.append(datagram)

    def _go_down(self, reason: Unanswered, now: float) -> None:
        """What waits would wait in vain: each hears of it now, and may ask another server."""
        failed, self._requests = self._requests, {}
        self._to_send.clear()
        self._ping_at = now + PING_S
        self._turn(up=False)
        for request in failed.values():
            request.on_reply(reason)

    def _turn(self, *, up: bool) -> None:
        self.up = up
        if self._told is not up:
            self._told = up
            self._on_health(up)


def _unheeded(reply: Reply | Unanswered) -> None:
    """A ping asks for nothing but an answer."""
