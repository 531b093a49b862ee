"""kill -9, 200 times, while customers send: nothing accepted is lost, nothing invented.

`make kills N=n` makes more of them, SEED=n others, and `make test` fewer.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.kill_loop_audit import Promise
from tests.e2e.kill_loop_run import Aftermath, run_kill_loop

KILLS = int(os.environ.get("KILLS", "200"))
SEED = int(os.environ.get("SEED", "3"))

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(120 + 3 * KILLS),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def aftermath(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Aftermath]:
    aftermath = await run_kill_loop(tmp_path_factory.mktemp("killed"), KILLS, SEED)
    print(f"seed {SEED}: {aftermath.verdict}")  # noqa: T201 - shown by pytest -rP
    yield aftermath


@pytest.mark.parametrize("promise", Promise, ids=lambda promise: promise.name.lower())
async def test_promise_is_kept(aftermath: Aftermath, promise: Promise) -> None:
    assert aftermath.verdict.examples.get(promise, []) == [], str(aftermath.verdict)


async def test_every_accepted_message_is_delivered(aftermath: Aftermath) -> None:
    figures = aftermath.verdict.figures

    assert aftermath.settled, str(aftermath.verdict)
    assert figures["delivered"] == figures["accepted"]


async def test_every_way_in_was_busy(aftermath: Aftermath) -> None:
    """And some answers were swallowed, which is what kills are for."""
    ways = {(ask.way, bool(ask.key)) for ask in aftermath.ledger.accepted.values()}

    assert len(ways) == 4
    assert aftermath.verdict.figures["unanswered"] > 0


async def test_the_last_daemon_ended_well(aftermath: Aftermath) -> None:
    assert aftermath.exit_code == 0


async def test_the_store_is_whole(aftermath: Aftermath) -> None:
    assert aftermath.flaws == []
