"""Who has not the key is not heard, nor is audio sent to him, whatever else he knows; who has it is
followed, and what a bad way does to its packets is told as it was."""

from __future__ import annotations

from random import Random

from pylibsrtp import Policy, Session

from media.latch import LOCK_PACKETS
from media.packet_run import NOTHING
from tests.e2e.patience import until
from tests.media.impaired_call import ImpairedCall, speech
from tests.media.impaired_path import Arrival, ImpairedPath
from tests.media.packets import packet
from tests.media.udp_end import UdpEnd

KEY, ANOTHER = bytes(range(30)), bytes(30)
GUESSED = 20


def protected(arrivals: list[Arrival], key: bytes = KEY) -> list[Arrival]:
    session = Session(Policy(key, Policy.SSRC_ANY_OUTBOUND))
    return [Arrival(at, session.protect(octets)) for at, octets in arrivals]


async def test_thief_without_the_key_is_not_heard_first_nor_later() -> None:
    sent = speech(20)
    real = protected(sent)
    with ImpairedCall(KEY) as call:
        thief = UdpEnd()
        # The right SSRC and sequence numbers, before the end and after it: in the clear, by another
        # key, and what the end has said itself.
        for one in [*sent, *protected(sent, ANOTHER)]:
            thief.send(one.packet, call.ports[0])
        heard = await call.carry(real[:10])
        for one in [
            *real[:10],
            *speech(GUESSED, first=11),
            *protected(speech(GUESSED, 11), ANOTHER),
        ]:
            thief.send(one.packet, call.ports[0])
        heard += await call.carry(real[10:])
        assert heard == [one.packet for one in sent]
        call.ends[1].send(packet(7), call.ports[1])
        assert (await call.ends[0].receive())[1] == call.ports[0]

        async def strays() -> int:  # They come by another socket than what is heard.
            return call.relay.leg(0).strays

        expected = 2 * len(sent) + 10 + 2 * GUESSED
        assert await until(strays, lambda count: count >= expected) == expected
        assert call.heard.lost == 0
        thief.close()


async def test_end_with_the_key_is_followed_behind_its_nat() -> None:
    sent = speech(20)
    with ImpairedCall(KEY) as call:
        nat = UdpEnd()
        real = protected(sent)
        for one in real[: LOCK_PACKETS - 1]:
            nat.send(one.packet, call.ports[0])
        heard = await call.carry(real[LOCK_PACKETS - 1 :], nat)
        assert heard == [one.packet for one in sent[LOCK_PACKETS - 1 :]]
        call.ends[1].send(packet(7), call.ports[1])
        assert (await nat.receive())[1] == call.ports[0]
        nat.close()


async def test_losses_are_counted_as_they_were_though_sequence_numbers_begin_anew() -> None:
    path = ImpairedPath(Random(3), loss=0.1)
    sent = speech(400, first=65_400)
    arrivals = [protected(sent)[0], *path.carry(protected(sent)[1:-1]), protected(sent)[-1]]
    with ImpairedCall(KEY) as call:
        heard = await call.carry(arrivals)
        assert len(heard) == len(arrivals)
        assert call.heard.lost == path.lost > 0
        assert call.relay.leg(0).strays == 0


async def test_end_that_is_in_turn_is_heard_and_counted_as_it_was_and_a_forger_there_is_not() -> (
    None
):
    sent = speech(40)
    real = protected(sent)
    with ImpairedCall(KEY) as call:
        await call.speak_back()
        heard = await call.carry(real[:20])
        run = call.relay.leg(0).reception.run
        assert run.expected != NOTHING
        # From the end's own socket, in turn by its head, but not by its tag: twice, and once again.
        forged = real[20].packet[:-1] + bytes([real[20].packet[-1] ^ 1])
        for octets in (forged, forged, real[19].packet):
            call.ends[0].send(octets, call.ports[0])
        heard += await call.carry(real[20:])
        assert heard == [one.packet for one in sent]
        assert run.expected != NOTHING
        assert (call.heard.packets, call.heard.octets, call.heard.lost) == (40, 40 * 172, 0)
        assert call.relay.leg(0).strays == 3


async def test_what_is_sent_in_turn_to_an_end_with_a_key_is_protected() -> None:
    with ImpairedCall(KEY) as call:
        await call.carry(protected(speech(3)))
        for number in range(1, 20):
            call.ends[1].send(packet(number), call.ports[1])
            octets, _ = await call.ends[0].receive()
            assert len(octets) == len(packet()) + 10
            assert packet()[12:] not in octets
        assert call.relay.leg(1).reception.run.expected != NOTHING
        assert call.relay.leg(1).reception.packets == 19
