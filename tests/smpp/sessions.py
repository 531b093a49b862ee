"""Builders: sessions in a state, and two of them back to back in memory."""

from typing import TypeVar

from gateway.smpp import codec
from gateway.smpp.constants import CommandId
from gateway.smpp.events import Event
from gateway.smpp.pdus import (
    BIND_RESP,
    Bind,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    Pdu,
)
from gateway.smpp.session import Session, Timers
from gateway.smpp.states import Role, SessionState

NOW = 1_000.0
TIMERS = Timers(session_init_s=10, enquire_link_s=30, response_s=5, inactivity_s=0)

BINDS: dict[SessionState, type[Bind]] = {
    SessionState.BOUND_TX: BindTransmitter,
    SessionState.BOUND_RX: BindReceiver,
    SessionState.BOUND_TRX: BindTransceiver,
}

E = TypeVar("E")


def session(role: Role, timers: Timers = TIMERS, window: int = 10) -> Session:
    return Session(role, NOW, timers, window)


def bound(
    role: Role,
    state: SessionState = SessionState.BOUND_TRX,
    timers: Timers = TIMERS,
    window: int = 10,
) -> Session:
    """A session that is bound at NOW, with nothing to say."""
    made = session(role, timers, window)
    pdu = BINDS[state]()
    if role is Role.ESME:
        number = made.request(pdu, NOW)
        made.receive_data(codec.encode(BIND_RESP[pdu.command_id](), number), NOW)
    else:
        made.receive_data(codec.encode(pdu, 1), NOW)
        made.respond(1, BIND_RESP[pdu.command_id]())
    assert made.state is state
    made.data_to_send()
    made.events()
    return made


def in_state(role: Role, state: SessionState) -> Session:
    """A session in any state, reached as a session reaches it."""
    if state in BINDS:
        return bound(role, state)
    made = session(role)
    match state:
        case SessionState.BINDING if role is Role.ESME:
            made.request(BindTransceiver(), NOW)
        case SessionState.BINDING:
            made.receive_data(codec.encode(BindTransceiver(), 1), NOW)
        case SessionState.UNBINDING:
            made = bound(role)
            made.unbind(NOW)
        case SessionState.CLOSED:
            made.close("test")
        case _:
            assert state is SessionState.OPEN
    made.data_to_send()
    made.events()
    return made


def sent(made: Session) -> list[tuple[int, int, int]]:
    """command_id, command_status and sequence_number of each PDU that it wants to send."""
    octets, headers, at = made.data_to_send(), [], 0
    while at < len(octets):
        length, command_id, status, number = codec.HEADER.unpack_from(octets, at)
        headers.append((command_id, status, number))
        at += length
    return headers


def told(made: Session, kind: type[E]) -> list[E]:
    """Its events of one kind; the others are forgotten."""
    return [event for event in made.events() if isinstance(event, kind)]


def give(made: Session, pdu: Pdu, number: int = 1, status: int = 0, now: float = NOW) -> None:
    made.receive_data(codec.encode(pdu, number, status), now)


def exchange(one: Session, other: Session, now: float = NOW) -> list[Event]:
    """Let both talk until neither has anything to say; all events, in order."""
    events: list[Event] = []
    while True:
        quiet = True
        for speaker, listener in ((one, other), (other, one)):
            if octets := speaker.data_to_send():
                quiet = False
                listener.receive_data(octets, now)
            events += [*speaker.events(), *listener.events()]
        if quiet:
            return events


def header(command_id: CommandId, status: int, number: int) -> tuple[int, int, int]:
    return (command_id, status, number)
