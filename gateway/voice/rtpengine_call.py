"""One call in one of the rtpengines: the server that took its first offer has it to its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.ng.bencode import Writable
from gateway.ng.client import OnReply, Reply, Unanswered
from gateway.voice.rtpengine_replies import refusal


class MediaServer(Protocol):
    """One rtpengine."""

    @property
    def name(self) -> str: ...

    @property
    def weight(self) -> int: ...

    @property
    def up(self) -> bool: ...

    def ask(self, command: Mapping[str, Writable], on_reply: OnReply) -> None: ...


class RtpengineCall:
    """`servers` are those that a first offer tries, in this order; `server` is the one that took
    it. After it is `closed` nobody asks for it any more."""

    __slots__ = ("_id", "_servers", "closed", "server")

    def __init__(self, call_id: str, servers: Sequence[MediaServer]) -> None:
        self._id = call_id
        self._servers = list(servers)
        self.server: MediaServer | None = None
        self.closed = False

    def ask(self, command: Mapping[str, Writable], on_reply: OnReply) -> None:
        if self.server is None:
            on_reply(Unanswered.UNREACHABLE)
        else:
            self.server.ask({**command, "call-id": self._id}, on_reply)

    def offer(self, command: Mapping[str, Writable], on_reply: OnReply) -> None:
        """The first goes to one server after another until one has room for the call."""
        if self.server is None:
            self._offer_in_turn({**command, "call-id": self._id}, on_reply, self._servers)
        else:
            self.ask(command, on_reply)

    def query(self, on_reply: OnReply) -> None:
        self.ask({"command": "query"}, on_reply)

    def delete(self, on_reply: OnReply) -> None:
        self.ask({"command": "delete", "delete-delay": 0}, on_reply)

    def _offer_in_turn(
        self, command: Mapping[str, Writable], on_reply: OnReply, servers: Sequence[MediaServer]
    ) -> None:
        server = next((one for one in servers if one.up), None)
        if server is None:
            on_reply(Unanswered.UNREACHABLE)
            return
        rest = servers[servers.index(server) + 1 :]

        def on_said(said: Reply | Unanswered) -> None:
            refused = refusal(said)
            if self.closed:  # Meanwhile: nobody will ask for it any more.
                server.ask({"command": "delete", "call-id": self._id}, _unheeded)
                on_reply(said)
            elif refused is not None and refused.status == 503 and self.server is None and rest:
                self._offer_in_turn(command, on_reply, rest)
            else:
                if refused is None:
                    self.server = server
                on_reply(said)

        server.ask(command, on_said)


def _unheeded(said: Reply | Unanswered) -> None:
    """Nobody is left to hear of it."""
