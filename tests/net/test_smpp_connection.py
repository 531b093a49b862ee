"""The driver of an SMPP session: what it writes, when it reads, what wakes it."""

import asyncio
import logging
import socket
from collections.abc import Callable

import pytest

from gateway.clock import Clock
from gateway.net.smpp_connection import LINGER_S, WRITE_BUFFER_MAX, SmppConnection
from gateway.smpp import codec
from gateway.smpp.events import Closed, Event, Request, ResponseTimedOut
from gateway.smpp.pdus import (
    BindTransceiver,
    BindTransceiverResp,
    DeliverSm,
    EnquireLink,
    SubmitSm,
    SubmitSmResp,
)
from gateway.smpp.session import Timers
from gateway.smpp.states import Role
from tests.support.virtual_time import virtual_time

TIMERS = Timers(session_init_s=10, enquire_link_s=30, response_s=5)


class Wire(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 4711)})
        self.writes: list[bytes] = []
        self.reading = True
        self.closing = False
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high = high

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True


class Line:
    """A bound SMSC connection on a wire, and the events that it handed up."""

    def __init__(self, window: int = 10, receive_window: int = 1_000) -> None:
        loop = asyncio.get_running_loop()
        self.wire = Wire()
        self.events: list[Event] = []
        self.on_event: Callable[[Event], None] = self.events.append
        self.connection = SmppConnection(
            Role.SMSC,
            Clock(loop.time, 1_000.0),
            TIMERS,
            lambda _, event: self.on_event(event),
            window,
            receive_window,
        )
        self.connection.connection_made(self.wire)

    async def bind(self) -> None:
        self.connection.data_received(codec.encode(BindTransceiver(), 1))
        self.connection.respond(1, BindTransceiverResp())
        await asyncio.sleep(0)
        self.wire.writes.clear()
        self.events.clear()


async def bound_line(window: int = 10, receive_window: int = 1_000) -> Line:
    line = Line(window, receive_window)
    await line.bind()
    return line


@virtual_time
async def test_answers_of_one_turn_leave_in_one_write() -> None:
    line = await bound_line()
    line.connection.data_received(b"".join(codec.encode(SubmitSm(), n) for n in (2, 3, 4)))
    for number in (2, 3, 4):
        line.connection.respond(number, SubmitSmResp("id"))
    await asyncio.sleep(0)
    assert line.wire.writes == [b"".join(codec.encode(SubmitSmResp("id"), n) for n in (2, 3, 4))]


@virtual_time
async def test_events_are_handed_up_in_order() -> None:
    line = await bound_line()
    line.connection.data_received(b"".join(codec.encode(SubmitSm(), n) for n in (2, 3)))
    assert line.events == [Request(2, SubmitSm()), Request(3, SubmitSm())]


@virtual_time
async def test_srv_1_full_receive_window_stops_reading_until_half_of_it_is_answered() -> None:
    line = await bound_line(receive_window=4)
    line.connection.data_received(b"".join(codec.encode(SubmitSm(), n) for n in range(2, 6)))
    assert not line.wire.reading
    line.connection.respond(2, SubmitSmResp("id"))
    await asyncio.sleep(0)
    assert not line.wire.reading
    line.connection.respond(3, SubmitSmResp("id"))
    await asyncio.sleep(0)
    assert line.wire.reading


@virtual_time
async def test_cli_1_peer_that_does_not_read_is_not_read_and_gets_no_requests() -> None:
    line = await bound_line()
    line.connection.pause_writing()
    assert (line.wire.reading, line.connection.sendable) == (False, 0)
    line.connection.resume_writing()
    await asyncio.sleep(0)
    assert (line.wire.reading, line.connection.sendable) == (True, 10)


@virtual_time
async def test_srv_1_at_1000_outstanding_requests_nothing_more_is_read_or_kept() -> None:
    line = await bound_line()
    flood = b"".join(codec.encode(SubmitSm(), n) for n in range(2, 3_002))
    line.connection.data_received(flood)
    session = line.connection.session
    assert (len(line.events), session.unanswered, line.wire.reading) == (1_000, 1_000, False)
    assert len(session._received) < len(flood)
    for number in range(2, 502):
        line.connection.respond(number, SubmitSmResp("id"))
    await asyncio.sleep(0)
    assert (len(line.events), session.unanswered, line.wire.reading) == (1_500, 1_000, False)
    for number in range(502, 3_002):
        line.connection.respond(number, SubmitSmResp("id"))
        await asyncio.sleep(0)
    assert (len(line.events), session.unanswered, line.wire.reading) == (3_000, 0, True)


@virtual_time
async def test_srv_9_full_receive_window_is_no_reason_to_end_a_session() -> None:
    line = await bound_line(receive_window=1)
    line.connection.data_received(codec.encode(SubmitSm(), 2))
    await asyncio.sleep(3_600)
    assert line.wire.writes == []
    line.connection.respond(2, SubmitSmResp("id"))
    await asyncio.sleep(0)
    assert not line.wire.closing
    await asyncio.sleep(30.1)
    assert line.wire.writes[1:] == [codec.encode(EnquireLink(), 1)]


@virtual_time
async def test_srv_9_peer_that_stops_reading_is_asked_closed_and_cut() -> None:
    """A half-open connection: our enquire_link stays in the buffer, and no answer comes."""
    line = await bound_line()
    line.connection.pause_writing()
    await asyncio.sleep(30 + 5 + 0.1)
    assert line.events == [Closed("no answer to enquire_link within response_s", (1,))]
    assert line.wire.closing
    await asyncio.sleep(LINGER_S)
    assert line.wire.aborted


@virtual_time
async def test_srv_1_end_of_the_stream_within_a_pdu_ends_the_session() -> None:
    line = await bound_line()
    line.connection.data_received(codec.encode(SubmitSm(), 2)[:20])
    line.connection.eof_received()
    assert line.events == [Closed("connection lost")]


@virtual_time
async def test_srv_9_silence_is_asked_about_in_time() -> None:
    line = await bound_line()
    await asyncio.sleep(30.1)
    assert line.wire.writes == [codec.encode(EnquireLink(), 1)]


@virtual_time
async def test_traffic_moves_the_question_away() -> None:
    line = await bound_line()
    await asyncio.sleep(29)
    line.connection.data_received(codec.encode(SubmitSm(), 2))
    await asyncio.sleep(29)
    assert line.wire.writes == []


@virtual_time
async def test_cli_2_request_without_answer_times_out() -> None:
    line = await bound_line()
    number = line.connection.request(DeliverSm())
    await asyncio.sleep(5.1)
    assert line.events == [ResponseTimedOut(number)]


@virtual_time
async def test_srv_10_peer_that_never_binds_is_closed() -> None:
    line = Line()
    await asyncio.sleep(10.1)
    assert line.wire.closing
    assert line.events == [Closed("no bind within session_init_s")]


@virtual_time
async def test_what_is_to_be_sent_is_sent_before_the_close() -> None:
    line = await bound_line()
    line.connection.data_received(codec.encode(SubmitSm(), 2))
    line.connection.respond(2, SubmitSmResp("id"))
    line.connection.close("test")
    await asyncio.sleep(0)
    assert line.wire.writes == [codec.encode(SubmitSmResp("id"), 2)]
    assert line.wire.closing


@pytest.mark.parametrize("ended_by_peer", [False, True])
def test_peer_that_does_not_read_to_the_end_is_cut(ended_by_peer: bool) -> None:
    @virtual_time
    async def left() -> None:
        line = await bound_line()
        if ended_by_peer:
            line.connection.eof_received()
        else:
            line.connection.close("test")
        await asyncio.sleep(LINGER_S - 0.1)
        assert not line.wire.aborted
        await asyncio.sleep(0.2)
        assert line.wire.aborted

    left()


@virtual_time
async def test_connection_that_is_over_has_no_timer() -> None:
    line = await bound_line()
    line.connection.close("test")
    await asyncio.sleep(0)
    line.connection.connection_lost(None)
    await asyncio.sleep(LINGER_S + 0.1)
    assert not line.wire.aborted


@virtual_time
async def test_abort_cuts_the_connection() -> None:
    line = await bound_line()
    line.connection.abort("test")
    await asyncio.sleep(0)
    assert line.wire.aborted
    assert line.events == [Closed("test")]


@virtual_time
async def test_cli_3_lost_connection_ends_the_session_once() -> None:
    line = await bound_line()
    number = line.connection.request(DeliverSm())
    line.connection.eof_received()
    line.connection.connection_lost(None)
    assert line.events == [Closed("connection lost", (number,))]


@virtual_time
async def test_fault_of_ours_ends_this_session_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    line = await bound_line()
    closed: list[Event] = []

    def fail(event: Event) -> None:
        if isinstance(event, Closed):
            closed.append(event)
        else:
            raise RuntimeError("a fault")

    line.on_event = fail
    with caplog.at_level(logging.ERROR):
        line.connection.data_received(codec.encode(SubmitSm(), 2))
    await asyncio.sleep(0)
    assert closed == [Closed("internal error")]
    assert line.wire.closing
    assert "session ended by a fault of ours" in caplog.text


@virtual_time
async def test_srv_11_unbind_is_sent_once_the_last_answer_has_come() -> None:
    line = await bound_line()
    line.connection.data_received(codec.encode(SubmitSm(), 2))
    line.connection.unbind()
    await asyncio.sleep(1)
    assert line.wire.writes == []
    line.connection.respond(2, SubmitSmResp("id"))
    await asyncio.sleep(1)
    assert len(line.wire.writes) == 2


@virtual_time
async def test_peer_is_named_by_its_address() -> None:
    line = Line()
    assert line.connection.peer == "192.0.2.1"


@virtual_time
async def test_cli_3_sequence_numbers_may_go_on_from_an_earlier_session() -> None:
    loop = asyncio.get_running_loop()
    clock, opened = Clock(loop.time, 1_000.0), list[int]()
    connection = SmppConnection(
        Role.ESME,
        clock,
        TIMERS,
        lambda _, event: None,
        on_open=lambda opening: opened.append(opening.request(BindTransceiver())),
        last_sequence_number=77,
    )
    connection.connection_made(Wire())
    assert opened == [78]


@pytest.mark.e2e
async def test_srv_9_memory_for_a_peer_that_stops_reading_is_bounded() -> None:
    """It goes on sending; we stop reading once the answers pile up, ask, and let it go."""
    loop = asyncio.get_running_loop()
    closed: asyncio.Future[str] = loop.create_future()
    buffered = 0

    def on_event(connection: SmppConnection, event: Event) -> None:
        nonlocal buffered
        transport = connection._transport
        if isinstance(event, Request):
            is_bind = event.sequence_number == 1
            resp = BindTransceiverResp() if is_bind else SubmitSmResp("x" * 64)
            connection.respond(event.sequence_number, resp)
        if transport is not None:
            buffered = max(buffered, transport.get_write_buffer_size())
        if isinstance(event, Closed):
            closed.set_result(event.reason)

    def small_send_buffer(connection: SmppConnection) -> None:
        assert connection._transport is not None
        connected = connection._transport.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)

    def connection() -> SmppConnection:
        timers = Timers(enquire_link_s=0.2, response_s=0.2)
        clock = Clock(loop.time, 0.0)
        return SmppConnection(Role.SMSC, clock, timers, on_event, on_open=small_send_buffer)

    server = await loop.create_server(connection, "127.0.0.1", 0)
    with socket.socket() as peer:
        peer.setblocking(False)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        await loop.sock_connect(peer, server.sockets[0].getsockname())
        await loop.sock_sendall(peer, codec.encode(BindTransceiver(), 1))
        flood = b"".join(codec.encode(SubmitSm(), n) for n in range(2, 10_002))
        sending = [loop.create_task(loop.sock_sendall(peer, flood * 20))]
        async with asyncio.timeout(30):
            reason = await closed
        sending[0].cancel()
        await asyncio.wait(sending)
    server.close()
    assert reason == "no answer to enquire_link within response_s"
    # One read's worth of answers may come on top of the limit.
    assert WRITE_BUFFER_MAX < buffered < 2 * WRITE_BUFFER_MAX


@pytest.mark.e2e
async def test_nagle_is_off() -> None:
    loop = asyncio.get_running_loop()
    made: list[SmppConnection] = []

    def connection() -> SmppConnection:
        made.append(SmppConnection(Role.SMSC, Clock(loop.time, 0.0), TIMERS, lambda _, event: None))
        return made[-1]

    server = await loop.create_server(connection, "127.0.0.1", 0)
    transport, _ = await loop.create_connection(
        asyncio.Protocol, *server.sockets[0].getsockname()[:2]
    )
    while not made or not made[0].peer:  # noqa: ASYNC110 - the accept is the loop's, untold
        await asyncio.sleep(0.001)
    assert made[0]._transport is not None
    connected = made[0]._transport.get_extra_info("socket")
    assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    transport.close()
    made[0].abort("test")
    server.close()
    await server.wait_closed()
