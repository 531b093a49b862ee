"""The bench itself works: a second of it, on real sockets, with its audit."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import scenario, system
from tests.bench.child_process import ROOT
from tests.bench.gateway_files import GatewaySize
from tests.bench.scenario import Scenario
from tests.bench.system import wait_until
from tests.interop.peers import PeerMissing

pytestmark = pytest.mark.e2e

SECONDS = 0.5
WARM_UP = 200


def test_messages_over_smpp_and_their_receipts_are_all_accounted_for(tmp_path: Path) -> None:
    figures = scenario.run(Scenario("smpp", window=10), SECONDS, tmp_path, WARM_UP)
    assert figures.messages
    assert figures.audit.clean


def test_messages_over_http_are_all_accounted_for(tmp_path: Path) -> None:
    measured = Scenario("http", entrance="http", connections=4)
    figures = scenario.run(measured, SECONDS, tmp_path, WARM_UP)
    assert figures.messages
    assert figures.audit.clean


def test_receipts_that_are_called_back_are_all_accounted_for(tmp_path: Path) -> None:
    measured = Scenario("http", entrance="http", connections=4, callbacks=True)
    figures = scenario.run(measured, SECONDS, tmp_path, WARM_UP)
    assert figures.callbacks >= 1
    assert figures.audit.clean


def test_an_open_loop_starts_as_many_messages_as_its_rate_says(tmp_path: Path) -> None:
    measured = Scenario("open", connections=2, rate=200, receipts=False)
    assert scenario.run(measured, SECONDS, tmp_path, WARM_UP).messages == 100


def test_cpu_is_of_every_part_of_the_system(tmp_path: Path) -> None:
    figures = scenario.run(Scenario("parts", window=10), SECONDS, tmp_path, WARM_UP)
    assert all(figures.parts_us.values())


@pytest.mark.parametrize(
    "size",
    [
        GatewaySize(accounts=20),
        GatewaySize(binds=8, narrow=True),
        GatewaySize(binds=6),
        GatewaySize(waiting=1_500),
    ],
    ids=["accounts", "narrow carriers", "binds", "waiting"],
)
def test_a_gateway_of_another_size_does_the_same_work(tmp_path: Path, size: GatewaySize) -> None:
    measured = Scenario("size", connections=10, window=2, size=size)
    figures = scenario.run(measured, SECONDS, tmp_path, WARM_UP)
    assert figures.messages
    assert figures.audit.clean


def test_interrupted_it_ends_what_it_has_started(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.bench", "--only", "100/s: ours", "--directory"]
    bench = subprocess.Popen(
        [*command, str(tmp_path)], cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True
    )
    wait_until(lambda: len(system.descendants(bench.pid)) > 2, "a gateway and a sink", 60.0)
    children = system.descendants(bench.pid)[1:]
    bench.send_signal(signal.SIGTERM)
    _, said = bench.communicate(timeout=60.0)
    assert b"interrupted" in said
    # Who has ended stays listed until its parent, now that of all, has heard of it.
    gone = "all that it had started to end"
    wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children), gone, 10.0)


def test_generator_and_sink_lose_nothing_between_them(tmp_path: Path) -> None:
    assert scenario.calibrate(tmp_path, SECONDS).per_second


def test_kannel_takes_the_same_work(tmp_path: Path) -> None:
    measured = Scenario("peer", "Kannel", "http", connections=4, callbacks=True)
    try:
        figures = scenario.run(measured, SECONDS, tmp_path, WARM_UP)
    except PeerMissing as reason:
        pytest.skip(str(reason))
    assert figures.messages
    assert figures.audit.clean
