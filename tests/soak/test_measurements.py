"""What counts as growth, and what does not."""

import os
from pathlib import Path

import pytest

from tests.soak.measurements import MIB, Bounds, Measurements, Sample, sample, slope

SAMPLES = 30
EVERY_S = 10.0
BOUNDS = Bounds(warm_s=60.0, rss=10 * MIB, descriptors=10, files=5, octets=5 * MIB)


def a_life(**grows: float) -> list[Sample]:
    """Five minutes of a process; `grows` says by how much each sample is more than the last."""

    def at(name: str, start: int, number: int) -> int:
        return int(start + grows.get(name, 0) * number)

    return [
        Sample(
            EVERY_S * number,
            at("rss", 60 * MIB, number),
            at("descriptors", 50, number),
            at("files", 10, number),
            at("octets", 8 * MIB, number),
        )
        for number in range(SAMPLES)
    ]


def test_what_stays_has_not_grown() -> None:
    assert Measurements([a_life(), a_life()]).growth(BOUNDS) == []


@pytest.mark.parametrize(
    ("what", "by"), [("rss", 2 * MIB), ("descriptors", 2), ("files", 1), ("octets", MIB)]
)
def test_what_rises_has_grown(what: str, by: float) -> None:
    (complaint,) = Measurements([a_life(**{what: by})]).growth(BOUNDS)

    assert complaint.startswith("memory" if what == "rss" else what)


def test_memory_that_rises_from_life_to_life_has_grown() -> None:
    lives = [a_life() for _ in range(6)]
    for number, life in enumerate(lives):
        life[-1] = Sample(300.0, (60 + 20 * number) * MIB, 50, 10, 8 * MIB)

    (complaint,) = Measurements([*lives, a_life()[:7]]).growth(BOUNDS)

    assert complaint == "memory from 120 to 160 MiB over all lives"


def test_memory_may_rise_while_it_is_cold() -> None:
    life = a_life(rss=20 * MIB)[:7]

    assert Measurements([life + a_life()[7:]]).growth(BOUNDS) == []


def test_slope_is_of_the_warm_part_in_mib_a_minute() -> None:
    assert Measurements([a_life(rss=2 * MIB)]).slope(BOUNDS) == pytest.approx(12.0)


def test_slope_needs_two_points() -> None:
    assert slope([(1.0, 1.0)]) == slope([(1.0, 1.0), (1.0, 2.0)]) == 0.0


def test_sample_is_of_a_process_and_its_store(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(bytes(1_000))

    taken = sample(os.getpid(), tmp_path, 1.0)

    assert taken is not None
    assert taken.rss > MIB
    assert (taken.files, taken.octets) == (1, 1_000)


def test_no_sample_of_what_is_not_there(tmp_path: Path) -> None:
    assert sample(os.getpid(), tmp_path / "nowhere", 1.0) is None
