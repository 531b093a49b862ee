"""A media worker without its process: what it answers, and what it tells by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from media import sdp
from media.profile import Profile, profile_of
from media.worker.messages import (
    Answer,
    Begin,
    Delete,
    Described,
    Event,
    Measured,
    Offer,
    Ping,
    Place,
    Pong,
    Query,
    Refused,
    Reply,
    Report,
    Silent,
)
from media.worker.service import NOTHING, REPORTED_MAX, Service
from tests.e2e.patience import until
from tests.interop.free_port import free_udp_block
from tests.media.descriptions import spoken
from tests.media.packets import packet
from tests.media.stun_server import mapped
from tests.media.udp_end import LOOPBACK, WAIT_S, UdpEnd
from tests.media.webrtc_descriptions import browser

CALL = 7


class Begun(Service):
    """`told` is what it has told, `answered` what it answered late."""

    def __init__(
        self,
        ports: tuple[int, int] = (27_000, 27_999),
        silence_s: float = 60.0,
        stun_port: int = 0,
    ) -> None:
        self.told: list[Event] = []
        self.answered: asyncio.Queue[Reply] = asyncio.Queue()
        super().__init__(self.told.append, self.answered.put_nowait)
        stun = (LOOPBACK, stun_port) if stun_port else ("", 0)
        begun = self.handle(Begin(1, Place(LOOPBACK, "", *ports, silence_s, stun)))
        assert begun == Pong(1, 0, 0, 0, 0, 0)

    def join(self, caller: bytes, called: bytes) -> tuple[int, int]:
        """The ports that the called side and the caller send to."""
        offered = self.handle(Offer(2, CALL, 0, caller))
        answered = self.handle(Answer(3, CALL, 1, called))
        assert isinstance(offered, Described)
        assert isinstance(answered, Described)
        return sdp.parse(offered.sdp).media[0].port, sdp.parse(answered.sdp).media[0].port


Start = Callable[..., Begun]


@pytest.fixture
async def begun() -> AsyncIterator[Start]:
    """Starts services, which are closed at the end of the test."""
    async with AsyncExitStack() as stack:

        def start(**where: Any) -> Begun:
            service = Begun(**where)
            stack.push_async_callback(service.closed)
            stack.callback(service.close)
            return service

        yield start


async def test_call_is_relayed_measured_and_deleted(begun: Start) -> None:
    service, caller, called = begun(), UdpEnd(), UdpEnd()
    _, port = service.join(caller.description(), called.description())
    caller.send(packet(), port)
    assert (await called.receive())[0] == packet()
    measured = service.handle(Query(4, CALL))
    assert isinstance(measured, Measured)
    assert (measured.first.packets, measured.second) == (1, NOTHING)
    assert service.handle(Delete(5, CALL)) == Measured(5, measured.first, NOTHING)
    assert service.handle(Ping(6)) == Pong(6, 0, 1, len(packet()), 0, 0)
    caller.close()
    called.close()


async def test_what_cannot_be_served_is_refused_by_its_number(begun: Start) -> None:
    service = begun()
    refused = service.handle(Offer(9, CALL, 0, b"hello"))
    assert isinstance(refused, Refused)
    assert (refused.number, refused.status) == (9, 488)


async def test_call_without_ports_is_a_503_and_leaves_nothing(begun: Start) -> None:
    least = free_udp_block(4)
    service = begun(ports=(least, least + 3))
    service.handle(Offer(2, 1, 0, spoken()))
    refused = service.handle(Offer(3, 2, 0, spoken()))
    assert isinstance(refused, Refused)
    assert refused.status == 503
    assert service.handle(Delete(4, 2)) == Measured(4, NOTHING, NOTHING)
    assert service.handle(Ping(5)) == Pong(5, 1, 0, 0, 0, 0)


async def test_answer_of_a_call_that_is_not_known_is_refused(begun: Start) -> None:
    refused = begun().handle(Answer(2, CALL, 1, spoken()))
    assert isinstance(refused, Refused)
    assert refused.status == 500


async def test_browser_is_spoken_to_as_browsers_are_whoever_calls(begun: Start) -> None:
    service = begun()
    service.handle(Offer(2, CALL, 0, browser()))
    answered = service.handle(Answer(3, CALL, 1, spoken()))
    offered = service.handle(Offer(4, CALL + 1, 0, spoken(), Profile.WEBRTC))
    assert isinstance(answered, Described)
    assert isinstance(offered, Described)
    assert profile_of(answered.sdp) is profile_of(offered.sdp) is Profile.WEBRTC


async def test_browser_waits_until_the_stun_server_has_told_how_we_are_seen(begun: Start) -> None:
    server = UdpEnd()
    service = begun(stun_port=server.port)
    assert service.handle(Offer(2, CALL, 0, spoken(), Profile.WEBRTC)) is None
    request, port = await server.receive()
    server.send(mapped(request, "203.0.113.9", 40_000), port)
    async with asyncio.timeout(WAIT_S):
        offered = await service.answered.get()
    assert isinstance(offered, Described)
    assert b" 203.0.113.9 40000 typ srflx" in offered.sdp
    server.close()


async def test_call_that_is_deleted_while_it_waits_is_refused(begun: Start) -> None:
    server = UdpEnd()
    service = begun(stun_port=server.port)
    service.handle(Offer(2, CALL, 0, browser()))
    assert service.handle(Delete(3, CALL)) == Measured(3, NOTHING, NOTHING)
    async with asyncio.timeout(WAIT_S):
        assert await service.answered.get() == Refused(2, 500, "the call is over")
    assert service.handle(Ping(4)) == Pong(4, 0, 0, 0, 0, 0)
    server.close()


async def test_silence_is_told_by_the_number_of_the_call(begun: Start) -> None:
    service = begun(silence_s=0.0)
    service.join(spoken(), spoken())

    async def told() -> list[Event]:
        return service.told

    assert (await until(told, bool))[0] == Silent(CALL)


async def test_reports_are_of_all_calls_in_parts(begun: Start) -> None:
    calls = REPORTED_MAX + 1
    service = begun(ports=(26_000, 28_000 + 4 * calls))
    for call in range(calls):
        service.handle(Offer(call, call, 0, spoken()))
    reports = list(service.reports())
    assert [len(one.calls) for one in reports] == [REPORTED_MAX, 1]
    assert reports[1] == Report([(calls - 1, NOTHING, NOTHING)])
