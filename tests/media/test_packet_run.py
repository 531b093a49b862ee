"""Packets that go straight from a socket to another, without the leg: it counts them as if it had
had them, and whatever is not as expected, or changes the call, ends that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise
from random import Random

import pytest

from media.audio import tone
from media.packet_run import NOTHING, nowhere
from media.reception import Reception
from tests.media.descriptions import audio, sdp
from tests.media.impaired_call import PTIME_S, ImpairedCall, speech
from tests.media.impaired_path import Arrival, ImpairedPath
from tests.media.packets import SSRC, packet
from tests.media.udp_end import LOOPBACK

PACKETS = 300


@pytest.fixture
async def call() -> AsyncIterator[ImpairedCall]:
    """Whose end 0 has said so much that what it says in turn goes straight to end 1."""
    with ImpairedCall() as made:
        await made.speak_back()
        await made.carry(speech(5))
        assert in_run(made)
        yield made


def in_run(call: ImpairedCall) -> bool:
    return call.relay.leg(0).reception.run.expected != NOTHING


def counted_by_itself(arrivals: list[Arrival], began: float) -> Reception:
    reception = Reception()
    for at, octets in arrivals:
        reception.received(octets, began + at)
    return reception


@pytest.mark.parametrize("seed", range(6))
async def test_statistics_are_those_of_a_leg_that_had_each_packet(seed: int) -> None:
    random = Random(seed)
    path = ImpairedPath(random, loss=0.03, jitter_s=0.012, late=0.02, double=0.02)
    sent = speech(PACKETS, first=random.randrange(65_300, 65_536))  # They wrap around.
    arrivals = path.carry(sent)
    with ImpairedCall() as call:
        await call.speak_back()
        expected = counted_by_itself(arrivals, call.now)
        assert await call.carry(arrivals) == [one.packet for one in arrivals]
        reception = call.relay.leg(0).reception
        assert (reception.packets, reception.octets) == (expected.packets, expected.octets)
        assert (reception.lost, reception.highest) == (expected.lost, expected.highest)
        assert (reception.last_at, reception.sources) == (expected.last_at, 1)
        assert reception.jitter_s == pytest.approx(expected.jitter_s, rel=1e-6)
        assert reception.last == pytest.approx(expected.last)


async def test_statistics_are_known_within_a_run(call: ImpairedCall) -> None:
    await call.carry(speech(10, first=6))
    assert in_run(call)
    reception = call.relay.leg(0).reception
    assert (reception.packets, reception.octets, reception.lost) == (15, 15 * 172, 0)
    assert reception.last_at == call.now
    assert reception.last is not None
    assert reception.last[:3] == (SSRC, 15, 15 * 160)
    await call.carry(speech(10, first=16))
    assert reception.packets == 25


@pytest.mark.parametrize(
    "other",
    [
        packet(6, payload=bytes(80)),
        packet(6, timestamp=99_999),
        packet(7),
        packet(5),
        packet(6, payload_type=8),
        b"\x80\x80" + packet(6)[2:],
    ],
    ids=["shorter", "later", "after a loss", "again", "another type", "marked"],
)
async def test_packet_that_was_not_expected_goes_to_its_leg(
    call: ImpairedCall, other: bytes
) -> None:
    before = call.heard.octets
    assert await call.carry([Arrival(PTIME_S, other)]) == [other]
    assert call.heard.octets == before + len(other)
    following = speech(3, first=int.from_bytes(other[2:4]) + 1)
    assert await call.carry(following) == [one.packet for one in following]


async def test_another_source_goes_on_where_the_first_stopped(call: ImpairedCall) -> None:
    (heard,) = await call.carry([Arrival(PTIME_S, packet(6, ssrc=9))])
    assert (heard[2:4], heard[8:12]) == (packet(6)[2:4], packet(6)[8:12])
    assert call.relay.leg(0).reception.sources == 2


async def test_another_source_is_a_run_of_the_same_stream(call: ImpairedCall) -> None:
    sent = speech(20, first=30_000, ssrc=9)
    heard = await call.carry(sent)
    assert in_run(call)
    assert [int.from_bytes(one[2:4]) for one in heard] == list(range(6, 26))
    stamps = [int.from_bytes(one[4:8]) for one in heard]
    assert {later - earlier for earlier, later in pairwise(stamps)} == {160}
    assert {one[8:12] for one in heard} == {packet()[8:12]}
    outgoing = call.relay.leg(1).outgoing
    assert (outgoing.packets, outgoing.payload_octets) == (20, 20 * 160)
    sent_by = outgoing.sent_by(call.now)
    assert sent_by is not None
    assert sent_by.timestamp == stamps[-1]


async def test_what_is_played_within_a_run_goes_on_where_it_stopped(call: ImpairedCall) -> None:
    heard = await call.carry(speech(5, first=30_000, ssrc=9))
    outgoing = call.relay.leg(1).outgoing
    injected = outgoing.inject(0, bytes(160), outgoing.timestamp_at(call.now), call.now)
    assert int.from_bytes(injected[2:4]) == int.from_bytes(heard[-1][2:4]) + 1


async def test_digit_within_a_run_is_detected(call: ImpairedCall) -> None:
    digits: list[str] = []
    call.relay.leg(0).on_digit = lambda digit: digits.append(digit.sign)
    event = b"\x05\x8a\x03\x20"
    await call.carry([Arrival(PTIME_S, packet(6, payload=event, payload_type=101))])
    assert digits == ["5"]


async def test_who_is_played_to_does_not_hear_the_run(call: ImpairedCall) -> None:
    call.relay.services.play(1, tone([425], 1.0))
    assert not in_run(call)


async def test_who_is_listened_to_is_heard_from_the_next_packet_on(call: ImpairedCall) -> None:
    heard: list[bytes] = []

    class Tap:
        def heard(self, kind: int, payload: bytes, timestamp: int, now: float) -> None:
            heard.append(payload)

    call.relay.leg(0).tap(Tap())
    await call.carry(speech(2, first=6))
    assert heard == [bytes(160)] * 2


async def test_end_that_wants_nothing_is_sent_nothing_of_the_run(call: ImpairedCall) -> None:
    call.relay.offer(0, call.ends[0].description("sendonly"))
    call.relay.answer(1, call.ends[1].description("inactive"))
    call.ends[0].send(packet(6), call.ports[0])
    await call.has_heard(6)
    assert call.ends[1].received() == []


async def test_run_of_a_call_that_is_over_is_over(call: ImpairedCall) -> None:
    run = call.relay.leg(0).reception.run
    call.relay.close()
    assert (run.is_read, run.expected, run.send) == (False, NOTHING, nowhere)
    call.ends[0].send(packet(6), call.ports[0])
    assert call.ends[1].received() == []


async def test_what_the_system_does_not_take_of_a_run_is_counted(call: ImpairedCall) -> None:
    def full(packet: memoryview) -> None:
        raise BlockingIOError

    call.relay.leg(0).reception.run.send = full
    call.ends[0].send(packet(6), call.ports[0])
    await call.has_heard(6)
    assert call.relay.leg(0).unsent == 1
    assert call.heard.packets == 6


async def test_other_law_of_a_run_is_that_of_a_leg(call: ImpairedCall) -> None:
    a_law, mu_law = [
        sdp(audio(end.port, formats=(one,)), host=LOOPBACK)
        for end, one in zip(call.ends, "80", strict=True)
    ]
    call.relay.offer(0, a_law)
    call.relay.answer(1, mu_law)
    await call.speak_back()
    heard = await call.carry(speech(6, first=6, payload_type=8))
    assert [one[:2] for one in heard] == [b"\x80\x00"] * 6
    assert in_run(call)
    assert len({one[12:] for one in heard}) == 1
