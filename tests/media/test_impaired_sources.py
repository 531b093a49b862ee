"""Who is heard at a relayed call's port, and where its audio goes: to the end and to nobody else,
whatever others send there, and wherever a NAT puts the end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from media.latch import LOCK_PACKETS, SILENCE_S
from tests.e2e.patience import until
from tests.media.impaired_call import PTIME_S, ImpairedCall, speech
from tests.media.packets import packet
from tests.media.udp_end import UdpEnd


@pytest.fixture
async def call() -> AsyncIterator[ImpairedCall]:
    with ImpairedCall() as made:
        yield made


@pytest.fixture
async def other() -> AsyncIterator[UdpEnd]:
    """Somebody on the same host, but for the port: an attacker, or where a NAT puts the end."""
    end = UdpEnd()
    yield end
    end.close()


async def is_ignored(call: ImpairedCall, other: UdpEnd, packets: int = 50) -> None:
    """Packets that go on where the end's have ended, from another source: not one is heard, and
    what is for the end still goes there."""
    for number in range(packets):
        call.now += PTIME_S
        other.send(packet(1_000 + number), call.ports[0])
    await call.carry(speech(1, first=999))
    assert await goes_to(call, call.ends[0])


async def goes_to(call: ImpairedCall, end: UdpEnd) -> bool:
    """Whether what end 1 says comes to that end."""
    call.ends[1].send(packet(7), call.ports[1])
    return await end.receive() == (packet(7), call.ports[0])


async def test_source_that_guesses_ssrc_and_sequence_numbers_is_not_heard(
    call: ImpairedCall, other: UdpEnd
) -> None:
    await call.carry(speech(20, first=979))
    await is_ignored(call, other)
    assert call.heard.packets == 21

    async def strays() -> int:  # They come by another socket than what is heard.
        return call.relay.leg(0).strays

    assert await until(strays, lambda count: count >= 50) == 50


async def test_silence_of_the_end_lets_nobody_else_in(call: ImpairedCall, other: UdpEnd) -> None:
    await call.carry(speech(20, first=979))
    call.now += 10 * SILENCE_S
    await is_ignored(call, other)


async def test_end_is_heard_although_somebody_else_was_first(
    call: ImpairedCall, other: UdpEnd
) -> None:
    """Whom it might have been, behind a NAT."""
    for number in range(LOCK_PACKETS):
        other.send(packet(number), call.ports[0])
    assert await call.ends[1].receive()
    for number in range(LOCK_PACKETS - 1):
        call.ends[0].send(packet(977 + number), call.ports[0])
    assert await call.carry(speech(5, first=979))
    await is_ignored(call, other)


async def test_end_is_followed_behind_its_nat(call: ImpairedCall, other: UdpEnd) -> None:
    for number in range(LOCK_PACKETS - 1):
        other.send(packet(number), call.ports[0])
    assert await call.carry(speech(5, first=LOCK_PACKETS - 1), other)
    assert await goes_to(call, other)


async def test_nat_that_rewrites_the_port_is_followed_after_a_new_offer(
    call: ImpairedCall, other: UdpEnd
) -> None:
    await call.carry(speech(20, first=979))
    await is_ignored(call, other)
    call.agree()
    for number in range(LOCK_PACKETS - 1):
        other.send(packet(2_000 + number), call.ports[0])
    assert await call.carry(speech(5, first=2_000 + LOCK_PACKETS - 1), other)
    assert await goes_to(call, other)
