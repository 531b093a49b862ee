"""A connection between the endpoint and a user agent of ours in the same process, without a socket:
messages pass as octets all the same, so that neither side is told from any other peer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.sip.transaction import INSIDE, Destination

# Of messages to the user agent, for which it has the next turn of the loop.
WAITING_MAX = 4_096


class SipInside:
    """`name` says whose it is; to both sides the other one is at `destination`."""

    def __init__(
        self,
        name: str,
        on_sent: Callable[[bytes, Destination], None],
        on_received: Callable[[list[bytes], Destination], None],
    ) -> None:
        # It is one connection for ever, so its number is any.
        self.destination = Destination(INSIDE, name, 0, 1)
        self._on_sent = on_sent
        self._on_received = on_received
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []

    def send(self, octets: bytes) -> None:
        """To the endpoint, which takes it now."""
        self._on_sent(octets, self.destination)

    def receive(self, octets: bytes) -> bool:
        """From the endpoint, which is in the midst of something: the user agent has it a turn of
        the loop later. False where too much waits."""
        if len(self._waiting) >= WAITING_MAX:
            return False
        if not self._waiting:
            self._loop.call_soon(self._hand_over)
        self._waiting.append(octets)
        return True

    def _hand_over(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._on_received(waiting, self.destination)
