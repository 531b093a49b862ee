"""An rtpengine without sockets: it answers as the real one does, at once, unless it is told not to.
What it is asked is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.ng.bencode import Value, Writable, decode, encode
from gateway.ng.client import OnReply, Unanswered

OK: dict[str, Value] = {"result": b"ok"}
UNKNOWN: dict[str, Value] = {"result": b"error", "error-reason": b"Unknown call-id"}


class FakeRtpengine:
    """Descriptions come back with a mark. `refuses` is replied to offers; what came from each tag
    of a call is `came`, in packets. Files that it plays are `length_ms` long, if it says so."""

    def __init__(self, name: str = "one", weight: int = 1) -> None:
        self.name = name
        self.weight = weight
        self.up = True
        self.asked: list[dict[str, Any]] = []
        self.calls: dict[bytes, set[bytes]] = {}
        self.came: dict[str, int] = {}
        self.ssrc: dict[str, Value] = {}
        self.length_ms = 0
        self.flags: list[Value] = [b"send", b"recv"]
        self.refuses: dict[str, Value] | Unanswered | None = None
        self.late: list[tuple[OnReply, dict[str, Value] | Unanswered]] | None = None

    @property
    def commands(self) -> list[str]:
        return [one["command"].decode() for one in self.asked]

    def ask(self, command: Mapping[str, Writable], on_reply: OnReply) -> None:
        if not self.up:
            on_reply(Unanswered.UNREACHABLE)
            return
        said = decode(encode(command))
        assert isinstance(said, dict)
        self.asked.append(said)
        reply = self._reply(said)
        if self.late is None:
            on_reply(reply)
        else:
            self.late.append((on_reply, reply))

    def reply(self) -> None:
        """To what was asked while it was `late`."""
        late, self.late = self.late or [], None
        for on_reply, reply in late:
            on_reply(reply)

    def restart(self) -> None:
        self.calls.clear()

    def _reply(self, said: dict[str, Any]) -> dict[str, Value] | Unanswered:
        call_id = said["call-id"]
        command = said["command"]
        if command == b"offer" and self.refuses is not None:
            return self.refuses
        if command == b"offer":
            self.calls.setdefault(call_id, set())
        elif call_id not in self.calls:
            return UNKNOWN
        if command in (b"offer", b"answer"):
            self.calls[call_id] |= {said[key] for key in ("from-tag", "to-tag") if key in said}
            return OK | {"sdp": b"engine's " + said["sdp"]}
        if command == b"delete":
            del self.calls[call_id]
            return OK
        tags: dict[str, Value] = {
            tag.decode(): {"medias": [self._media(tag.decode())]} for tag in self.calls[call_id]
        }
        if command == b"play media" and self.length_ms:
            return OK | {"duration": self.length_ms}
        return OK | {"tags": tags, "SSRC": self.ssrc} if command == b"query" else OK

    def _media(self, tag: str) -> Value:
        packets = self.came.get(tag, 0)
        ssrc = 111 if tag.startswith("caller") else 222
        rtp: dict[str, Value] = {"packets": packets, "bytes": packets * 172}
        return {
            "flags": self.flags,
            "streams": [
                {"flags": [b"RTP", b"filled"], "SSRC": ssrc, "stats": rtp},
                {"flags": [b"RTCP"], "SSRC": ssrc, "stats": {"packets": 0, "bytes": 0}},
            ],
        }
