"""100,000 destinations, of which a tenth is dead for half an hour: the others do not notice.

The outbox alone is shown at that size, the whole engine at a smaller one. With
SUPERNET_WEBHOOK_TOWN=large the outbox gets two and a half times the rate, and the engine all
destinations; that takes some minutes. `-o log_cli=true --log-cli-level=info` shows the figures.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from functools import cache

import msgspec
import pytest

from gateway.messaging.webhook_outbox import OutboxLimits
from tests.messaging.town.plan import Figures, Town

log = logging.getLogger(__name__)

MINUTE = 60.0
IS_LARGE = os.environ.get("SUPERNET_WEBHOOK_TOWN") == "large"
DESTINATIONS = {"outbox": 100_000, "engine": 100_000 if IS_LARGE else 2_000}
# Each message has two events: an event of each destination every five minutes, or every two.
PERIOD_S = {"outbox": (4 if IS_LARGE else 10) * MINUTE, "engine": 10 * MINUTE}

pytestmark = [pytest.mark.timeout(900), pytest.mark.parametrize("kind", ["outbox", "engine"])]


@cache
def figures(kind: str) -> Figures:
    town = Town(
        destinations=DESTINATIONS[kind],
        period_s=PERIOD_S[kind],
        dies_at=1 * MINUTE,
        recovers_at=31 * MINUTE,
        ends_at=36 * MINUTE,
    )
    encoded = msgspec.json.encode(town).decode()
    command = [sys.executable, "-m", "tests.messaging.town", kind, encoded]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found = msgspec.json.decode(done.stdout, type=Figures)
    log.info("%s: %s", kind, found)
    return found


def test_p99_of_the_healthy_ones_is_as_without_the_dead(kind: str) -> None:
    p99 = figures(kind).p99
    # In the small town, so few are told before anyone dies that the quantile is not exact.
    slack = 1.05 if DESTINATIONS[kind] == 100_000 else 1.25
    assert p99["during"] <= slack * p99["before"]
    assert p99["after"] <= slack * p99["before"]


def test_all_is_told_in_the_order_of_each_message(kind: str) -> None:
    found = figures(kind)
    assert (found.told, found.out_of_order) == (found.events, 0)


def test_backlog_of_the_dead_drains_within_minutes_of_their_recovery(kind: str) -> None:
    assert figures(kind).caught_up_s <= 5 * MINUTE + 20


def test_dead_destinations_are_known_as_such(kind: str) -> None:
    assert figures(kind).open_peak == DESTINATIONS[kind] // 10


def test_dead_destinations_are_hardly_attempted(kind: str) -> None:
    """A probe every few minutes, whatever there is to tell."""
    assert figures(kind).attempts_in_vain <= 20 * DESTINATIONS[kind] // 10


def test_memory_stays_within_its_bounds(kind: str) -> None:
    found = figures(kind)
    assert found.pending_peak <= OutboxLimits().pending_max
    assert found.mb <= 400
