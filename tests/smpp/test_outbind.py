"""The two PDUs that nobody answers: outbind (v3.4 §4.1.7) and alert_notification (§4.12)."""

import pytest

from gateway.smpp import codec
from gateway.smpp.constants import CommandId, CommandStatus
from gateway.smpp.events import Bound, Request
from gateway.smpp.pdus import (
    BIND_RESP,
    AlertNotification,
    Bind,
    BindReceiver,
    BindTransceiver,
    Outbind,
)
from gateway.smpp.states import RECEIVING, Role, SessionState
from tests.smpp.sessions import NOW, bound, exchange, give, header, in_state, sent, session, told

OUTBIND = Outbind("SMSC", "secret")


@pytest.mark.parametrize("bind", [BindReceiver, BindTransceiver])
def test_srv_8_esme_binds_over_the_connection_of_an_outbind(bind: type[Bind]) -> None:
    esme, smsc = session(Role.ESME), session(Role.SMSC)
    smsc.request(OUTBIND, NOW)
    assert exchange(esme, smsc) == [Request(1, OUTBIND)]
    number = esme.request(bind("esme"), NOW)
    exchange(esme, smsc)
    smsc.respond(number, BIND_RESP[bind.command_id]("SMSC"))
    assert exchange(esme, smsc).count(Bound(esme.state)) == 2
    assert esme.state is smsc.state
    assert esme.state in RECEIVING


def test_srv_8_outbind_has_the_octets_of_the_specification() -> None:
    """§4.1.7.1: command_id 0x0000000B, system_id, password."""
    smsc = session(Role.SMSC)
    smsc.request(OUTBIND, NOW)
    assert smsc.data_to_send() == (
        bytes.fromhex("0000001c 0000000b 00000000 00000001") + b"SMSC\0secret\0"
    )


@pytest.mark.parametrize("state", [state for state in SessionState if state is not state.CLOSED])
def test_srv_8_outbind_is_for_an_open_session_only(state: SessionState) -> None:
    esme = in_state(Role.ESME, state)
    give(esme, OUTBIND, 9)
    if state is SessionState.OPEN:
        assert told(esme, Request) == [Request(9, OUTBIND)]
    else:
        nack = header(CommandId.GENERIC_NACK, CommandStatus.ESME_RINVBNDSTS, 9)
        assert sent(esme) == [nack]


@pytest.mark.parametrize("pdu", [OUTBIND, AlertNotification()], ids=["outbind", "alert"])
def test_srv_8_esme_sends_neither(pdu: Outbind | AlertNotification) -> None:
    for state in (SessionState.OPEN, SessionState.BOUND_TRX):
        smsc = in_state(Role.SMSC, state)
        give(smsc, pdu, 9)
        nack = header(CommandId.GENERIC_NACK, CommandStatus.ESME_RINVBNDSTS, 9)
        assert sent(smsc) == [nack]
        assert smsc.state is state


@pytest.mark.parametrize(
    ("pdu", "state"),
    [(OUTBIND, SessionState.OPEN), (AlertNotification(), SessionState.BOUND_RX)],
    ids=["outbind", "alert"],
)
def test_srv_8_neither_waits_for_an_answer(
    pdu: Outbind | AlertNotification, state: SessionState
) -> None:
    smsc = in_state(Role.SMSC, state)
    smsc.request(pdu, NOW)
    assert smsc.window_free == 10


@pytest.mark.parametrize("state", [SessionState.BOUND_RX, SessionState.BOUND_TRX])
def test_srv_8_alert_notification_is_told_and_not_answered(state: SessionState) -> None:
    esme, smsc = bound(Role.ESME, state), bound(Role.SMSC, state)
    alert = AlertNotification(1, 1, "491701234567", 0, 0, "ACME", {0x0422: b"\0"})
    number = smsc.request(alert, NOW)
    assert exchange(esme, smsc) == [Request(number, alert)]
    assert esme.unanswered == 0


def test_srv_4_outbind_that_cannot_be_read_is_nacked() -> None:
    esme = session(Role.ESME)
    octets = codec.HEADER.pack(20, CommandId.OUTBIND, 0, 9) + b"SMSC"
    esme.receive_data(octets, NOW)
    nack = header(CommandId.GENERIC_NACK, CommandStatus.ESME_RINVSYSID, 9)
    assert sent(esme) == [nack]
