"""The media of one call in an rtpengine: what the signalling asks, as commands of the ng protocol.

A call stays with the server that took its first offer. Each end has a tag there; one that is new
gets another tag and a branch of its own, so that nothing of who was offered media before is left in
what it is offered, and what was agreed with that one stays until the new one answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from gateway.ng.bencode import Value, Writable
from gateway.ng.client import OnReply, Unanswered
from gateway.ng.client import Reply as NgReply
from gateway.voice.media_session import (
    Lost,
    MediaEvent,
    MediaRefused,
    Played,
    Qualities,
    Side,
)
from gateway.voice.rtpengine_call import MediaServer, RtpengineCall
from gateway.voice.rtpengine_flags import Spoken, answered, offered, read
from gateway.voice.rtpengine_playing import REPEATS, RtpenginePlaying, tone_file
from gateway.voice.rtpengine_replies import Heard, heard, is_lost, number, refusal
from gateway.voice.rtpengine_watch import RtpengineWatch
from gateway.voice.steps import Reply
from media.profile import Profile

# Of a digit that is sent; the pause behind it is rtpengine's.
DIGIT_MS = 100
_INJECTABLE = ["trust-address", "generate-mid", "inject-DTMF"]


class _Offer(NamedTuple):
    """Not answered yet: by whom, what that one speaks, and to whom: its tag, and its branch where
    it is new; and how it was said."""

    side: Side
    spoken: Spoken
    tag: str
    branch: dict[str, Writable]
    command: dict[str, Writable]


class RtpengineSession:
    """A `MediaSession`. `servers` are those that a first offer tries, in this order."""

    def __init__(
        self,
        call_id: str,
        servers: Sequence[MediaServer],
        on_event: Callable[[MediaEvent], None],
        on_closed: Callable[[RtpengineSession], None],
        on_playing: Callable[[RtpengineSession], None],
    ) -> None:
        self.known = Qualities()
        self._call = RtpengineCall(call_id, servers)
        self._on_event = on_event
        self._on_closed = on_closed
        self._on_playing = on_playing
        # Of those who were each side one after another; the last one is it now.
        self._tags = {side: [str(side)] for side in Side}
        self._spoken: dict[Side, Spoken] = {}
        self._offer: _Offer | None = None
        self._parties = 0
        # How the last offer that was answered was said, and its answer.
        self._agreed: tuple[dict[str, Writable], dict[str, Writable]] | None = None
        self._injectable = False
        self._watch = RtpengineWatch()
        self._playing = RtpenginePlaying()

    # What the signalling asks

    def offer(self, side: Side, sdp: bytes, profile: Profile | None = None) -> Reply[bytes]:
        try:
            spoken, nameless = read(sdp)
        except MediaRefused as refused:
            return Reply.refused(refused)
        other = _other(side)
        command = self._command("offer", side) | {"sdp": nameless}
        if profile is not None:
            self._parties += 1
            tag = f"{other}-{self._parties}"
            branch: dict[str, Writable] = {"via-branch": tag}
            command |= offered(Spoken.new(profile)) | branch
        else:
            tag, branch = self._tags[other][-1], {}
            to = self._spoken.get(other) or Spoken.new(Profile.PLAIN)
            command |= offered(to) | {"to-tag": tag}
        if self._injectable:
            command["flags"] = _INJECTABLE
        self._offer = _Offer(side, spoken, tag, branch, command)
        reply: Reply[bytes] = Reply()
        self._call.offer(command, partial(_describe, reply))
        return reply

    def answer(self, side: Side, sdp: bytes) -> Reply[bytes]:
        offer = self._offer
        if offer is None or offer.side is side:
            return Reply.refused(MediaRefused(488, "nothing was offered to who answers"))
        try:
            spoken, nameless = read(sdp)
        except MediaRefused as refused:
            return Reply.refused(refused)
        command = self._command("answer", offer.side) | {"sdp": nameless, "to-tag": offer.tag}
        command |= answered(offer.spoken) | offer.branch
        if self._injectable:
            command["flags"] = _INJECTABLE
        reply: Reply[bytes] = Reply()

        def on_reply(said: NgReply | Unanswered) -> None:
            if refusal(said) is None:
                if self._tags[side][-1] != offer.tag:
                    self._tags[side].append(offer.tag)
                self._spoken |= {offer.side: offer.spoken, side: spoken}
                self._agreed = offer.command | {"to-tag": offer.tag}, command
                self._watch.begin()
            _describe(reply, said)

        self._call.ask(command, on_reply)
        return reply

    def flowing(self, side: Side) -> Reply[bool]:
        reply: Reply[bool] = Reply()

        def on_reply(said: NgReply | Unanswered) -> None:
            refused = refusal(said)
            if refused is not None or isinstance(said, Unanswered):
                reply.refuse(refused or MediaRefused(500, "there is no reply"))
            else:
                reply.settle(self._heard(said, side).quality.packets > 0)

        self._call.query(on_reply)
        return reply

    def query(self) -> Reply[Qualities]:
        reply: Reply[Qualities] = Reply()

        def on_reply(said: NgReply | Unanswered) -> None:
            refused = self._note(said)
            if refused is not None:
                reply.refuse(refused)
            else:
                reply.settle(self.known)

        self._call.query(on_reply)
        return reply

    def play(self, side: Side, file: str) -> Reply[None]:
        """To that side, instead of what comes from the other, from a file on the server's disk that
        rtpengine can read; until it ends or is stopped."""

        def on_done(said: Mapping[str, Value]) -> None:
            length_ms = number(said, "duration")
            self._tell(self._playing.began(side, length_ms / 1e3 if length_ms else None))
            self._on_playing(self)

        return self._done(self._command("play media", side) | {"file": file}, on_done)

    def play_tone(
        self, side: Side, hertz: tuple[float, ...], on_s: float, off_s: float = 0.0
    ) -> Reply[None]:
        """Until it is stopped. The server is sent it."""
        try:
            blob = tone_file(hertz, on_s, off_s)
        except MediaRefused as refused:
            return Reply.refused(refused)
        command = self._command("play media", side) | {"blob": blob, "repeat-times": REPEATS}
        return self._done(command, lambda _: self._tell(self._playing.began(side, None)))

    def stop(self, side: Side) -> Reply[None]:
        """Playing to it."""
        command = self._command("stop media", side)
        return self._done(command, lambda _: self._tell(self._playing.stopped(side)))

    def send_dtmf(self, side: Side, digits: str) -> Reply[None]:
        """To that side, as RFC 4733 events where it takes them, else as tones: one digit after
        another, within what the other sends."""
        reply: Reply[None] = Reply()
        left = list(digits)

        def on_reply(said: NgReply | Unanswered) -> None:
            refused = refusal(said)
            if refused is not None:
                reply.refuse(refused)
            elif left:
                of = self._command("play DTMF", _other(side)) | {"code": left.pop(0)}
                self._call.ask(of | {"duration": DIGIT_MS}, on_reply)
            else:
                reply.settle(None)

        self._make_injectable(on_reply)
        return reply

    def digits_by_signalling(self, side: Side) -> Reply[None]:
        """It tells no digits, but makes tones of events by itself."""
        return Reply.of(None)

    def listen(self, side: Side, on: bool) -> Reply[None]:
        return _not_here("rtpengine does not tell who talks") if on else Reply.of(None)

    def record(self, file: str) -> Reply[None]:
        """It says that it records also where it does not, and into a file of packets that it names
        itself; so nobody could rely on it."""
        return _not_here("rtpengine does not tell whether it records")

    def stop_recording(self) -> Reply[None]:
        """There is none."""
        return Reply.of(None)

    def close(self) -> Reply[Qualities]:
        """What came is asked first: a call that is deleted may say nothing of it. A server that
        does not answer forgets the call by its own time-out."""
        if self._call.closed:  # It was lost.
            return Reply.of(self.known)
        self._call.closed = True
        if self.server is None:
            self._on_closed(self)
            return Reply.of(self.known)
        reply: Reply[Qualities] = Reply()

        def on_deleted(said: NgReply | Unanswered) -> None:
            self._on_closed(self)
            reply.settle(self.known)

        def on_told(said: NgReply | Unanswered) -> None:
            self._note(said)
            self._call.delete(on_deleted)

        self._call.query(on_told)
        return reply

    # What the engine asks

    @property
    def server(self) -> MediaServer | None:
        """The one that has the call."""
        return self._call.server

    @property
    def one_way(self) -> int:
        """How often one-way audio was told."""
        return self._watch.one_way

    @property
    def agreed(self) -> bool:
        return self._agreed is not None

    def poll(self, now: float) -> None:
        """See whether media still comes, and whether the server still knows the call."""
        self._call.query(partial(self._polled, now=now))

    def _polled(self, said: NgReply | Unanswered, now: float) -> None:
        if self._call.closed:
            return
        if is_lost(said):
            self._call.closed = True
            self._on_closed(self)
            self._on_event(Lost())
            return
        if self._note(said) is not None or isinstance(said, Unanswered):
            return
        for event in self._watch.look({side: self._heard(said, side) for side in Side}, now):
            self._on_event(event)

    def look_at_playing(self, now: float) -> bool:
        """Tell what has been played to its end; whether anything is left."""
        for event in self._playing.look(now):
            self._on_event(event)
        return bool(self._playing)

    # Commands and replies

    def _make_injectable(self, on_reply: OnReply) -> None:
        """rtpengine puts digits only into what it was told to handle packet by packet. That keeps
        the kernel out of it, so it is told when it is first needed: what was agreed is said again,
        to the server alone, and neither ports nor descriptions change."""
        if self._agreed is None:
            on_reply({"result": b"error", "error-reason": b"nothing was agreed"})
        elif self._injectable:
            on_reply({"result": b"ok"})
        else:
            self._injectable = True
            offer, answer = [one | {"flags": _INJECTABLE} for one in self._agreed]

            def on_offered(said: NgReply | Unanswered) -> None:
                if refusal(said) is not None:
                    self._injectable = False
                    on_reply(said)
                else:
                    self._call.ask(answer, on_reply)

            self._call.ask(offer, on_offered)

    def _tell(self, events: Sequence[Played]) -> None:
        for event in events:
            self._on_event(event)

    def _done(
        self, command: Mapping[str, Writable], on_done: Callable[[Mapping[str, Value]], None]
    ) -> Reply[None]:
        """`on_done` takes what it replied where it did what it was told, before anybody else."""
        reply: Reply[None] = Reply()

        def on_reply(said: NgReply | Unanswered) -> None:
            refused = refusal(said)
            if refused is not None or isinstance(said, Unanswered):
                reply.refuse(refused or MediaRefused(500, "there is no reply"))
                return
            if not self._call.closed:
                on_done(said)
            reply.settle(None)

        self._call.ask(command, on_reply)
        return reply

    def _command(self, command: str, side: Side) -> dict[str, Writable]:
        return {"command": command, "from-tag": self._tags[side][-1]}

    def _note(self, said: NgReply | Unanswered) -> MediaRefused | None:
        """Keep what is known of both sides."""
        refused = refusal(said)
        if refused is None and not isinstance(said, Unanswered):
            self.known = Qualities(*[self._heard(said, side).quality for side in Side])
        return refused

    def _heard(self, said: NgReply, side: Side) -> Heard:
        return heard(said, self._tags[side], self._tags[_other(side)])


def _other(side: Side) -> Side:
    return Side.CALLED if side is Side.CALLER else Side.CALLER


def _describe(reply: Reply[bytes], said: NgReply | Unanswered) -> None:
    """Settle it with the description that the server gives, or with why it gives none."""
    refused = refusal(said)
    if refused is None and not isinstance(said, Unanswered):
        sdp = said.get("sdp")
        if isinstance(sdp, bytes):
            reply.settle(sdp)
            return
        refused = MediaRefused(500, "rtpengine gives no description")
    assert refused is not None
    reply.refuse(refused)


def _not_here(why: str) -> Reply[None]:
    return Reply.refused(MediaRefused(501, why))
