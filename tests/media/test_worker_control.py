"""The worker's end of the socket to the signalling, on a loop and without a process."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import pytest

from media.events import MediaTimeout
from media.heard import NOTHING
from media.worker.__main__ import serve
from media.worker.control import EVENTS_MAX, FAULTS_PER_REPORT_MAX, Control
from media.worker.messages import (
    Begin,
    Event,
    Fault,
    Frames,
    Offer,
    Ping,
    Place,
    Pong,
    Refused,
    Reply,
    Report,
    Request,
    answers,
    frame,
    happened,
)
from tests.media.descriptions import spoken
from tests.media.udp_end import LOOPBACK

BEGIN = Begin(1, Place(LOOPBACK, "", 27_000, 27_999, 60.0))


class Signalling:
    """The other end; `async with`."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._frames = Frames()
        self._ours.setblocking(False)

    async def __aenter__(self) -> Signalling:
        self.control = Control()
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self.control, sock=self._theirs)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ours.close()
        await self.closed()

    async def closed(self) -> None:
        async with asyncio.timeout(5):
            await self.control.closed.wait()

    async def ask(self, *requests: Request) -> None:
        await self.write(frame(list(requests)))

    async def write(self, octets: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._ours, octets)

    async def hear(self) -> list[Reply | Event]:
        """What one write of the worker's says."""
        async with asyncio.timeout(5):
            while True:
                octets = await asyncio.get_running_loop().sock_recv(self._ours, 65_536)
                if found := self._frames.feed(octets):
                    return [message for one in found for message in answers.decode(one)]

    def leave(self) -> None:
        self._ours.close()


async def test_batch_is_answered_in_one_write() -> None:
    async with Signalling() as signalling:
        await signalling.ask(BEGIN, Ping(2), Ping(3))
        pongs = await signalling.hear()
    assert [one.number for one in pongs if isinstance(one, Pong)] == [1, 2, 3]


async def test_fault_of_ours_costs_one_request_and_is_told() -> None:
    async with Signalling() as signalling:
        await signalling.ask(Offer(2, 7, 0, b""), BEGIN)  # Nothing may be asked before Begin.
        told = await signalling.hear()
        if len(told) < 3:
            told += await signalling.hear()
    faults = [one for one in told if isinstance(one, Fault)]
    assert "AssertionError" in faults[0].text
    assert Refused(2, 500, "a fault of the media worker") in told
    assert Pong(1, 0, 0, 0, 0, 0) in told


async def test_worker_is_not_needed_once_the_signalling_has_gone() -> None:
    async with Signalling() as signalling:
        await signalling.ask(BEGIN)
        await signalling.hear()
        signalling.leave()
        await signalling.closed()


async def test_stream_that_cannot_be_read_ends_it() -> None:
    async with Signalling() as signalling:
        await signalling.write(b"\x00\x00\x00\x01\xff")
        await signalling.closed()


async def test_no_more_events_are_kept_than_may_be_while_nobody_reads() -> None:
    async with Signalling() as signalling:
        signalling.control.pause_writing()
        for call in range(2 * EVENTS_MAX):
            signalling.control._tell(happened(call, MediaTimeout()))
        signalling.control.resume_writing()
        told = 0
        with suppress(TimeoutError):
            while told < EVENTS_MAX:
                told += len(await signalling.hear())
    assert told == EVENTS_MAX


async def test_so_many_faults_are_told_until_the_next_report_and_no_more() -> None:
    async with Signalling() as signalling:
        for _ in range(FAULTS_PER_REPORT_MAX + 5):
            signalling.control._on_loop_fault(asyncio.get_running_loop(), {"message": "oh"})
        assert await signalling.hear() == [Fault("oh")] * FAULTS_PER_REPORT_MAX


async def test_fault_of_the_loop_is_told_with_its_traceback() -> None:
    async with Signalling() as signalling:
        asyncio.get_running_loop().call_soon(lambda: [][1])
        [fault] = await signalling.hear()
    assert isinstance(fault, Fault)
    assert "IndexError" in fault.text


async def test_calls_are_reported_on_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.worker.control.REPORT_S", 0.0)
    async with Signalling() as signalling:
        await signalling.ask(BEGIN, Offer(2, 7, 0, spoken()))
        told = await signalling.hear()
        while not isinstance(told[-1], Report):
            told = await signalling.hear()
    assert told[-1] == Report([(7, NOTHING, NOTHING)])


async def test_worker_serves_until_its_socket_is_closed() -> None:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    serving = asyncio.create_task(serve(theirs))
    ours.close()
    async with asyncio.timeout(5):
        await serving
