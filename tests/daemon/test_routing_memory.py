"""What the router has learnt survives a restart, and nothing in the file can harm a start."""

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.clock import Clock
from gateway.daemon.routing_alarms import RoutingAlarms
from gateway.daemon.routing_memory import NAME, RoutingMemory
from gateway.streams.state_board import CLEARED, StateBoard
from routing.events import BindDown
from tests.routing.builders import NOW, a_bind, a_request, a_router
from tests.routing.traffic import TELEKOM, Traffic

SECONDS = 200.0
LATER = NOW + SECONDS + 60.0


class Run:
    """One run of the gateway, as far as this concerns it."""

    def __init__(self, directory: Path, now: float = NOW) -> None:
        self.router = a_router(a_bind("alpha/1"), a_bind("beta/1"), now=now)
        self.board = StateBoard()
        self.alarms = RoutingAlarms(self.router, self.board)
        self.now = now
        clock = Clock(lambda: 0.0, now + (SECONDS if now == NOW else 0.0))
        self.memory = RoutingMemory(directory, self.router, self.alarms, clock)

    def knows_telekom(self) -> bool:
        """More than what is believed of a network that nothing was sent to."""
        ranking = self.router.rank(a_request(mccmnc=TELEKOM), self.now)
        return ranking.candidates[0].estimate.n > 50


def learnt(directory: Path, down: str = "") -> Run:
    """A run that has written what it knows. `down`: a bind that is lost in the end."""
    run = Run(directory)
    Traffic(run.router).play(SECONDS)
    if down:
        run.router.observe(BindDown(down, NOW + SECONDS))
    asyncio.run(run.memory.write())
    return run


def test_a_later_run_knows_what_the_earlier_one_knew(tmp_path: Path) -> None:
    learnt(tmp_path)
    later = Run(tmp_path, LATER)
    assert not later.knows_telekom()
    later.memory.restore()
    assert later.knows_telekom()


def test_a_first_run_has_nothing_to_restore(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Run(tmp_path).memory.restore()
    assert caplog.messages == []


def test_a_kill_while_it_writes_leaves_what_was_written_before(tmp_path: Path) -> None:
    learnt(tmp_path)
    half = (tmp_path / NAME).read_bytes()[:1_000]
    (tmp_path / f"{NAME}.partial").write_bytes(half)
    later = Run(tmp_path, LATER)
    later.memory.restore()
    assert later.knows_telekom()
    asyncio.run(later.memory.write())
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def changed(**fields: object) -> Callable[[bytes], bytes]:
    return lambda octets: json.dumps(json.loads(octets) | fields).encode()


@pytest.mark.parametrize(
    "harm",
    [
        lambda octets: b"",
        lambda octets: b"\x00" * 5_000,
        lambda octets: octets[:-100],
        lambda octets: octets.replace(b"0.9", b"7.9", 1),
        changed(version=99),
        changed(format="somebody else's"),
        changed(state={}),
    ],
)
def test_a_file_that_is_damaged_or_foreign_is_told_of_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, harm: Callable[[bytes], bytes]
) -> None:
    learnt(tmp_path)
    path = tmp_path / NAME
    path.write_bytes(harm(path.read_bytes()))
    later = Run(tmp_path, LATER)
    later.memory.restore()
    assert caplog.messages == ["routing memory not used"]
    assert not later.knows_telekom()


def test_a_disk_that_cannot_be_written_does_no_harm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asyncio.run(Run(tmp_path / "missing").memory.write())
    assert caplog.messages == ["routing memory not written"]


def test_what_an_earlier_run_raised_is_cleared_at_a_broker(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    learnt(tmp_path, down="alpha/1")
    later = Run(tmp_path, LATER)
    later.memory.restore()
    (state,) = later.board.changed_since(0)
    assert (state.topic, state.value) == ("alarms/routing/down/alpha/1", CLEARED)
    assert caplog.messages[-1] == "routing memory restored"
