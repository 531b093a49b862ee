"""What a run of the tests said about each of them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import pytest


class Outcome(StrEnum):
    """Of a test over all of its parameters; the worst of them counts."""

    PASS = "pass"
    SKIPPED = "skipped"
    FAIL = "fail"


WORSE = (Outcome.PASS, Outcome.SKIPPED, Outcome.FAIL)


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """Without any there is no proof."""
    return max(outcomes, key=WORSE.index, default=Outcome.FAIL)


class Listener:
    """A plugin of pytest: keeps the outcome of each test by its node id without parameters."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            outcome = Outcome.FAIL
        elif report.skipped:
            outcome = Outcome.SKIPPED
        else:
            outcome = Outcome.PASS
        test = report.nodeid.partition("[")[0]
        self.outcomes[test] = worst([self.outcomes.get(test, Outcome.PASS), outcome])
