"""What customers want of messages that a carrier may have taken, held through 25 kills each.

`make kills N=n` makes an eighth of n, and `make test` fewer.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.kill_loop_audit import Promise
from tests.e2e.kill_loop_run import Aftermath, run_kill_loop

KILLS = int(os.environ.get("KILLS", "200")) // 8
SEED = int(os.environ.get("SEED", "3"))
HOLD_S = 2.0
UNKNOWN_S = 5.0
# A message that is held, or never sent again, lets the next one to its recipient pass.
OVERTAKEN = {Promise.ORDER}

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120 + 3 * KILLS)]


def broken(aftermath: Aftermath) -> set[Promise]:
    print(aftermath.verdict)  # noqa: T201 - shown by pytest -rP
    return set(aftermath.verdict.broken) - OVERTAKEN


async def test_message_that_is_never_sent_again_arrives_once_at_most(tmp_path: Path) -> None:
    aftermath = await run_kill_loop(
        tmp_path,
        KILLS,
        SEED,
        account={"in_doubt": "unknown"},
        queue={"outcome_unknown_wait_s": UNKNOWN_S},
    )

    assert broken(aftermath) == set(), str(aftermath.verdict)
    assert aftermath.settled
    assert aftermath.verdict.figures["arrived twice"] == 0


async def test_message_that_is_held_is_delivered_in_the_end(tmp_path: Path) -> None:
    aftermath = await run_kill_loop(
        tmp_path, KILLS, SEED, account={"in_doubt": "hold", "in_doubt_hold_s": HOLD_S}
    )

    figures = aftermath.verdict.figures
    assert broken(aftermath) == set(), str(aftermath.verdict)
    assert aftermath.settled
    assert figures["delivered"] == figures["accepted"]
