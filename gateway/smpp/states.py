"""The states of a session and its tables (v3.4 §2.2, §2.3): who sends what, and what it moves."""

from __future__ import annotations

from enum import Enum, StrEnum

from gateway.smpp.constants import CommandId


class Role(Enum):
    ESME = "ESME"
    SMSC = "SMSC"

    @property
    def peer(self) -> Role:
        return Role.SMSC if self is Role.ESME else Role.ESME


class SessionState(StrEnum):
    """§2.2; BINDING and UNBINDING are the time between a request and its response."""

    OPEN = "open"
    BINDING = "binding"
    BOUND_TX = "bound_tx"
    BOUND_RX = "bound_rx"
    BOUND_TRX = "bound_trx"
    UNBINDING = "unbinding"
    CLOSED = "closed"


BOUND = frozenset({SessionState.BOUND_TX, SessionState.BOUND_RX, SessionState.BOUND_TRX})
SENDING = frozenset({SessionState.BOUND_TX, SessionState.BOUND_TRX})
RECEIVING = frozenset({SessionState.BOUND_RX, SessionState.BOUND_TRX})
LIVE = frozenset(SessionState) - {SessionState.CLOSED}

# The PDU that passes, in whichever direction the roles give it, moves the session. A response
# moves it only with ESME_ROK; a refused bind leads back to OPEN.
TRANSITIONS: dict[tuple[SessionState, CommandId], SessionState] = {
    (SessionState.OPEN, CommandId.BIND_TRANSMITTER): SessionState.BINDING,
    (SessionState.OPEN, CommandId.BIND_RECEIVER): SessionState.BINDING,
    (SessionState.OPEN, CommandId.BIND_TRANSCEIVER): SessionState.BINDING,
    (SessionState.BINDING, CommandId.BIND_TRANSMITTER_RESP): SessionState.BOUND_TX,
    (SessionState.BINDING, CommandId.BIND_RECEIVER_RESP): SessionState.BOUND_RX,
    (SessionState.BINDING, CommandId.BIND_TRANSCEIVER_RESP): SessionState.BOUND_TRX,
    (SessionState.BOUND_TX, CommandId.UNBIND): SessionState.UNBINDING,
    (SessionState.BOUND_RX, CommandId.UNBIND): SessionState.UNBINDING,
    (SessionState.BOUND_TRX, CommandId.UNBIND): SessionState.UNBINDING,
    (SessionState.UNBINDING, CommandId.UNBIND_RESP): SessionState.CLOSED,
}

# Which requests each role may send, and in which states (§2.3 table 2-1; 5.0 §2.4 allows
# enquire_link at any time). Responses answer requests and so need no row.
MAY_SEND: dict[Role, dict[int, frozenset[SessionState]]] = {
    Role.ESME: {
        CommandId.BIND_TRANSMITTER: frozenset({SessionState.OPEN}),
        CommandId.BIND_RECEIVER: frozenset({SessionState.OPEN}),
        CommandId.BIND_TRANSCEIVER: frozenset({SessionState.OPEN}),
        CommandId.SUBMIT_SM: SENDING,
        CommandId.SUBMIT_MULTI: SENDING,
        CommandId.DATA_SM: SENDING,
        CommandId.QUERY_SM: SENDING,
        CommandId.CANCEL_SM: SENDING,
        CommandId.REPLACE_SM: SENDING,
        CommandId.UNBIND: BOUND,
        CommandId.ENQUIRE_LINK: LIVE,
    },
    Role.SMSC: {
        CommandId.OUTBIND: frozenset({SessionState.OPEN}),
        CommandId.ALERT_NOTIFICATION: RECEIVING,
        CommandId.DELIVER_SM: RECEIVING,
        CommandId.DATA_SM: RECEIVING,
        CommandId.UNBIND: BOUND,
        CommandId.ENQUIRE_LINK: LIVE,
    },
}
# What may cross an unbind of ours on its way: it was sent before ours was heard.
MAY_CROSS = frozenset(
    {
        CommandId.SUBMIT_SM,
        CommandId.SUBMIT_MULTI,
        CommandId.DELIVER_SM,
        CommandId.DATA_SM,
        CommandId.ALERT_NOTIFICATION,
        CommandId.UNBIND,
    }
)
# These ask for no answer (§4.1.7, §4.12).
UNANSWERED = frozenset({CommandId.OUTBIND, CommandId.ALERT_NOTIFICATION})
BINDS = frozenset({CommandId.BIND_TRANSMITTER, CommandId.BIND_RECEIVER, CommandId.BIND_TRANSCEIVER})
