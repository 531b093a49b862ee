"""The states of the four transactions and their tables (RFC 3261 figures 5 to 8; RFC 6026 §7 with
its Accepted state): what happens in a state, which state follows and what is done about it.

Where a pair has no row, what happened is absorbed and nothing changes.
"""

from __future__ import annotations

from enum import StrEnum

from gateway.sip.timers import Timer


class TransactionState(StrEnum):
    CALLING = "Calling"
    TRYING = "Trying"
    PROCEEDING = "Proceeding"
    ACCEPTED = "Accepted"
    COMPLETED = "Completed"
    CONFIRMED = "Confirmed"
    TERMINATED = "Terminated"

    # Enum's own is written in Python and takes ten times as long.
    __hash__ = str.__hash__


class Happening(StrEnum):
    """What moves a transaction, beside the timers: a message that passes, in whichever direction
    the kind of transaction gives it, trouble below, or a wish of the transaction user's."""

    REQUEST = "request"
    ACK = "ACK request"
    RESPONSE_1XX = "1xx"
    RESPONSE_2XX = "2xx"
    RESPONSE_300_699 = "300-699"
    TRANSPORT_ERROR = "Transport Err."
    CANCEL = "CANCEL from TU"

    __hash__ = str.__hash__


class Action(StrEnum):
    SEND_REQUEST = "send request"
    SEND_RESPONSE = "send response"
    SEND_TRYING = "send 100"
    SEND_ACK = "send ACK"
    SEND_CANCEL = "send CANCEL"
    CANCEL_LATER = "send CANCEL after a 1xx"
    TELL_RESPONSE = "response to TU"
    TELL_ACK = "ACK to TU"
    TELL_TIMEOUT = "inform TU of a timeout"
    TELL_NO_ACK = "inform TU that no ACK came"
    TELL_TRANSPORT_ERROR = "inform TU of a transport error"
    STOP_TIMERS = "stop timers"
    SET_A = "set A"
    SET_D = "set D"
    SET_E = "set E"
    SET_E_T2 = "set E to T2"
    SET_G = "set G"
    SET_H = "set H"
    SET_I = "set I"
    SET_J = "set J"
    SET_K = "set K"
    SET_L = "set L"
    SET_M = "set M"
    SET_CANCELLED = "set 64*T1"

    __hash__ = str.__hash__


Table = dict[
    tuple[TransactionState, Happening | Timer], tuple[TransactionState, tuple[Action, ...]]
]

_S, _H, _A = TransactionState, Happening, Action

# §17.1.1 and RFC 6026 §7.2. A CANCEL waits for the first 1xx, and the peer has 64*T1 to heed it
# (§9.1). Who sends 2xx may have forked: Accepted passes each of them up.
INVITE_CLIENT: Table = {
    (_S.CALLING, Timer.A): (_S.CALLING, (_A.SEND_REQUEST, _A.SET_A)),
    (_S.CALLING, Timer.B): (_S.TERMINATED, (_A.TELL_TIMEOUT,)),
    (_S.CALLING, _H.TRANSPORT_ERROR): (_S.TERMINATED, (_A.TELL_TRANSPORT_ERROR,)),
    (_S.CALLING, _H.CANCEL): (_S.CALLING, (_A.CANCEL_LATER,)),
    (_S.CALLING, _H.RESPONSE_1XX): (_S.PROCEEDING, (_A.STOP_TIMERS, _A.TELL_RESPONSE)),
    (_S.CALLING, _H.RESPONSE_2XX): (_S.ACCEPTED, (_A.SET_M, _A.TELL_RESPONSE)),
    (_S.CALLING, _H.RESPONSE_300_699): (
        _S.COMPLETED,
        (_A.SEND_ACK, _A.TELL_RESPONSE, _A.SET_D),
    ),
    (_S.PROCEEDING, _H.RESPONSE_1XX): (_S.PROCEEDING, (_A.TELL_RESPONSE,)),
    (_S.PROCEEDING, _H.CANCEL): (_S.PROCEEDING, (_A.SEND_CANCEL, _A.SET_CANCELLED)),
    (_S.PROCEEDING, Timer.CANCELLED): (_S.TERMINATED, (_A.TELL_TIMEOUT,)),
    (_S.PROCEEDING, _H.RESPONSE_2XX): (_S.ACCEPTED, (_A.SET_M, _A.TELL_RESPONSE)),
    (_S.PROCEEDING, _H.RESPONSE_300_699): (
        _S.COMPLETED,
        (_A.SEND_ACK, _A.TELL_RESPONSE, _A.SET_D),
    ),
    (_S.ACCEPTED, _H.RESPONSE_2XX): (_S.ACCEPTED, (_A.TELL_RESPONSE,)),
    (_S.ACCEPTED, Timer.M): (_S.TERMINATED, ()),
    (_S.COMPLETED, _H.RESPONSE_300_699): (_S.COMPLETED, (_A.SEND_ACK,)),
    (_S.COMPLETED, _H.TRANSPORT_ERROR): (_S.TERMINATED, (_A.TELL_TRANSPORT_ERROR,)),
    (_S.COMPLETED, Timer.D): (_S.TERMINATED, ()),
}

# §17.1.2.
NON_INVITE_CLIENT: Table = {
    (_S.TRYING, Timer.E): (_S.TRYING, (_A.SEND_REQUEST, _A.SET_E)),
    (_S.TRYING, Timer.F): (_S.TERMINATED, (_A.TELL_TIMEOUT,)),
    (_S.TRYING, _H.TRANSPORT_ERROR): (_S.TERMINATED, (_A.TELL_TRANSPORT_ERROR,)),
    (_S.TRYING, _H.RESPONSE_1XX): (_S.PROCEEDING, (_A.TELL_RESPONSE,)),
    (_S.TRYING, _H.RESPONSE_2XX): (_S.COMPLETED, (_A.TELL_RESPONSE, _A.SET_K)),
    (_S.TRYING, _H.RESPONSE_300_699): (_S.COMPLETED, (_A.TELL_RESPONSE, _A.SET_K)),
    (_S.PROCEEDING, Timer.E): (_S.PROCEEDING, (_A.SEND_REQUEST, _A.SET_E_T2)),
    (_S.PROCEEDING, Timer.F): (_S.TERMINATED, (_A.TELL_TIMEOUT,)),
    (_S.PROCEEDING, _H.TRANSPORT_ERROR): (_S.TERMINATED, (_A.TELL_TRANSPORT_ERROR,)),
    (_S.PROCEEDING, _H.RESPONSE_1XX): (_S.PROCEEDING, (_A.TELL_RESPONSE,)),
    (_S.PROCEEDING, _H.RESPONSE_2XX): (_S.COMPLETED, (_A.TELL_RESPONSE, _A.SET_K)),
    (_S.PROCEEDING, _H.RESPONSE_300_699): (_S.COMPLETED, (_A.TELL_RESPONSE, _A.SET_K)),
    (_S.COMPLETED, Timer.K): (_S.TERMINATED, ()),
}

# §17.2.1 and RFC 6026 §7.1. A response that cannot be sent is no reason to forget the request
# (§17.2.4 as RFC 6026 §8.12 has it): the peer will ask again.
INVITE_SERVER: Table = {
    (_S.PROCEEDING, _H.REQUEST): (_S.PROCEEDING, (_A.SEND_RESPONSE,)),
    (_S.PROCEEDING, Timer.TRYING): (_S.PROCEEDING, (_A.SEND_TRYING,)),
    (_S.PROCEEDING, _H.RESPONSE_1XX): (_S.PROCEEDING, (_A.STOP_TIMERS, _A.SEND_RESPONSE)),
    (_S.PROCEEDING, _H.RESPONSE_2XX): (_S.ACCEPTED, (_A.SEND_RESPONSE, _A.SET_L)),
    (_S.PROCEEDING, _H.RESPONSE_300_699): (
        _S.COMPLETED,
        (_A.SEND_RESPONSE, _A.SET_H, _A.SET_G),
    ),
    (_S.PROCEEDING, _H.TRANSPORT_ERROR): (_S.PROCEEDING, (_A.TELL_TRANSPORT_ERROR,)),
    (_S.ACCEPTED, _H.RESPONSE_2XX): (_S.ACCEPTED, (_A.SEND_RESPONSE,)),
    (_S.ACCEPTED, _H.ACK): (_S.ACCEPTED, (_A.TELL_ACK,)),
    (_S.ACCEPTED, _H.TRANSPORT_ERROR): (_S.ACCEPTED, (_A.TELL_TRANSPORT_ERROR,)),
    (_S.ACCEPTED, Timer.L): (_S.TERMINATED, ()),
    (_S.COMPLETED, _H.REQUEST): (_S.COMPLETED, (_A.SEND_RESPONSE,)),
    (_S.COMPLETED, _H.ACK): (_S.CONFIRMED, (_A.SET_I,)),
    (_S.COMPLETED, Timer.G): (_S.COMPLETED, (_A.SEND_RESPONSE, _A.SET_G)),
    (_S.COMPLETED, Timer.H): (_S.TERMINATED, (_A.TELL_NO_ACK,)),
    (_S.COMPLETED, _H.TRANSPORT_ERROR): (_S.COMPLETED, (_A.TELL_TRANSPORT_ERROR,)),
    (_S.CONFIRMED, Timer.I): (_S.TERMINATED, ()),
}

# §17.2.2. Timer F is the client's: when it has given up, an answer is of no use any more
# (RFC 4320 §4.2), so what the TU has left unanswered ends here.
NON_INVITE_SERVER: Table = {
    (_S.TRYING, _H.RESPONSE_1XX): (_S.PROCEEDING, (_A.SEND_RESPONSE,)),
    (_S.TRYING, _H.RESPONSE_2XX): (_S.COMPLETED, (_A.SEND_RESPONSE, _A.SET_J)),
    (_S.TRYING, _H.RESPONSE_300_699): (_S.COMPLETED, (_A.SEND_RESPONSE, _A.SET_J)),
    (_S.TRYING, Timer.F): (_S.TERMINATED, ()),
    (_S.PROCEEDING, _H.REQUEST): (_S.PROCEEDING, (_A.SEND_RESPONSE,)),
    (_S.PROCEEDING, _H.RESPONSE_1XX): (_S.PROCEEDING, (_A.SEND_RESPONSE,)),
    (_S.PROCEEDING, _H.RESPONSE_2XX): (_S.COMPLETED, (_A.SEND_RESPONSE, _A.SET_J)),
    (_S.PROCEEDING, _H.RESPONSE_300_699): (_S.COMPLETED, (_A.SEND_RESPONSE, _A.SET_J)),
    (_S.PROCEEDING, _H.TRANSPORT_ERROR): (_S.PROCEEDING, (_A.TELL_TRANSPORT_ERROR,)),
    (_S.PROCEEDING, Timer.F): (_S.TERMINATED, ()),
    (_S.COMPLETED, _H.REQUEST): (_S.COMPLETED, (_A.SEND_RESPONSE,)),
    (_S.COMPLETED, _H.TRANSPORT_ERROR): (_S.COMPLETED, (_A.TELL_TRANSPORT_ERROR,)),
    (_S.COMPLETED, Timer.J): (_S.TERMINATED, ()),
}


def response_class(status_code: int) -> Happening:
    """Which of a table's rows a response is for."""
    if status_code < 200:
        return Happening.RESPONSE_1XX
    return Happening.RESPONSE_2XX if status_code < 300 else Happening.RESPONSE_300_699
