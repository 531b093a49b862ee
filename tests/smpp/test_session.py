"""The SMPP session as both sides see it: states, answers, windows, timers, leaving."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp import codec
from gateway.smpp.constants import RESPONSE, SEQUENCE_NUMBER_MAX, CommandId, CommandStatus, Tag
from gateway.smpp.errors import FieldError, NotBound, WindowFull
from gateway.smpp.events import Bound, Closed, PduRefused, Request, Response, ResponseTimedOut
from gateway.smpp.pdus import (
    PDUS,
    BindTransceiver,
    BindTransceiverResp,
    BindTransmitter,
    BindTransmitterResp,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from gateway.smpp.session import PDU_LENGTH_MAX, REFUSALS_TOLD_MAX, Session, Timers
from gateway.smpp.states import BINDS, TRANSITIONS, Role, SessionState
from tests.smpp.sessions import (
    NOW,
    TIMERS,
    bound,
    exchange,
    give,
    header,
    in_state,
    sent,
    session,
    told,
)

ROK = CommandStatus.ESME_ROK
REQUESTS = [pdu for pdu in PDUS if not pdu.command_id & RESPONSE]
RESPONSES = [pdu for pdu in PDUS if pdu.command_id & RESPONSE]
LIVE_STATES = [state for state in SessionState if state.value != "closed"]

# v3.4 §2.3 table 2-1, with outbind and enquire_link as 5.0 §2.4 has them: who may send what, in
# which states. What crosses an unbind on its way is in no table.
TX, RX, TRX = "bound_tx", "bound_rx", "bound_trx"
ANY = f"open binding {TX} {RX} {TRX} unbinding"
TABLE_2_1: dict[Role, dict[int, str]] = {
    Role.ESME: {
        CommandId.BIND_TRANSMITTER: "open",
        CommandId.BIND_RECEIVER: "open",
        CommandId.BIND_TRANSCEIVER: "open",
        CommandId.UNBIND: f"{TX} {RX} {TRX}",
        CommandId.SUBMIT_SM: f"{TX} {TRX}",
        CommandId.SUBMIT_MULTI: f"{TX} {TRX}",
        CommandId.DATA_SM: f"{TX} {TRX}",
        CommandId.QUERY_SM: f"{TX} {TRX}",
        CommandId.CANCEL_SM: f"{TX} {TRX}",
        CommandId.REPLACE_SM: f"{TX} {TRX}",
        CommandId.ENQUIRE_LINK: ANY,
    },
    Role.SMSC: {
        CommandId.OUTBIND: "open",
        CommandId.UNBIND: f"{TX} {RX} {TRX}",
        CommandId.DELIVER_SM: f"{RX} {TRX}",
        CommandId.DATA_SM: f"{RX} {TRX}",
        CommandId.ALERT_NOTIFICATION: f"{RX} {TRX}",
        CommandId.ENQUIRE_LINK: ANY,
    },
}
CROSSING = (
    CommandId.SUBMIT_SM,
    CommandId.SUBMIT_MULTI,
    CommandId.DELIVER_SM,
    CommandId.DATA_SM,
    CommandId.ALERT_NOTIFICATION,
    CommandId.UNBIND,
)


REQUEST_OF: dict[Role, type[Pdu]] = {Role.ESME: SubmitSm, Role.SMSC: DeliverSm}
RESPONSE_OF: dict[Role, type[Pdu]] = {Role.ESME: SubmitSmResp, Role.SMSC: DeliverSmResp}


def allowed(sender: Role, state: SessionState, command_id: int) -> bool:
    states = TABLE_2_1[sender].get(command_id)
    if states is None:
        return False
    crosses = state is SessionState.UNBINDING and command_id in CROSSING
    return crosses or state.value in states.split()


# Framing


def test_srv_1_pdu_may_come_octet_by_octet() -> None:
    smsc = bound(Role.SMSC)
    for octet in codec.encode(SubmitSm(short_message=b"hi"), 7):
        smsc.receive_data(bytes([octet]), NOW)
    assert told(smsc, Request) == [Request(7, SubmitSm(short_message=b"hi"))]


def test_srv_1_many_pdus_may_come_at_once() -> None:
    smsc = bound(Role.SMSC)
    smsc.receive_data(b"".join(codec.encode(SubmitSm(), n) for n in range(1, 51)), NOW)
    assert [request.sequence_number for request in told(smsc, Request)] == list(range(1, 51))


@given(st.lists(st.integers(1, 60), max_size=30))
def test_srv_1_where_the_octets_are_cut_makes_no_difference(cuts: list[int]) -> None:
    smsc = bound(Role.SMSC)
    octets = b"".join(codec.encode(SubmitSm(short_message=b"x" * n), n) for n in range(1, 20))
    for cut in cuts:
        smsc.receive_data(octets[:cut], NOW)
        octets = octets[cut:]
    smsc.receive_data(octets, NOW)
    assert [request.sequence_number for request in told(smsc, Request)] == list(range(1, 20))


@pytest.mark.parametrize("length", [0, 15, PDU_LENGTH_MAX + 1, 0x7FFFFFFF])
def test_srv_2_unbelievable_command_length_is_nacked_and_ends_the_session(length: int) -> None:
    smsc = bound(Role.SMSC)
    smsc.receive_data(codec.HEADER.pack(length, CommandId.SUBMIT_SM, 0, 9), NOW)
    assert sent(smsc) == [header(CommandId.GENERIC_NACK, CommandStatus.ESME_RINVCMDLEN, 9)]
    assert smsc.closed


def test_srv_5_framing_lost_in_a_response_is_not_nacked() -> None:
    smsc = bound(Role.SMSC)
    smsc.receive_data(codec.HEADER.pack(3, CommandId.DELIVER_SM_RESP, 0, 9), NOW)
    assert sent(smsc) == []


def test_srv_5_nack_has_sequence_number_0_when_the_length_alone_has_come() -> None:
    smsc = bound(Role.SMSC)
    smsc.receive_data(b"\x7f\xff\xff\xff", NOW)
    assert sent(smsc) == [header(CommandId.GENERIC_NACK, CommandStatus.ESME_RINVCMDLEN, 0)]


def test_srv_8_nothing_is_read_after_the_end() -> None:
    smsc = in_state(Role.SMSC, SessionState.CLOSED)
    give(smsc, EnquireLink())
    assert sent(smsc) == []


def test_srv_2_longest_pdu_is_read_and_the_next_octet_is_too_much() -> None:
    smsc = bound(Role.SMSC)
    body = codec.encode(SubmitSm(), 1)[16:]
    for number, length in ((1, PDU_LENGTH_MAX), (2, PDU_LENGTH_MAX + 1)):
        payload = bytes(length - 16 - len(body) - 4)
        tlv = codec.TLV_HEADER.pack(Tag.MESSAGE_PAYLOAD, len(payload) & 0xFFFF)
        head = codec.HEADER.pack(length, CommandId.SUBMIT_SM, 0, number)
        smsc.receive_data(head + body + tlv + payload, NOW)
        assert smsc.closed == (length > PDU_LENGTH_MAX)


def test_srv_2_nothing_is_kept_for_a_length_that_is_only_claimed() -> None:
    smsc = bound(Role.SMSC)
    smsc.receive_data(codec.HEADER.pack(PDU_LENGTH_MAX, CommandId.SUBMIT_SM, 0, 9), NOW)
    assert len(smsc._received) == 16


@pytest.mark.parametrize("kept", range(1, 33))
def test_srv_1_end_of_the_stream_within_a_pdu_is_no_request(kept: int) -> None:
    smsc = bound(Role.SMSC)
    smsc.receive_data(codec.encode(SubmitSm(), 7)[:kept], NOW)
    smsc.receive_eof(NOW)
    assert smsc.events() == [Closed("connection lost")]


# Requests that the session answers itself


def test_srv_3_unknown_command_is_nacked_and_the_session_lives() -> None:
    smsc = bound(Role.SMSC)
    smsc.receive_data(codec.HEADER.pack(16, 0x99, 0, 5), NOW)
    give(smsc, EnquireLink(), 6)
    assert sent(smsc) == [
        header(CommandId.GENERIC_NACK, CommandStatus.ESME_RINVCMDID, 5),
        header(CommandId.ENQUIRE_LINK_RESP, ROK, 6),
    ]


def test_srv_4_bad_field_is_answered_by_its_own_response() -> None:
    smsc = bound(Role.SMSC)
    octets = codec.encode(SubmitSm(source_addr="1" * 20), 8)
    smsc.receive_data(octets.replace(b"1" * 20 + b"\0", b"1" * 21), NOW)
    assert sent(smsc) == [header(CommandId.SUBMIT_SM_RESP, CommandStatus.ESME_RINVSRCADR, 8)]


def test_srv_3_refused_pdu_is_told_with_its_reason() -> None:
    smsc = bound(Role.SMSC)
    smsc.receive_data(codec.HEADER.pack(16, 0x99, 0, 5), NOW)
    (refused,) = told(smsc, PduRefused)
    assert (refused.command_id, refused.sequence_number) == (0x99, 5)


def test_srv_3_refusals_are_all_answered_and_so_many_of_a_minute_are_told() -> None:
    smsc, unknown = bound(Role.SMSC), codec.HEADER.pack(16, 0x99, 0, 5)
    for now, count in ((NOW, 500), (NOW + 59, 500), (NOW + 60, 1)):
        smsc.receive_data(unknown * count, now)
    assert len(sent(smsc)) == 1_001
    assert len(told(smsc, PduRefused)) == REFUSALS_TOLD_MAX + 1


def test_srv_5_two_sessions_do_not_nack_each_other_for_ever() -> None:
    esme, smsc = bound(Role.ESME), bound(Role.SMSC)
    for made in (esme, smsc):
        made.receive_data(codec.HEADER.pack(16, 0x99, 0, 5), NOW)
    exchange(esme, smsc)
    assert [made.closed for made in (esme, smsc)] == [False, False]


@pytest.mark.parametrize("command_id", [0x8000_0099, 0xFFFF_FFFF])
def test_srv_5_unknown_response_is_not_answered(command_id: int) -> None:
    smsc = bound(Role.SMSC)
    smsc.receive_data(codec.HEADER.pack(16, command_id, 0, 5), NOW)
    assert sent(smsc) == []


def test_srv_5_generic_nack_is_never_answered() -> None:
    smsc = bound(Role.SMSC)
    give(smsc, GenericNack(), 3, CommandStatus.ESME_RINVCMDID)
    assert sent(smsc) == []


@pytest.mark.parametrize("state", LIVE_STATES)
@pytest.mark.parametrize("role", Role)
def test_srv_9_enquire_link_is_answered_in_every_state(role: Role, state: SessionState) -> None:
    made = in_state(role, state)
    give(made, EnquireLink(), 77)
    assert header(CommandId.ENQUIRE_LINK_RESP, ROK, 77) in sent(made)


@pytest.mark.parametrize("pdu_class", REQUESTS, ids=lambda pdu_class: pdu_class.__name__)
@pytest.mark.parametrize("state", LIVE_STATES)
@pytest.mark.parametrize("role", Role)
def test_srv_8_every_request_in_every_state(
    role: Role, state: SessionState, pdu_class: type[Pdu]
) -> None:
    """What a state does not allow has its answer, and ends nothing."""
    made = in_state(role, state)
    give(made, pdu_class(), 50)
    answers = [(command, status) for command, status, number in sent(made) if number == 50]
    command_id = pdu_class.command_id
    response = (
        command_id | RESPONSE
        if command_id not in (CommandId.OUTBIND, CommandId.ALERT_NOTIFICATION)
        else CommandId.GENERIC_NACK
    )
    if allowed(role.peer, state, command_id):
        assert [status for _, status in answers if status] == []
    elif command_id in BINDS and state is not SessionState.OPEN:
        assert answers == [(response, CommandStatus.ESME_RALYBND)]
    else:
        assert answers == [(response, CommandStatus.ESME_RINVBNDSTS)]
    assert made.closed == (allowed(role.peer, state, command_id) and pdu_class is Unbind)


@pytest.mark.parametrize("pdu_class", REQUESTS, ids=lambda pdu_class: pdu_class.__name__)
@pytest.mark.parametrize("state", SessionState)
@pytest.mark.parametrize("role", Role)
def test_srv_8_every_request_of_ours_in_every_state(
    role: Role, state: SessionState, pdu_class: type[Pdu]
) -> None:
    """After an unbind of ours nothing is asked any more, not even for a sign of life."""
    made = in_state(role, state)
    if (
        state is not SessionState.UNBINDING
        and state.value in TABLE_2_1[role].get(pdu_class.command_id, "").split()
    ):
        assert made.request(pdu_class(), NOW)
    else:
        with pytest.raises(NotBound):
            made.request(pdu_class(), NOW)


@pytest.mark.parametrize("pdu_class", RESPONSES, ids=lambda pdu_class: pdu_class.__name__)
@pytest.mark.parametrize("state", LIVE_STATES)
@pytest.mark.parametrize("role", Role)
def test_srv_8_response_to_nothing_changes_nothing_in_any_state(
    role: Role, state: SessionState, pdu_class: type[Pdu]
) -> None:
    made = in_state(role, state)
    give(made, pdu_class(), 50)
    assert (made.state, made.events(), sent(made)) == (state, [], [])


@pytest.mark.parametrize("version", [0x00, 0x33, 0x34, 0x50, 0xFF])
@pytest.mark.parametrize("pdu_class", REQUESTS, ids=lambda pdu_class: pdu_class.__name__)
def test_srv_8_states_are_those_of_every_version(pdu_class: type[Pdu], version: int) -> None:
    smsc = session(Role.SMSC)
    give(smsc, BindTransmitter(interface_version=version), 1)
    smsc.respond(1, BindTransmitterResp())
    sent(smsc)
    give(smsc, pdu_class(), 50)
    refused = any(status for _, status, _ in sent(smsc))
    assert refused != allowed(Role.ESME, SessionState.BOUND_TX, pdu_class.command_id)


# Transitions


@pytest.mark.parametrize("role", Role)
def test_srv_8_every_state_is_reached_by_the_table_only(role: Role) -> None:
    for (before, command_id), after in TRANSITIONS.items():
        assert before is not SessionState.CLOSED
        assert after is not before
        assert command_id in {pdu.command_id for pdu in PDUS}


@pytest.mark.parametrize(
    "state", [SessionState.BOUND_TX, SessionState.BOUND_RX, SessionState.BOUND_TRX]
)
@pytest.mark.parametrize("role", Role)
def test_srv_8_bind_leads_to_its_state(role: Role, state: SessionState) -> None:
    assert bound(role, state).state is state


def test_srv_8_both_sides_hear_that_they_are_bound() -> None:
    esme, smsc = session(Role.ESME), session(Role.SMSC)
    esme.request(BindTransceiver(), NOW)
    exchange(esme, smsc)
    smsc.respond(1, BindTransceiverResp())
    events = exchange(esme, smsc)
    assert events.count(Bound(SessionState.BOUND_TRX)) == 2


def test_srv_14_refused_bind_leaves_the_session_open() -> None:
    smsc = session(Role.SMSC)
    give(smsc, BindTransceiver())
    smsc.respond(1, None, CommandStatus.ESME_RINVPASWD)
    assert smsc.state is SessionState.OPEN


def test_srv_14_bind_may_be_tried_again() -> None:
    smsc = session(Role.SMSC)
    give(smsc, BindTransceiver(), 1)
    smsc.respond(1, None, CommandStatus.ESME_RINVPASWD)
    give(smsc, BindTransceiver(), 2)
    assert [request.sequence_number for request in told(smsc, Request)] == [1, 2]


@pytest.mark.parametrize("body", [b"", b"SMSC\0"])
def test_srv_14_refusal_of_a_bind_is_understood_with_and_without_body(body: bytes) -> None:
    esme = session(Role.ESME)
    esme.request(BindTransceiver(), NOW)
    head = codec.HEADER.pack(16 + len(body), CommandId.BIND_TRANSCEIVER_RESP, 0x0E, 1)
    esme.receive_data(head + body, NOW)
    assert told(esme, Response) == [Response(1, CommandStatus.ESME_RINVPASWD, None)]
    assert esme.state is SessionState.OPEN


# Requests of ours


def test_srv_6_sequence_numbers_start_at_1_and_wrap_to_1() -> None:
    esme = session(Role.ESME)
    assert esme.request(BindTransceiver(), NOW) == 1
    give(esme, BindTransceiverResp(), 1)
    esme._last_sequence_number = SEQUENCE_NUMBER_MAX - 1
    numbers = [esme.request(SubmitSm(), NOW) for _ in range(2)]
    assert numbers == [SEQUENCE_NUMBER_MAX, 1]


def test_srv_6_both_directions_may_use_one_sequence_number() -> None:
    esme = bound(Role.ESME)
    number = esme.request(SubmitSm(), NOW)
    give(esme, DeliverSm(), number)
    give(esme, SubmitSmResp("id"), number)
    assert esme.events() == [
        Request(number, DeliverSm()),
        Response(number, ROK, SubmitSmResp("id")),
    ]


@pytest.mark.parametrize("number", [0, 1, SEQUENCE_NUMBER_MAX, 0x8000_0000, 0xFFFF_FFFF])
def test_srv_6_response_repeats_the_number_even_where_it_is_out_of_range(number: int) -> None:
    smsc = bound(Role.SMSC)
    give(smsc, SubmitSm(), number)
    smsc.respond(number, SubmitSmResp("id"))
    assert sent(smsc) == [header(CommandId.SUBMIT_SM_RESP, ROK, number)]


@pytest.mark.parametrize("role", Role)
def test_srv_6_number_of_a_request_in_flight_is_refused_and_the_first_keeps_its_answer(
    role: Role,
) -> None:
    made, request = bound(role), REQUEST_OF[role.peer]
    response = request.command_id | RESPONSE
    give(made, request(), 7)
    give(made, request(), 7)
    assert sent(made) == [(response, CommandStatus.ESME_RSYSERR, 7)]
    assert len(told(made, Request)) == 1
    made.respond(7, None, ROK)
    assert sent(made) == [(response, ROK, 7)]
    give(made, request(), 7)
    assert len(told(made, Request)) == 1


def test_srv_6_enquire_link_may_have_the_number_of_a_request_in_flight() -> None:
    smsc = bound(Role.SMSC)
    give(smsc, SubmitSm(), 7)
    give(smsc, EnquireLink(), 7)
    assert sent(smsc) == [header(CommandId.ENQUIRE_LINK_RESP, ROK, 7)]


def test_srv_7_responses_may_come_in_any_order() -> None:
    esme = bound(Role.ESME)
    numbers = [esme.request(SubmitSm(), NOW) for _ in range(10)]
    for number in reversed(numbers):
        give(esme, SubmitSmResp(str(number)), number)
    assert [response.sequence_number for response in told(esme, Response)] == numbers[::-1]


def test_srv_7_we_may_answer_in_any_order() -> None:
    smsc = bound(Role.SMSC)
    for number in range(1, 11):
        give(smsc, SubmitSm(), number)
    for number in range(10, 0, -1):
        smsc.respond(number, SubmitSmResp(str(number)))
    assert [number for _, _, number in sent(smsc)] == list(range(10, 0, -1))


def test_cli_1_window_bounds_what_is_unanswered() -> None:
    esme = bound(Role.ESME, window=2)
    first = esme.request(SubmitSm(), NOW)
    esme.request(SubmitSm(), NOW)
    with pytest.raises(WindowFull):
        esme.request(SubmitSm(), NOW)
    give(esme, SubmitSmResp("id"), first)
    assert esme.window_free == 1


def test_cli_1_request_that_does_not_fit_takes_no_place_in_the_window() -> None:
    esme = bound(Role.ESME)
    with pytest.raises(FieldError):
        esme.request(SubmitSm(source_addr="1" * 30), NOW)
    assert esme.window_free == 10


def test_srv_18_error_response_with_a_body_is_understood() -> None:
    esme = bound(Role.ESME)
    number = esme.request(SubmitSm(), NOW)
    esme.receive_data(codec.HEADER.pack(17, CommandId.SUBMIT_SM_RESP, 0x58, number) + b"\0", NOW)
    assert told(esme, Response) == [Response(number, CommandStatus.ESME_RTHROTTLED, None)]


def test_srv_18_response_whose_body_cannot_be_read_still_counts() -> None:
    esme = bound(Role.ESME)
    number = esme.request(SubmitSm(), NOW)
    esme.receive_data(codec.HEADER.pack(17, CommandId.SUBMIT_SM_RESP, 0, number) + b"x", NOW)
    assert told(esme, Response) == [Response(number, ROK, None)]


@pytest.mark.parametrize("status", [CommandStatus.ESME_RINVCMDID, ROK])
def test_srv_5_generic_nack_is_the_answer_to_our_request(status: CommandStatus) -> None:
    """Even one with ESME_ROK says that the request was not understood."""
    esme = bound(Role.ESME)
    number = esme.request(SubmitSm(), NOW)
    give(esme, GenericNack(), number, status)
    (response,) = told(esme, Response)
    assert response.command_status


def test_srv_5_response_to_nothing_is_ignored() -> None:
    esme = bound(Role.ESME)
    give(esme, SubmitSmResp("id"), 99)
    assert esme.events() == []


def test_srv_6_response_of_another_kind_is_ignored() -> None:
    esme = bound(Role.ESME)
    number = esme.request(SubmitSm(), NOW)
    give(esme, DeliverSmResp(), number)
    assert (esme.events(), esme.window_free) == ([], 9)


def test_srv_18_error_response_of_ours_is_a_bare_header() -> None:
    smsc = bound(Role.SMSC)
    give(smsc, SubmitSm(), 4)
    smsc.respond(4, SubmitSmResp("id"), CommandStatus.ESME_RTHROTTLED)
    assert smsc.data_to_send() == codec.HEADER.pack(16, CommandId.SUBMIT_SM_RESP, 0x58, 4)


def test_srv_18_answer_of_ours_that_does_not_fit_may_be_given_again() -> None:
    smsc = bound(Role.SMSC)
    give(smsc, SubmitSm(), 4)
    with pytest.raises(FieldError):
        smsc.respond(4, SubmitSmResp("x" * 65))
    smsc.respond(4, None, CommandStatus.ESME_RSYSERR)
    assert sent(smsc) == [header(CommandId.SUBMIT_SM_RESP, CommandStatus.ESME_RSYSERR, 4)]


def test_srv_22_response_with_broken_tlvs_keeps_its_message_id() -> None:
    esme = bound(Role.ESME)
    number = esme.request(SubmitSm(), NOW)
    head = codec.HEADER.pack(22, CommandId.SUBMIT_SM_RESP, 0, number)
    esme.receive_data(head + b"4F\0" + b"\x04\x24\xff", NOW)
    refused, response = esme.events()
    assert isinstance(refused, PduRefused)
    assert response == Response(number, ROK, SubmitSmResp("4F"))


def test_srv_22_broken_tlvs_of_a_request_are_answered() -> None:
    smsc = bound(Role.SMSC)
    octets = codec.encode(SubmitSm(), 8) + b"\x04\x24\x00\x09hi"
    smsc.receive_data(len(octets).to_bytes(4, "big") + octets[4:], NOW)
    status = CommandStatus.ESME_RINVOPTPARSTREAM
    assert sent(smsc) == [header(CommandId.SUBMIT_SM_RESP, status, 8)]


def test_srv_13_reserved_values_are_handed_up() -> None:
    smsc = bound(Role.SMSC)
    give(smsc, SubmitSm(source_addr_ton=7, dest_addr_npi=15, data_coding=0xE0), 8)
    assert told(smsc, Request) == [
        Request(8, SubmitSm(source_addr_ton=7, dest_addr_npi=15, data_coding=0xE0))
    ]


def test_answer_after_the_end_goes_nowhere() -> None:
    smsc = bound(Role.SMSC)
    give(smsc, SubmitSm(), 4)
    smsc.close("test")
    smsc.respond(4, SubmitSmResp("id"))
    assert sent(smsc) == []


# Timers


def test_cli_2_request_without_response_times_out_once() -> None:
    esme = bound(Role.ESME)
    number = esme.request(SubmitSm(), NOW)
    esme.handle_timer(NOW + 4.9)
    assert told(esme, ResponseTimedOut) == []
    esme.handle_timer(NOW + 5)
    esme.handle_timer(NOW + 6)
    assert told(esme, ResponseTimedOut) == [ResponseTimedOut(number)]


def test_cli_2_late_response_is_told_as_late() -> None:
    esme = bound(Role.ESME)
    number = esme.request(SubmitSm(), NOW)
    esme.handle_timer(NOW + 5)
    give(esme, SubmitSmResp("id"), number, now=NOW + 6)
    assert told(esme, Response) == [Response(number, ROK, SubmitSmResp("id"), late=True)]


def test_cli_2_only_so_many_late_responses_are_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.smpp.session.LATE_RESPONSES_MAX", 1)
    esme = bound(Role.ESME)
    numbers = [esme.request(SubmitSm(), NOW) for _ in range(2)]
    esme.handle_timer(NOW + 5)
    esme.events()
    for number in numbers:
        give(esme, SubmitSmResp("id"), number, now=NOW + 6)
    assert [response.sequence_number for response in told(esme, Response)] == numbers[1:]


def test_cli_2_timed_out_request_frees_its_place_in_the_window() -> None:
    esme = bound(Role.ESME, window=1)
    esme.request(SubmitSm(), NOW)
    esme.handle_timer(NOW + 5)
    assert esme.window_free == 1


def test_srv_10_peer_that_never_binds_is_dropped() -> None:
    smsc = session(Role.SMSC)
    assert smsc.next_timer() == NOW + TIMERS.session_init_s
    smsc.handle_timer(NOW + 10)
    assert told(smsc, Closed) == [Closed("no bind within session_init_s")]


@pytest.mark.parametrize("role", Role)
def test_srv_9_silence_is_asked_about(role: Role) -> None:
    made = bound(role)
    assert made.next_timer() == NOW + 30
    made.handle_timer(NOW + 30)
    assert [command for command, _, _ in sent(made)] == [CommandId.ENQUIRE_LINK]


def test_srv_9_any_octet_of_the_peers_is_a_sign_of_life() -> None:
    smsc = bound(Role.SMSC)
    give(smsc, EnquireLink(), now=NOW + 20)
    assert smsc.next_timer() == NOW + 50


def test_srv_9_unanswered_enquire_link_ends_the_session() -> None:
    smsc = bound(Role.SMSC)
    smsc.handle_timer(NOW + 30)
    smsc.handle_timer(NOW + 35)
    assert told(smsc, Closed) == [Closed("no answer to enquire_link within response_s", (1,))]


def test_srv_9_answered_enquire_link_is_asked_again_after_the_next_silence() -> None:
    smsc = bound(Role.SMSC)
    smsc.handle_timer(NOW + 30)
    give(smsc, EnquireLinkResp(), 1, now=NOW + 31)
    assert smsc.next_timer() == NOW + 61


def test_srv_10_bind_without_response_ends_the_session() -> None:
    esme = session(Role.ESME)
    esme.request(BindTransceiver(), NOW)
    esme.handle_timer(NOW + 5)
    assert esme.closed


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("state", [SessionState.OPEN, SessionState.BINDING])
def test_srv_10_connection_without_a_bind_ends_in_both_roles(
    role: Role, state: SessionState
) -> None:
    """An ESME may wait for an outbind."""
    made = in_state(role, state)
    made.handle_timer(NOW + 10)
    assert made.closed


def test_srv_10_inactivity_leads_to_an_unbind() -> None:
    smsc = bound(Role.SMSC, timers=Timers(enquire_link_s=30, inactivity_s=60))
    give(smsc, EnquireLink(), now=NOW + 59)
    smsc.handle_timer(NOW + 60)
    assert header(CommandId.UNBIND, ROK, 1) in sent(smsc)


def test_srv_10_timers_of_0_are_off() -> None:
    smsc = bound(Role.SMSC, timers=Timers(0, 0, 0, 0))
    smsc.request(DeliverSm(), NOW)
    assert smsc.next_timer() is None


def test_srv_10_closed_session_wants_no_timer() -> None:
    smsc = in_state(Role.SMSC, SessionState.CLOSED)
    smsc.handle_timer(NOW + 1_000)
    assert smsc.next_timer() is None


def test_srv_9_a_day_of_silence_is_answered_without_end() -> None:
    esme, smsc, now = bound(Role.ESME), bound(Role.SMSC), NOW
    while now < NOW + 86_400:
        deadlines = [timer for timer in (esme.next_timer(), smsc.next_timer()) if timer]
        now = min(deadlines)
        esme.handle_timer(now)
        smsc.handle_timer(now)
        assert exchange(esme, smsc, now) == []


# Leaving


def test_srv_11_unbind_is_confirmed_and_both_sides_end() -> None:
    esme, smsc = bound(Role.ESME), bound(Role.SMSC)
    esme.unbind(NOW)
    assert exchange(esme, smsc) == [Closed("unbound by the peer"), Closed("unbound")]


def test_srv_11_unbind_waits_for_what_is_in_flight() -> None:
    esme = bound(Role.ESME)
    number = esme.request(SubmitSm(), NOW)
    sent(esme)
    esme.unbind(NOW)
    assert sent(esme) == []
    give(esme, SubmitSmResp("id"), number)
    assert esme.next_timer() == NOW
    esme.handle_timer(NOW)
    assert sent(esme) == [header(CommandId.UNBIND, ROK, number + 1)]


def test_srv_11_no_new_request_once_an_unbind_is_wanted() -> None:
    esme = bound(Role.ESME)
    esme.request(SubmitSm(), NOW)
    esme.unbind(NOW)
    with pytest.raises(NotBound):
        esme.request(SubmitSm(), NOW)


def test_srv_11_peers_unbind_is_confirmed_after_its_requests_are_answered() -> None:
    smsc = bound(Role.SMSC)
    give(smsc, SubmitSm(), 1)
    give(smsc, Unbind(), 2)
    assert sent(smsc) == []
    smsc.respond(1, SubmitSmResp("id"))
    assert sent(smsc) == [
        header(CommandId.SUBMIT_SM_RESP, ROK, 1),
        header(CommandId.UNBIND_RESP, ROK, 2),
    ]


def test_srv_11_peers_unbind_waits_for_answers_to_us_no_longer_than_response_s() -> None:
    smsc = bound(Role.SMSC)
    smsc.request(DeliverSm(), NOW)
    sent(smsc)
    give(smsc, Unbind(), 2)
    assert sent(smsc) == []
    smsc.handle_timer(NOW + 5)
    assert sent(smsc) == [header(CommandId.UNBIND_RESP, ROK, 2)]


def test_srv_11_peers_unbind_is_confirmed_after_our_requests_are_answered() -> None:
    smsc = bound(Role.SMSC)
    number = smsc.request(DeliverSm(), NOW)
    sent(smsc)
    give(smsc, Unbind(), 2)
    give(smsc, DeliverSmResp(), number)
    assert sent(smsc) == [header(CommandId.UNBIND_RESP, ROK, 2)]


def test_srv_11_request_that_crosses_our_unbind_is_taken() -> None:
    esme = bound(Role.ESME)
    esme.unbind(NOW)
    sent(esme)
    give(esme, DeliverSm(), 5)
    esme.respond(5, DeliverSmResp())
    assert sent(esme) == [header(CommandId.DELIVER_SM_RESP, ROK, 5)]


def test_srv_11_request_after_the_peers_own_unbind_is_refused() -> None:
    smsc = bound(Role.SMSC)
    give(smsc, SubmitSm(), 1)
    give(smsc, Unbind(), 2)
    give(smsc, SubmitSm(), 3)
    assert sent(smsc) == [header(CommandId.SUBMIT_SM_RESP, CommandStatus.ESME_RINVBNDSTS, 3)]


def test_srv_11_unanswered_enquire_link_does_not_hold_up_an_unbind() -> None:
    smsc = bound(Role.SMSC)
    smsc.handle_timer(NOW + 30)
    sent(smsc)
    give(smsc, Unbind(), 2)
    assert sent(smsc) == [header(CommandId.UNBIND_RESP, ROK, 2)]


def test_srv_11_unbind_without_response_ends_the_session() -> None:
    esme = bound(Role.ESME)
    esme.unbind(NOW)
    esme.handle_timer(NOW + 5)
    assert esme.closed


def test_srv_11_unbinds_that_cross_are_both_confirmed() -> None:
    esme, smsc = bound(Role.ESME), bound(Role.SMSC)
    esme.unbind(NOW)
    smsc.unbind(NOW)
    sent(smsc)
    assert exchange(esme, smsc) == [Closed("unbound by the peer", (1,)), Closed("unbound")]


@pytest.mark.parametrize("role", Role)
def test_srv_11_unbind_that_crosses_ours_waits_for_what_is_in_flight(role: Role) -> None:
    made, request = bound(role), REQUEST_OF[role.peer]
    made.unbind(NOW)
    give(made, request(), 5)
    give(made, Unbind(), 6)
    sent(made)
    made.respond(5, None, ROK)
    assert sent(made)[1:] == [header(CommandId.UNBIND_RESP, ROK, 6)]
    assert made.closed


@pytest.mark.parametrize("role", Role)
def test_srv_11_unbind_with_20_in_flight_each_way(role: Role) -> None:
    """Both sides answer all 40 before the session ends, whoever unbinds."""
    ours, theirs = bound(role, window=20), bound(role.peer, window=20)
    for made in (ours, theirs):
        for _ in range(20):
            made.request(REQUEST_OF[made.role](), NOW)
    ours.unbind(NOW)
    events = exchange(ours, theirs)
    assert [made.closed for made in (ours, theirs)] == [False, False]
    for number in range(1, 22):  # The ESME's began with 2, after its bind.
        ours.respond(number, RESPONSE_OF[role.peer]())
        theirs.respond(number, RESPONSE_OF[role]())
    events += exchange(ours, theirs)
    ours.handle_timer(NOW)
    events += exchange(ours, theirs)
    assert len([event for event in events if isinstance(event, Response)]) == 40
    assert [event for event in events if isinstance(event, Closed)] == [
        Closed("unbound by the peer"),
        Closed("unbound"),
    ]


def test_srv_11_second_unbind_of_ours_is_no_other() -> None:
    esme = bound(Role.ESME)
    give(esme, DeliverSm(), 5)
    esme.unbind(NOW)
    esme.unbind(NOW + 1)
    assert esme.next_timer() == NOW + 5
    assert sent(esme) == []


def test_srv_11_without_response_s_an_unbind_waits_for_what_is_in_flight() -> None:
    esme = bound(Role.ESME, timers=Timers(0, 0, 0, 0))
    give(esme, DeliverSm(), 5)
    esme.unbind(NOW)
    assert esme.next_timer() is None


def test_srv_11_our_unbind_waits_for_our_own_answers_no_longer_than_response_s() -> None:
    smsc = bound(Role.SMSC)
    give(smsc, SubmitSm(), 1)
    smsc.unbind(NOW)
    assert smsc.next_timer() == NOW + 5
    smsc.handle_timer(NOW + 5)
    smsc.respond(1, SubmitSmResp("id"))
    assert sent(smsc) == [
        header(CommandId.UNBIND, ROK, 1),
        header(CommandId.SUBMIT_SM_RESP, ROK, 1),
    ]


def test_srv_11_peers_unbind_waits_for_our_own_answers_no_longer_than_response_s() -> None:
    smsc = bound(Role.SMSC)
    give(smsc, SubmitSm(), 1)
    give(smsc, Unbind(), 2)
    assert smsc.next_timer() == NOW + 5
    smsc.handle_timer(NOW + 5)
    assert sent(smsc) == [header(CommandId.UNBIND_RESP, ROK, 2)]
    assert smsc.closed


def test_srv_11_unbind_with_garbage_behind_it_is_refused_and_the_session_stays() -> None:
    smsc = bound(Role.SMSC)
    smsc.receive_data(codec.HEADER.pack(17, CommandId.UNBIND, 0, 9) + b"x", NOW)
    status = CommandStatus.ESME_RINVOPTPARSTREAM
    assert sent(smsc) == [header(CommandId.UNBIND_RESP, status, 9)]
    assert smsc.state is SessionState.BOUND_TRX


def test_cli_3_end_tells_what_stays_unanswered() -> None:
    esme = bound(Role.ESME)
    numbers = tuple(esme.request(SubmitSm(), NOW) for _ in range(3))
    esme.receive_eof(NOW)
    assert told(esme, Closed) == [Closed("connection lost", numbers)]


def test_cli_3_new_session_knows_no_request_of_the_old_one() -> None:
    old = bound(Role.ESME)
    numbers = [old.request(SubmitSm(), NOW) for _ in range(3)]
    new = bound(Role.ESME)
    for number in numbers:
        give(new, SubmitSmResp("old"), number)
    assert new.events() == []


def test_cli_3_numbers_that_go_on_let_no_old_answer_settle_a_new_request() -> None:
    old = bound(Role.ESME)
    last = [old.request(SubmitSm(), NOW) for _ in range(3)][-1]
    new = Session(Role.ESME, NOW, TIMERS, last_sequence_number=old.last_sequence_number)
    assert new.request(BindTransceiver(), NOW) == last + 1
    give(new, BindTransceiverResp(), last + 1)
    new.events()
    number = new.request(SubmitSm(), NOW)
    give(new, SubmitSmResp("old"), last)
    give(new, SubmitSmResp("new"), number)
    assert new.events() == [Response(number, ROK, SubmitSmResp("new"))]


def test_the_end_is_told_once() -> None:
    esme = bound(Role.ESME)
    esme.close("first")
    esme.receive_eof(NOW)
    assert told(esme, Closed) == [Closed("first")]


def test_srv_11_unbind_of_a_session_that_is_not_bound_closes_it() -> None:
    esme = session(Role.ESME)
    esme.unbind(NOW)
    assert esme.closed


# Nothing that a peer sends gets out of the session as an exception


@given(st.sampled_from(Role), st.lists(st.binary(max_size=60), max_size=10))
def test_any_octets_leave_a_session_that_answers_or_is_closed(
    role: Role, chunks: list[bytes]
) -> None:
    made = bound(role)
    for chunk in chunks:
        made.receive_data(chunk, NOW)
    made.handle_timer(NOW + 100)
    assert made.closed or made.next_timer() is not None


@given(
    st.sampled_from(Role),
    st.lists(
        st.tuples(
            st.one_of(st.sampled_from([pdu.command_id for pdu in PDUS]), st.integers(0, 2**32 - 1)),
            st.integers(0, 2**32 - 1),
            st.integers(0, 2**32 - 1),
            st.binary(max_size=40),
        ),
        max_size=20,
    ),
)
def test_any_pdus_leave_a_session_that_answers_or_is_closed(
    role: Role, pdus: list[tuple[int, int, int, bytes]]
) -> None:
    made = bound(role)
    for command_id, status, number, body in pdus:
        head = codec.HEADER.pack(16 + len(body), command_id, status, number)
        made.receive_data(head + body, NOW)
    assert made.closed or made.next_timer() is not None


def test_srv_11_unbind_resp_without_unbind_is_ignored() -> None:
    esme = bound(Role.ESME)
    give(esme, UnbindResp(), 1)
    assert not esme.closed
