"""A session driven by octets: each is a step or what the step needs, so that a fuzzer which changes
one octet changes what happens. After each step the session must stand by its bounds."""

from __future__ import annotations

import contextlib

from gateway.smpp import codec
from gateway.smpp.constants import HEADER_LENGTH, RESPONSE
from gateway.smpp.errors import NotBound, WindowFull
from gateway.smpp.pdus import (
    BIND_RESP,
    PDUS,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    Pdu,
)
from gateway.smpp.session import PDU_LENGTH_MAX, Session, Timers
from gateway.smpp.states import Role

WINDOW = 4
RECEIVE_WINDOW = 8
CHUNK_MAX = 255
TIMERS = Timers(session_init_s=20, enquire_link_s=60, response_s=30, inactivity_s=200)
BINDS = (BindTransmitter, BindReceiver, BindTransceiver)
RESPONSES = [pdu for pdu in PDUS if pdu.command_id & RESPONSE]
# Turns of a loop that wants its timer again at once, and of two sessions that talk.
TURNS_MAX = 20


class Script:
    """Octets, read from the front; at the end come zeros."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at >= len(self._octets)

    def octet(self) -> int:
        self._at += 1
        return 0 if self._at > len(self._octets) else self._octets[self._at - 1]

    def piece(self, size: int) -> bytes:
        self._at += size
        return self._octets[self._at - size : self._at]

    def number(self) -> int:
        """A sequence_number: mostly a small one that may be in use, now and then any."""
        octet = self.octet()
        return octet if octet < 240 else int.from_bytes(self.piece(4), "big")


class ScriptedSession:
    """A session in either role, bound or not as the script begins."""

    def __init__(self, role: Role, script: Script) -> None:
        self.now = 1_000.0
        self.session = Session(role, self.now, TIMERS, WINDOW, RECEIVE_WINDOW)
        self._script = script
        self._steps = (
            self._raw,
            self._headed,
            self._mutated,
            self._time,
            self._request,
            self._respond,
            self._resume,
            self._leave,
        )
        self._bind(script.octet())

    def run(self) -> None:
        while not self._script.done:
            self._steps[self._script.octet() % len(self._steps)]()
            self.check()

    def check(self) -> None:
        """What must be so after any step."""
        session = self.session
        for octets in (session.data_to_send(), session.data_to_send()):
            check_stream(octets)
        session.events()
        assert session.unanswered <= RECEIVE_WINDOW
        assert len(session._awaited) <= WINDOW + 2  # enquire_link and unbind need no place
        assert len(session._received) < PDU_LENGTH_MAX + CHUNK_MAX
        if session.closed:
            assert (session.unanswered, session.next_timer()) == (0, None)
            assert not session._received

    # Steps

    def _bind(self, choice: int) -> None:
        """Three of four scripts begin with a bind."""
        if choice % 4 < len(BINDS):
            bind = BINDS[choice % 4]()
            resp = BIND_RESP[bind.command_id]()
            if self.session.role is Role.ESME:
                number = self.session.request(bind, self.now)
                self._receive(codec.encode(resp, number))
            else:
                self._receive(codec.encode(bind, 1))
                self.session.respond(1, resp)

    def _receive(self, octets: bytes) -> None:
        """A driver does not read while the session holds."""
        if not self.session.holding:
            self.session.receive_data(octets, self.now)

    def _raw(self) -> None:
        self._receive(self._script.piece(self._script.octet()))

    def _headed(self) -> None:
        """A PDU with a header that is right, and any body."""
        command_id = self._command_id()
        status, number = self._script.octet(), self._script.number()
        body = self._script.piece(self._script.octet())
        length = HEADER_LENGTH + len(body)
        self._receive(codec.HEADER.pack(length, command_id, status, number) + body)

    def _command_id(self) -> int:
        choice = self._script.octet()
        if choice < 2 * len(PDUS):
            return PDUS[choice % len(PDUS)].command_id
        return int.from_bytes(self._script.piece(4), "big")

    def _mutated(self) -> None:
        """A PDU that is right but for one octet, and comes in two pieces."""
        pdu = PDUS[self._script.octet() % len(PDUS)]()
        octets = bytearray(codec.encode(pdu, self._script.number()))
        octets[self._script.octet() % len(octets)] = self._script.octet()
        cut = self._script.octet() % len(octets)
        self._receive(bytes(octets[:cut]))
        self._receive(bytes(octets[cut:]))

    def _time(self) -> None:
        self.now += self._script.octet()
        for _ in range(TURNS_MAX):
            self.session.handle_timer(self.now)
            deadline = self.session.next_timer()
            if deadline is None or deadline > self.now:
                return
            self.session.data_to_send()
        raise AssertionError("the timer is wanted again and again")

    def _request(self) -> None:
        pdu: Pdu = PDUS[self._script.octet() % len(PDUS)]()
        with contextlib.suppress(NotBound, WindowFull):
            self.session.request(pdu, self.now)

    def _respond(self) -> None:
        number, choice = self._script.number(), self._script.octet()
        if choice & 1:
            self.session.respond(number, None, choice)
        else:
            self.session.respond(number, RESPONSES[choice % len(RESPONSES)]())

    def _resume(self) -> None:
        self._receive(b"")

    def _leave(self) -> None:
        match self._script.octet() % 8:
            case 0:
                self.session.receive_eof(self.now)
            case 1:
                self.session.close("script")
            case 2:
                self.session.unbind(self.now)
            case _:
                pass  # Not every script is to end soon.


def check_stream(octets: bytes) -> None:
    """All that a session writes is whole PDUs."""
    at = 0
    while at < len(octets):
        length, command_id, _, _ = codec.HEADER.unpack_from(octets, at)
        assert command_id in codec.KNOWN_COMMANDS or command_id & RESPONSE
        at += length
    assert at == len(octets)


def converse(octets: bytes) -> None:
    """Two bound sessions, and what was never sent by either arrives at both: they come to rest."""
    esme = ScriptedSession(Role.ESME, Script(b"\2")).session
    smsc = ScriptedSession(Role.SMSC, Script(b"\2")).session
    for made in (esme, smsc):
        made.data_to_send()
        made.receive_data(octets, 1_000.0)
    for _ in range(TURNS_MAX):
        to_smsc, to_esme = esme.data_to_send(), smsc.data_to_send()
        if not to_smsc and not to_esme:
            return
        smsc.receive_data(to_smsc, 1_000.0)
        esme.receive_data(to_esme, 1_000.0)
    raise AssertionError("the sessions answer each other without end")
