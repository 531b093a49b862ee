"""A media worker without its process: what it answers, and what it tells by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from media import sdp
from media.events import MediaTimeout, Played
from media.heard import NOTHING
from media.profile import Profile, profile_of
from media.worker.messages import (
    Answer,
    Begin,
    Delete,
    Described,
    Done,
    Dtmf,
    Event,
    Happened,
    Listen,
    Measured,
    Offer,
    Ping,
    Place,
    Play,
    Pong,
    Query,
    Record,
    Refused,
    Reply,
    Report,
    Stop,
    StopRecording,
    Told,
    happened,
)
from media.worker.service import REPORTED_MAX, Service
from tests.e2e.patience import until
from tests.interop.free_port import free_udp_block
from tests.media.descriptions import spoken
from tests.media.packets import packet
from tests.media.stun_server import mapped
from tests.media.udp_end import LOOPBACK, WAIT_S, UdpEnd
from tests.media.webrtc_descriptions import browser, restarted

CALL = 7


class Begun(Service):
    """`told` is what it has told, `answered` what it answered late."""

    def __init__(
        self,
        ports: tuple[int, int] = (27_000, 27_999),
        silence_s: float = 60.0,
        stun_port: int = 0,
        browsers: bool = True,
    ) -> None:
        self.told: list[Reply | Event] = []
        self.answered: asyncio.Queue[Reply | Event] = asyncio.Queue()
        super().__init__(self._hear)
        stun = (LOOPBACK, stun_port) if stun_port else ("", 0)
        place = Place(LOOPBACK, "", *ports, silence_s, stun, browsers=browsers)
        begun = self.handle(Begin(1, place))
        assert begun == Pong(1, 0, 0, 0, 0, 0)

    def _hear(self, told: Reply | Event) -> None:
        self.told.append(told)
        self.answered.put_nowait(told)

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
    assert refused.status == 488


async def test_somebody_else_of_another_profile_takes_the_place_of_an_end_by_its_answer(
    begun: Start,
) -> None:
    service, caller, called = begun(), UdpEnd(), UdpEnd()
    service.join(caller.description(), called.description())
    offered = service.handle(Offer(4, CALL, 0, caller.description(), Profile.SDES))
    assert isinstance(offered, Described)
    assert b"RTP/SAVP" in offered.sdp
    assert service.relays[CALL].profile(1) is Profile.PLAIN
    answered = service.handle(Answer(5, CALL, 1, answer_of(offered.sdp, called.port)))
    assert isinstance(answered, Described)
    assert b"RTP/AVP" in answered.sdp
    assert service.relays[CALL].profile(1) is Profile.SDES
    caller.close()
    called.close()


async def test_end_stays_where_somebody_else_was_offered_and_did_not_answer(begun: Start) -> None:
    service, caller, called = begun(), UdpEnd(), UdpEnd()
    _, port = service.join(caller.description(), called.description())
    service.handle(Offer(4, CALL, 0, caller.description(), Profile.SDES))
    service.handle(Offer(5, CALL, 0, caller.description(), Profile.PLAIN))
    caller.send(packet(), port)
    assert (await called.receive())[0] == packet()
    service.handle(Delete(6, CALL))
    caller.close()
    called.close()


async def test_what_came_from_an_end_that_was_replaced_stays_counted(begun: Start) -> None:
    service, caller, called = begun(), UdpEnd(), UdpEnd()
    port, _ = service.join(caller.description(), called.description())
    called.send(packet(1), port)
    called.send(packet(3), port)
    assert [(await caller.receive())[0] for _ in range(2)] == [packet(1), packet(3)]
    offered = service.handle(Offer(4, CALL, 0, caller.description(), Profile.SDES))
    assert isinstance(offered, Described)
    service.handle(Answer(5, CALL, 1, answer_of(offered.sdp, called.port)))
    measured = service.handle(Query(6, CALL))
    assert isinstance(measured, Measured)
    assert (measured.second.packets, measured.second.lost) == (2, 1)
    assert 1 < measured.second.mos < 4.4
    assert service.handle(Ping(7)) == Pong(7, 1, 2, 2 * len(packet()), 0, 0)
    assert service.handle(Delete(8, CALL)) == Measured(8, measured.first, measured.second)
    assert service.handle(Ping(9)) == Pong(9, 0, 2, 2 * len(packet()), 0, 0)
    caller.close()
    called.close()


def answer_of(offer: bytes, port: int) -> bytes:
    """The offer itself, at another port, with the first of its keys."""
    media = sdp.parse(offer).media[0]
    lines = offer.replace(f"m=audio {media.port}".encode(), f"m=audio {port}".encode())
    head, *keys = lines.split(b"a=crypto:")
    last = keys[-1].partition(b"\r\n")[2]
    return head + b"a=crypto:" + keys[0].partition(b"\r\n")[0] + b"\r\n" + last


async def test_browser_is_spoken_to_as_browsers_are_whoever_calls(begun: Start) -> None:
    service = begun()
    service.handle(Offer(2, CALL, 0, browser()))
    answered = service.handle(Answer(3, CALL, 1, spoken()))
    offered = service.handle(Offer(4, CALL + 1, 0, spoken(), Profile.WEBRTC))
    assert isinstance(answered, Described)
    assert isinstance(offered, Described)
    assert profile_of(answered.sdp) is profile_of(offered.sdp) is Profile.WEBRTC


async def test_browser_where_none_was_expected_waits_until_its_needs_are_loaded(
    begun: Start,
) -> None:
    service = begun(browsers=False)
    assert service.handle(Offer(2, CALL, 0, spoken(), Profile.WEBRTC)) is None
    async with asyncio.timeout(WAIT_S):
        offered = await service.answered.get()
    assert isinstance(offered, Described)
    assert profile_of(offered.sdp) is Profile.WEBRTC
    assert isinstance(service.handle(Offer(3, CALL + 1, 0, browser())), Described)


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


async def seen_by(server: UdpEnd, service: Begun, host: str) -> bytes:
    """What an offer is told for, once the server has said how we are seen."""
    request, port = await server.receive()
    server.send(mapped(request, host, 40_000), port)
    async with asyncio.timeout(WAIT_S):
        described = await service.answered.get()
    assert isinstance(described, Described)
    return described.sdp


async def test_ice_that_begins_anew_asks_the_stun_server_as_at_first(begun: Start) -> None:
    server = UdpEnd()
    service = begun(stun_port=server.port)
    assert service.handle(Offer(2, CALL, 0, browser())) is None
    await seen_by(server, service, "203.0.113.9")
    service.handle(Answer(3, CALL, 1, spoken()))
    assert isinstance(service.handle(Offer(4, CALL, 0, browser())), Described)
    assert service.handle(Offer(5, CALL, 0, browser(transport=restarted()))) is None
    assert service.handle(Offer(6, CALL, 1, spoken())) == Refused(
        6, 491, "the offer before waits yet"
    )
    await seen_by(server, service, "203.0.113.10")
    answered = service.handle(Answer(7, CALL, 1, spoken()))
    assert isinstance(answered, Described)
    assert b" 203.0.113.10 40000 typ srflx" in answered.sdp
    assert b" 203.0.113.9 " not in answered.sdp
    assert isinstance(service.handle(Offer(8, CALL, 0, b"")), Refused)
    server.close()


async def test_browser_that_takes_a_place_waits_for_the_stun_server(begun: Start) -> None:
    server, caller, called = UdpEnd(), UdpEnd(), UdpEnd()
    service = begun(stun_port=server.port)
    service.join(caller.description(), called.description())
    assert service.handle(Offer(4, CALL, 0, caller.description(), Profile.WEBRTC)) is None
    offered = await seen_by(server, service, "203.0.113.9")
    assert b" 203.0.113.9 40000 typ srflx" in offered
    for end in (server, caller, called):
        end.close()


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

    async def told() -> list[Reply | Event]:
        return service.told

    assert (await until(told, bool))[0] == happened(CALL, MediaTimeout())


async def test_reports_are_of_all_calls_in_parts(begun: Start) -> None:
    calls = REPORTED_MAX + 1
    service = begun(ports=(26_000, 28_000 + 4 * calls))
    for call in range(calls):
        service.handle(Offer(call, call, 0, spoken()))
    reports = list(service.reports())
    assert [len(one.calls) for one in reports] == [REPORTED_MAX, 1]
    assert reports[1] == Report([(calls - 1, NOTHING, NOTHING)])


# Primitives of call control


async def test_tone_is_played_to_an_end_until_it_is_stopped(begun: Start) -> None:
    service, caller, called = begun(), UdpEnd(), UdpEnd()
    service.join(caller.description(), called.description())
    assert service.handle(Play(4, CALL, 0, "", 0, (425.0,), 0.2)) is None
    await caller.receive()
    assert Done(4) in service.told
    assert service.handle(Stop(5, CALL, 0)) == Done(5)
    await heard(service, happened(CALL, Played(0, False)))
    caller.close()
    called.close()


async def test_file_that_cannot_be_played_is_refused_when_it_was_looked_for(begun: Start) -> None:
    service = begun()
    service.join(spoken(), spoken())
    service.handle(Play(4, CALL, 0, "/nowhere.wav"))
    service.handle(Play(5, CALL, 0, __file__))
    await heard(service, Refused(4, 404, "no such audio: No such file or directory"))

    async def refused() -> list[int]:
        return [one.status for one in service.told if isinstance(one, Refused) and one.number == 5]

    assert await until(refused, bool) == [488]


async def test_call_that_is_over_before_its_audio_is_there_hears_nothing(begun: Start) -> None:
    service = begun()
    service.join(spoken(), spoken())
    service.handle(Play(4, CALL, 0, "", 0, (425.0,), 0.2))
    service.handle(Delete(5, CALL))
    await heard(service, Refused(4, 488, "the call is not known"))


async def test_digit_is_sent_to_an_end_and_heard_from_it(begun: Start) -> None:
    service, caller, called = begun(), UdpEnd(), UdpEnd()
    service.join(caller.description(), called.description())
    assert service.handle(Told(4, CALL, 0)) == Done(4)
    assert service.handle(Dtmf(5, CALL, 1, "5", 0.1)) == Done(5)
    octets, _ = await called.receive()
    assert octets[1] & 0x7F == 101
    caller.close()
    called.close()


async def test_call_is_recorded_and_listened_to(begun: Start, tmp_path: Path) -> None:
    service, file = begun(), tmp_path / "call.wav"
    service.join(spoken(), spoken())
    assert service.handle(Record(4, CALL, str(file))) == Done(4)
    assert service.handle(Listen(5, CALL, 0, True)) == Done(5)
    assert service.handle(StopRecording(6, CALL)) == Done(6)

    async def recorded() -> list[str]:
        return [str(one.facts[0]) for one in service.told if isinstance(one, Happened)]

    assert await until(recorded, lambda paths: str(file) in paths)


async def heard(service: Begun, what: Reply | Event) -> None:
    """Once it has told that."""

    async def told() -> bool:
        return what in service.told

    await until(told, bool)
