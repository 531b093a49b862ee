"""The bench itself works: a second of it, on real sockets, with its audit."""

from pathlib import Path

import pytest

from tests.bench import scenario
from tests.bench.scenario import Scenario
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
