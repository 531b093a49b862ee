"""What a relay says of a bad way is what was done to the packets there, and all that came through
goes on. Losses are exact, and jitter is its estimate's mean within a quarter."""

from __future__ import annotations

from random import Random

import pytest

from tests.media.impaired_call import PTIME_S, ImpairedCall, speech
from tests.media.impaired_path import ImpairedPath, mean_change
from tests.media.packets import SSRC

PACKETS = 500
SEEDS = range(2)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("loss", [0.01, 0.05, 0.20])
async def test_losses_are_counted_as_they_were(seed: int, loss: float) -> None:
    path = ImpairedPath(Random(seed), loss=loss)
    first, *middle, last = speech(PACKETS)
    # Of the first and the last nobody could know that they were lost.
    arrivals = [first, *path.carry(middle), last]
    with ImpairedCall() as call:
        heard = await call.carry(arrivals)
        assert heard == [one.packet for one in arrivals]
        assert call.heard.lost == path.lost > 0
        assert call.heard.packets == PACKETS - path.lost


@pytest.mark.parametrize("jitter_s", [0.002, 0.008, 0.019])
async def test_jitter_is_that_of_the_way(jitter_s: float) -> None:
    path = ImpairedPath(Random(5), jitter_s=jitter_s)
    arrivals = path.carry(speech(PACKETS))
    with ImpairedCall() as call:
        await call.carry(arrivals)
        recently = mean_change(arrivals[-100:], PTIME_S)
        # Of two even delays the difference is a third of their range, in the mean.
        assert recently == pytest.approx(jitter_s / 3, rel=0.25)
        assert call.heard.jitter_s == pytest.approx(recently, rel=0.25)
        assert call.heard.lost == 0


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_comes_late_or_twice_is_not_lost(seed: int) -> None:
    path = ImpairedPath(Random(seed), late=0.05, double=0.05)
    arrivals = path.carry(speech(PACKETS))
    with ImpairedCall() as call:
        heard = await call.carry(arrivals)
        assert heard == [one.packet for one in arrivals]
        assert call.heard.packets == PACKETS + path.doubled
        assert call.heard.lost == 0


@pytest.mark.parametrize("seed", range(8))
async def test_all_of_it_at_once_with_a_new_source_is_borne(seed: int) -> None:
    random = Random(seed)
    path = ImpairedPath(random, loss=0.1, jitter_s=0.03, late=0.1, double=0.1)
    # Sequence numbers that wrap around, and a source that is followed by another.
    sent = speech(200, first=random.randrange(65_400, 65_536))
    sent += speech(200, random.randrange(65_536), SSRC + 1, since=200 * PTIME_S)
    arrivals = path.carry(sent)
    with ImpairedCall() as call:
        heard = await call.carry(arrivals)
        # To who hears them it is one source, and nothing else has changed.
        assert [one[12:] for one in heard] == [one.packet[12:] for one in arrivals]
        assert {int.from_bytes(one[8:12]) for one in heard} == {SSRC}
        quality = call.heard
        assert quality.packets == len(arrivals)
        # Duplicates hide losses (RFC 3550 A.3), and those on the edges cannot be seen.
        assert path.lost - path.doubled - 8 <= quality.lost <= path.lost + 8
        assert 1.0 <= quality.mos <= 4.5


async def test_the_worse_the_way_the_lower_the_mos() -> None:
    marks = []
    for loss in (0.0, 0.02, 0.10, 0.30):
        with ImpairedCall() as call:
            await call.carry(ImpairedPath(Random(1), loss=loss).carry(speech(200)))
            marks.append(call.heard.mos)
    assert marks == sorted(marks, reverse=True)
    assert marks[0] > 4.2
    assert marks[-1] < 3.0
