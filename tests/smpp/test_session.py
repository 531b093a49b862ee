"""The SMPP session as both sides see it: states, answers, windows, timers, leaving."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp import codec
from gateway.smpp.constants import RESPONSE, SEQUENCE_NUMBER_MAX, CommandId, CommandStatus
from gateway.smpp.errors import FieldError, NotBound, WindowFull
from gateway.smpp.events import Bound, Closed, PduRefused, Request, Response, ResponseTimedOut
from gateway.smpp.pdus import (
    PDUS,
    BindTransceiver,
    BindTransceiverResp,
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
from gateway.smpp.session import PDU_LENGTH_MAX, Timers
from gateway.smpp.states import (
    BINDS,
    MAY_CROSS,
    MAY_SEND,
    TRANSITIONS,
    Role,
    SessionState,
)
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


def test_nothing_is_read_after_the_end() -> None:
    smsc = in_state(Role.SMSC, SessionState.CLOSED)
    give(smsc, EnquireLink())
    assert sent(smsc) == []


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


def test_refused_pdu_is_told_with_its_reason() -> None:
    smsc = bound(Role.SMSC)
    smsc.receive_data(codec.HEADER.pack(16, 0x99, 0, 5), NOW)
    (refused,) = told(smsc, PduRefused)
    assert (refused.command_id, refused.sequence_number) == (0x99, 5)


def test_srv_5_generic_nack_is_never_answered() -> None:
    smsc = bound(Role.SMSC)
    give(smsc, GenericNack(), 3, CommandStatus.ESME_RINVCMDID)
    assert sent(smsc) == []


@pytest.mark.parametrize("state", [state for state in SessionState if state.value != "closed"])
@pytest.mark.parametrize("role", Role)
def test_srv_9_enquire_link_is_answered_in_every_state(role: Role, state: SessionState) -> None:
    made = in_state(role, state)
    give(made, EnquireLink(), 77)
    assert header(CommandId.ENQUIRE_LINK_RESP, ROK, 77) in sent(made)


@pytest.mark.parametrize("pdu_class", REQUESTS, ids=lambda pdu_class: pdu_class.__name__)
@pytest.mark.parametrize("state", [state for state in SessionState if state.value != "closed"])
@pytest.mark.parametrize("role", Role)
def test_srv_8_every_request_in_every_state(
    role: Role, state: SessionState, pdu_class: type[Pdu]
) -> None:
    """Table 2-1: what a state does not allow has its answer, and ends nothing."""
    made = in_state(role, state)
    give(made, pdu_class(), 50)
    states = MAY_SEND[role.peer].get(pdu_class.command_id, ())
    crosses = state is SessionState.UNBINDING and bool(states) and pdu_class.command_id in MAY_CROSS
    allowed = state in states or crosses
    answers = [status for command, status, number in sent(made) if number == 50 and status]
    if allowed:
        assert answers == []
    elif pdu_class.command_id in BINDS and state is not SessionState.OPEN:
        assert answers == [CommandStatus.ESME_RALYBND]
    else:
        assert answers == [CommandStatus.ESME_RINVBNDSTS]
    assert made.closed == (allowed and pdu_class is Unbind)


# Transitions


@pytest.mark.parametrize("role", Role)
def test_every_state_is_reached_by_the_table_only(role: Role) -> None:
    for (before, command_id), after in TRANSITIONS.items():
        assert before is not SessionState.CLOSED
        assert after is not before
        assert command_id in {pdu.command_id for pdu in PDUS}


@pytest.mark.parametrize(
    "state", [SessionState.BOUND_TX, SessionState.BOUND_RX, SessionState.BOUND_TRX]
)
@pytest.mark.parametrize("role", Role)
def test_bind_leads_to_its_state(role: Role, state: SessionState) -> None:
    assert bound(role, state).state is state


def test_both_sides_hear_that_they_are_bound() -> None:
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


def test_srv_7_responses_may_come_in_any_order() -> None:
    esme = bound(Role.ESME)
    numbers = [esme.request(SubmitSm(), NOW) for _ in range(10)]
    for number in reversed(numbers):
        give(esme, SubmitSmResp(str(number)), number)
    assert [response.sequence_number for response in told(esme, Response)] == numbers[::-1]


def test_cli_1_window_bounds_what_is_unanswered() -> None:
    esme = bound(Role.ESME, window=2)
    first = esme.request(SubmitSm(), NOW)
    esme.request(SubmitSm(), NOW)
    with pytest.raises(WindowFull):
        esme.request(SubmitSm(), NOW)
    give(esme, SubmitSmResp("id"), first)
    assert esme.window_free == 1


@pytest.mark.parametrize("pdu", [SubmitSm(), BindTransceiver(), DeliverSm()])
@pytest.mark.parametrize("state", SessionState)
@pytest.mark.parametrize("role", Role)
def test_request_that_the_state_does_not_allow_is_not_bound(
    role: Role, state: SessionState, pdu: Pdu
) -> None:
    made = in_state(role, state)
    if state in MAY_SEND[role].get(pdu.command_id, ()):
        assert made.request(pdu, NOW)
    else:
        with pytest.raises(NotBound):
            made.request(pdu, NOW)


def test_request_that_does_not_fit_takes_no_place_in_the_window() -> None:
    esme = bound(Role.ESME)
    with pytest.raises(FieldError):
        esme.request(SubmitSm(source_addr="1" * 30), NOW)
    assert esme.window_free == 10


def test_srv_18_error_response_with_a_body_is_understood() -> None:
    esme = bound(Role.ESME)
    number = esme.request(SubmitSm(), NOW)
    esme.receive_data(codec.HEADER.pack(17, CommandId.SUBMIT_SM_RESP, 0x58, number) + b"\0", NOW)
    assert told(esme, Response) == [Response(number, CommandStatus.ESME_RTHROTTLED, None)]


def test_response_whose_body_cannot_be_read_still_counts() -> None:
    esme = bound(Role.ESME)
    number = esme.request(SubmitSm(), NOW)
    esme.receive_data(codec.HEADER.pack(17, CommandId.SUBMIT_SM_RESP, 0, number) + b"x", NOW)
    assert told(esme, Response) == [Response(number, ROK, None)]


@pytest.mark.parametrize("status", [CommandStatus.ESME_RINVCMDID, ROK])
def test_generic_nack_is_the_answer_to_our_request(status: CommandStatus) -> None:
    """Even one with ESME_ROK says that the request was not understood."""
    esme = bound(Role.ESME)
    number = esme.request(SubmitSm(), NOW)
    give(esme, GenericNack(), number, status)
    (response,) = told(esme, Response)
    assert response.command_status


def test_response_to_nothing_is_ignored() -> None:
    esme = bound(Role.ESME)
    give(esme, SubmitSmResp("id"), 99)
    assert esme.events() == []


def test_response_of_another_kind_is_ignored() -> None:
    esme = bound(Role.ESME)
    number = esme.request(SubmitSm(), NOW)
    give(esme, DeliverSmResp(), number)
    assert (esme.events(), esme.window_free) == ([], 9)


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


def test_only_so_many_late_responses_are_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.smpp.session.LATE_RESPONSES_MAX", 1)
    esme = bound(Role.ESME)
    numbers = [esme.request(SubmitSm(), NOW) for _ in range(2)]
    esme.handle_timer(NOW + 5)
    esme.events()
    for number in numbers:
        give(esme, SubmitSmResp("id"), number, now=NOW + 6)
    assert [response.sequence_number for response in told(esme, Response)] == numbers[1:]


def test_timed_out_request_frees_its_place_in_the_window() -> None:
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


def test_answered_enquire_link_is_asked_again_after_the_next_silence() -> None:
    smsc = bound(Role.SMSC)
    smsc.handle_timer(NOW + 30)
    give(smsc, EnquireLinkResp(), 1, now=NOW + 31)
    assert smsc.next_timer() == NOW + 61


def test_bind_without_response_ends_the_session() -> None:
    esme = session(Role.ESME)
    esme.request(BindTransceiver(), NOW)
    esme.handle_timer(NOW + 5)
    assert esme.closed


def test_srv_10_inactivity_leads_to_an_unbind() -> None:
    smsc = bound(Role.SMSC, timers=Timers(enquire_link_s=30, inactivity_s=60))
    give(smsc, EnquireLink(), now=NOW + 59)
    smsc.handle_timer(NOW + 60)
    assert header(CommandId.UNBIND, ROK, 1) in sent(smsc)


def test_timers_of_0_are_off() -> None:
    smsc = bound(Role.SMSC, timers=Timers(0, 0, 0, 0))
    smsc.request(DeliverSm(), NOW)
    assert smsc.next_timer() is None


def test_closed_session_wants_no_timer() -> None:
    smsc = in_state(Role.SMSC, SessionState.CLOSED)
    smsc.handle_timer(NOW + 1_000)
    assert smsc.next_timer() is None


def test_a_day_of_silence_is_answered_without_end() -> None:
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


def test_unbind_without_response_ends_the_session() -> None:
    esme = bound(Role.ESME)
    esme.unbind(NOW)
    esme.handle_timer(NOW + 5)
    assert esme.closed


def test_unbind_of_both_at_once_ends_both() -> None:
    esme, smsc = bound(Role.ESME), bound(Role.SMSC)
    esme.unbind(NOW)
    smsc.unbind(NOW)
    exchange(esme, smsc)
    assert esme.closed or smsc.closed


def test_cli_3_end_tells_what_stays_unanswered() -> None:
    esme = bound(Role.ESME)
    numbers = tuple(esme.request(SubmitSm(), NOW) for _ in range(3))
    esme.receive_eof(NOW)
    assert told(esme, Closed) == [Closed("connection lost", numbers)]


def test_the_end_is_told_once() -> None:
    esme = bound(Role.ESME)
    esme.close("first")
    esme.receive_eof(NOW)
    assert told(esme, Closed) == [Closed("first")]


def test_unbind_of_a_session_that_is_not_bound_closes_it() -> None:
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


def test_unbind_resp_without_unbind_is_ignored() -> None:
    esme = bound(Role.ESME)
    give(esme, UnbindResp(), 1)
    assert not esme.closed
