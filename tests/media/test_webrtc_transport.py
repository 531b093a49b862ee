"""ICE, DTLS and SRTP between two of our transports, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import threading
import time
from collections.abc import AsyncIterator

import aioice.ice
import pytest
from aioice import stun

from media.latch import Source
from media.reception import Reception
from media.relay import RelayHost
from media.rtp import RtpHeader
from media.sdp import Address
from media.webrtc_end import WebRtcEnds
from media.webrtc_hooks import IceProtocol
from media.webrtc_host import CERTIFICATE_S, WebRtcHost
from media.webrtc_parameters import (
    Fingerprint,
    LocalParameters,
    RemoteParameters,
    Setup,
)
from media.webrtc_transport import (
    SOURCES_MAX,
    TransportState,
    WebRtcTransport,
)
from tests.e2e.patience import until
from tests.media.packets import packet, receiver_report
from tests.media.stun_server import mapped
from tests.media.udp_end import LOOPBACK, UdpEnd

pytestmark = pytest.mark.e2e

PORTS = (32_000, 32_999)
WAIT_S = 20.0
CONNECTED = TransportState.CONNECTED
# Set up and closed again, to find what is left over.
SET_UPS, AT_ONCE = 200, 10


class End:
    """A transport, and what came of it; `local` is what it gathered last."""

    def __init__(self, host: WebRtcHost, controlling: bool) -> None:
        self.transport = WebRtcTransport(host, controlling, self._state_changed)
        self.transport.received = self._received
        self.states: asyncio.Queue[TransportState] = asyncio.Queue()
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.local: LocalParameters

    async def gather(self) -> None:
        self.local = await self.transport.gather()

    async def becomes(self, state: TransportState) -> None:
        async with asyncio.timeout(WAIT_S):
            while await self.states.get() is not state:
                pass

    async def hears(self) -> bytes:
        async with asyncio.timeout(WAIT_S):
            return await self.heard.get()

    def _state_changed(self, state: TransportState) -> None:
        self.states.put_nowait(state)

    def _received(self, octets: bytes, source: Source, now: float) -> None:
        self.heard.put_nowait(octets)


class Pair:
    """Two ends of one host: the first offers, and begins no DTLS."""

    def __init__(self, host: WebRtcHost) -> None:
        self.host = host
        self.ends = (End(host, controlling=True), End(host, controlling=False))

    async def connect(self, fingerprint: Fingerprint | None = None) -> tuple[End, End]:
        for end in self.ends:
            await end.gather()
        offerer, answerer = self.ends
        said = fingerprint or offerer.local.fingerprint
        answerer.transport.connect(remote(offerer.local, Setup.ACTPASS, said), is_client=True)
        offerer.transport.connect(remote(answerer.local, Setup.ACTIVE), is_client=False)
        return self.ends

    async def connected(self) -> tuple[End, End]:
        for end in await self.connect():
            await end.becomes(CONNECTED)
        return self.ends

    async def close(self) -> None:
        for end in self.ends:
            self.host.close(end.transport.close())
        await self.host.closed()


def remote(
    local: LocalParameters, setup: Setup, fingerprint: Fingerprint | None = None
) -> RemoteParameters:
    fingerprints = frozenset([fingerprint or local.fingerprint])
    return RemoteParameters(local.ufrag, local.pwd, fingerprints, setup, local.candidates)


@pytest.fixture
async def relays() -> AsyncIterator[RelayHost]:
    host = RelayHost(LOOPBACK, PORTS, random.Random(3), time.monotonic)
    yield host
    host.close()
    assert host.ports.taken == set()


@pytest.fixture
async def pair(relays: RelayHost) -> AsyncIterator[Pair]:
    pair = Pair(WebRtcHost(relays, time.monotonic))
    yield pair
    await pair.close()


async def test_rtp_and_rtcp_pass_both_ways(pair: Pair) -> None:
    for sender, receiver in ((0, 1), (1, 0)):
        if sender == 0:
            await pair.connected()
        for octets in (packet(), receiver_report()):
            is_rtcp = octets[1] > 191
            transport = pair.ends[sender].transport
            (transport.send_rtcp if is_rtcp else transport.send_rtp)(octets)
            assert await pair.ends[receiver].hears() == octets


async def test_candidates_are_of_the_range_and_of_the_host_alone(pair: Pair) -> None:
    await pair.ends[0].gather()
    (candidate,) = pair.ends[0].local.candidates
    assert candidate.host == LOOPBACK
    assert PORTS[0] <= candidate.port <= PORTS[1]


async def test_behind_a_nat_the_advertised_host_is_told_and_no_other() -> None:
    relays = RelayHost(LOOPBACK, PORTS, random.Random(3), time.monotonic, "203.0.113.9")
    pair = Pair(WebRtcHost(relays, time.monotonic))
    await pair.ends[0].gather()
    assert [one.host for one in pair.ends[0].local.candidates] == ["203.0.113.9"]
    await pair.close()
    relays.close()


async def test_ends_meet_over_ipv6() -> None:
    relays = RelayHost("::1", PORTS, random.Random(3), time.monotonic)
    pair = Pair(WebRtcHost(relays, time.monotonic))
    first, second = await pair.connected()
    first.transport.send_rtp(packet())
    assert await second.hears() == packet()
    await pair.close()
    relays.close()


async def test_an_end_that_tells_no_candidate_is_found_by_its_checks(pair: Pair) -> None:
    for end in pair.ends:
        await end.gather()
    offerer, answerer = pair.ends
    hidden = remote(answerer.local, Setup.ACTIVE)
    silent = RemoteParameters(hidden.ufrag, hidden.pwd, hidden.fingerprints, hidden.setup)
    offerer.transport.connect(silent, is_client=False)
    answerer.transport.connect(remote(offerer.local, Setup.ACTPASS), is_client=True)
    await offerer.becomes(CONNECTED)
    await answerer.becomes(CONNECTED)


async def test_a_stun_server_tells_how_we_are_seen(relays: RelayHost) -> None:
    server = UdpEnd()
    host = WebRtcHost(relays, time.monotonic, stun_server=Address(LOOPBACK, server.port))
    pair = Pair(host)
    gathering = asyncio.create_task(pair.ends[0].gather())
    octets, port = await server.receive()
    server.send(mapped(octets, "203.0.113.9", 40_000), port)
    await gathering
    seen = pair.ends[0].local.candidates[1]
    assert (seen.host, seen.port, seen.type) == ("203.0.113.9", 40_000, "srflx")
    assert (seen.related_host, seen.related_port) == ("0.0.0.0", 9)
    server.close()
    await pair.close()


async def test_a_server_may_be_known_by_its_name(relays: RelayHost) -> None:
    server = UdpEnd()
    host = WebRtcHost(relays, time.monotonic, stun_server=Address("localhost", server.port))
    pair = Pair(host)
    gathering = asyncio.create_task(pair.ends[0].gather())
    octets, port = await server.receive()
    server.send(mapped(octets, "203.0.113.9", 40_000), port)
    await gathering
    assert pair.ends[0].local.candidates[1].host == "203.0.113.9"
    server.close()
    await pair.close()


async def test_who_is_asked_for_no_longer_gives_its_ports_back(relays: RelayHost) -> None:
    server = UdpEnd()
    host = WebRtcHost(relays, time.monotonic, stun_server=Address(LOOPBACK, server.port))
    gathering = asyncio.create_task(WebRtcEnds(host).gathered(we_offer=True))
    await server.receive()
    gathering.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await gathering
    await host.closed()
    assert not relays.ports.taken
    server.close()


async def test_a_certificate_is_renewed_before_its_end(relays: RelayHost) -> None:
    now = 0.0
    host = WebRtcHost(relays, lambda: now)
    first = host.certificate()
    now = CERTIFICATE_S
    assert host.certificate() is first
    now += 1
    second = host.certificate()
    assert second is not first
    assert host.certificate() is second


async def test_a_stun_server_that_is_silent_costs_its_candidate_alone(
    relays: RelayHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("media.webrtc_host.GATHER_S", 0.02)
    server = UdpEnd()
    host = WebRtcHost(relays, time.monotonic, stun_server=Address(LOOPBACK, server.port))
    pair = Pair(host)
    await pair.ends[0].gather()
    assert [one.type for one in pair.ends[0].local.candidates] == ["host"]
    server.close()
    await pair.close()


async def test_ice_begins_anew_without_a_gap(pair: Pair, relays: RelayHost) -> None:
    first, second = await pair.connected()
    before = set(relays.ports.taken)
    await pair.connect()
    first.transport.send_rtp(packet(1))
    assert await second.hears() == packet(1)
    for end in (first, second):
        await end.becomes(CONNECTED)
    first.transport.send_rtp(packet(2))
    assert await second.hears() == packet(2)
    await given_back(relays)
    assert not before & relays.ports.taken


async def test_ice_that_begins_anew_and_fails_leaves_what_there_was(
    pair: Pair, relays: RelayHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await pair.connected()
    monkeypatch.setattr("media.webrtc_transport.ICE_S", 0.05)
    await first.gather()
    nobody = remote(LocalParameters("none", "n" * 22, first.local.fingerprint, ()), Setup.ACTIVE)
    first.transport.connect(nobody, is_client=False)
    await given_back(relays)
    first.transport.send_rtp(packet())
    assert await second.hears() == packet()


async def test_a_certificate_that_is_not_that_of_the_fingerprint_is_refused(pair: Pair) -> None:
    wrong = Fingerprint("sha-256", ":".join(["00"] * 32))
    _, answerer = await pair.connect(wrong)
    await answerer.becomes(TransportState.FAILED)
    with pytest.raises(OSError, match="cannot be sent to"):
        answerer.transport.send_rtp(packet())


async def test_another_end_by_another_way_has_keys_of_its_own(relays: RelayHost) -> None:
    pair, others = [Pair(WebRtcHost(relays, time.monotonic)) for _ in range(2)]
    first, second = await pair.connected()
    # What was between the first two has other keys, and is not closed by the one that is left.
    pair.ends = first, others.ends[1]
    for end in await pair.connect():
        await end.becomes(CONNECTED)
    first.transport.send_rtp(packet())
    assert await others.ends[1].hears() == packet()
    await second.transport.close()
    await pair.close()


async def test_an_end_that_is_nowhere_fails(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.webrtc_transport.ICE_S", 0.05)
    (end, _) = pair.ends
    await end.gather()
    local = LocalParameters("none", "n" * 22, end.local.fingerprint, ())
    end.transport.connect(remote(local, Setup.ACTIVE), is_client=False)
    await end.becomes(TransportState.FAILED)


async def test_an_end_that_vanishes_is_no_longer_sent_to(
    pair: Pair, relays: RelayHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.01)
    monkeypatch.setattr(stun, "RETRY_RTO", 0.01)
    first, second = await pair.connected()
    for socket_pair in second.transport._pairs.values():
        socket_pair.rest()
    await first.becomes(TransportState.DISCONNECTED)
    with pytest.raises(OSError, match="cannot be sent to"):
        first.transport.send_rtp(packet())


async def test_an_end_that_closes_is_told(pair: Pair) -> None:
    first, second = await pair.connected()
    await first.transport.close()
    await second.becomes(TransportState.CLOSED)


async def test_what_is_no_srtp_of_the_end_is_a_stray(pair: Pair) -> None:
    first, second = await pair.connected()
    (candidate,) = second.local.candidates
    stranger = UdpEnd()
    strange = (packet(), b"", b"\x80", bytes(1_500), b"\x16" * 60, b"\xff")
    for octets in strange:
        stranger.send(octets, candidate.port)
    first.transport.send_rtp(packet(2))
    assert await second.hears() == packet(2)

    async def strays() -> int:
        return second.transport.strays

    await until(strays, lambda counted: counted == len(strange))  # By another socket.
    stranger.close()


async def test_what_comes_in_turn_goes_straight_while_there_are_keys(pair: Pair) -> None:
    first, second = await pair.connected()
    straight: list[bytes] = []
    reception = Reception()
    second.transport.run = reception.run

    def received(octets: bytes, source: Source, now: float) -> None:
        reception.received(octets, now)
        reception.begin_run(octets, lambda one: straight.append(bytes(one)), lambda: None)
        second.heard.put_nowait(octets)

    second.transport.received = received
    second.transport._go_straight()
    for number in range(1, 6):
        first.transport.send_rtp(packet(number))

    async def counted() -> int:
        return reception.packets

    assert await until(counted, lambda packets: packets == 5) == 5
    assert straight == [packet(3), packet(4), packet(5)]
    await second.transport.close()
    assert not reception.run.is_read


async def test_checks_of_ice_are_answered_beside_what_goes_straight(pair: Pair) -> None:
    first, second = await pair.connected()
    await asyncio.sleep(0)
    for end in (first, second):
        (path,) = end.transport._pairs
        selected = path._nominated[1]
        assert path.remote_password is not None
        request = path.build_request(selected, nominate=False)
        await selected.protocol.request(
            request, selected.remote_addr, integrity_key=path.remote_password.encode()
        )


async def test_malformed_stun_is_a_stray(pair: Pair) -> None:
    await pair.ends[0].gather()
    (path,) = pair.ends[0].transport._pairs
    (protocol,) = path._protocols
    assert isinstance(protocol, IceProtocol)
    chance = random.Random(5)
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{path.local_username}:them"
    request.attributes["PRIORITY"] = 1
    request.add_message_integrity(path.local_password.encode())
    whole = bytes(request)
    for _ in range(2_000):
        octets = bytearray(whole[: chance.randrange(len(whole) + 1)])
        for _ in range(chance.randrange(4)):
            if len(octets) > 1:
                octets[chance.randrange(1, len(octets))] = chance.randrange(256)
        protocol.received(bytes(octets), (LOOPBACK, 9), 0.0)


async def test_an_end_has_few_sources(pair: Pair) -> None:
    first, second = await pair.connected()
    for ssrc in range(SOURCES_MAX):
        first.transport.send_rtp(packet(ssrc=ssrc))
        await second.hears()
    with pytest.raises(OSError, match="cannot be sent to"):
        first.transport.send_rtp(packet(ssrc=SOURCES_MAX))


@pytest.mark.parametrize("octets", [b"", b"\x80", bytes(1_500), bytes(RtpHeader(0, 1, 1, 1))[:11]])
async def test_what_cannot_be_protected_is_refused(pair: Pair, octets: bytes) -> None:
    first, _ = await pair.connected()
    with pytest.raises(OSError, match="the packet is no RTP"):
        first.transport.send_rtp(octets)


async def test_set_ups_leave_nothing_behind(relays: RelayHost) -> None:
    relays.close()  # From now on it keeps no sockets for the next call.
    host = WebRtcHost(relays, time.monotonic)
    await set_up(host)
    gc.collect()
    before = census()
    for _ in range(SET_UPS // AT_ONCE):
        await asyncio.gather(*[set_up(host) for _ in range(AT_ONCE)])
    gc.collect()
    assert census() == before


async def set_up(host: WebRtcHost) -> None:
    pair = Pair(host)
    first, second = await pair.connected()
    first.transport.send_rtp(packet())
    await second.hears()
    for end in pair.ends:
        await end.transport.close()


def census() -> tuple[int, int, int, int]:
    """Files, threads, tasks, and transports in memory."""
    transports = sum(isinstance(one, WebRtcTransport) for one in gc.get_objects())
    return (
        len(os.listdir("/proc/self/fd")),
        threading.active_count(),
        len(asyncio.all_tasks()),
        transports,
    )


async def given_back(relays: RelayHost) -> None:
    """Until two ports are left, those of what is used."""

    async def taken() -> int:
        return len(relays.ports.taken)

    await until(taken, lambda ports: ports <= 2, WAIT_S)
