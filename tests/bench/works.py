"""What is measured: each work by every system that can do it, one after the other."""

from __future__ import annotations

from dataclasses import replace

from tests.bench.scenario import Scenario

HTTP = Scenario("HTTP → SMPP, no receipts", entrance="http", connections=32, receipts=False)
HTTP_RECEIPTS = replace(HTTP, work="HTTP → SMPP, receipts", receipts=True)
HTTP_TOLD = replace(HTTP_RECEIPTS, work="HTTP → SMPP, receipts called back", callbacks=True)
SMPP = Scenario("SMPP → SMPP, no receipts, window 50", window=50, receipts=False)
SMPP_RECEIPTS = Scenario("SMPP → SMPP, receipts, window 50", window=50)
# The rate of `HALF` is found out by SMPP_RECEIPTS.
HALF = Scenario("SMPP → SMPP, receipts, at half of that rate", connections=4)
SLOW = Scenario("SMPP → SMPP, receipts, 100/s", connections=4, rate=100)
SLOW_HTTP = replace(HTTP, work="HTTP → SMPP, no receipts, 100/s", rate=100)

SCENARIOS = (
    HTTP,
    replace(HTTP, system="Kannel"),
    replace(HTTP, system="Kannel, file store"),
    replace(HTTP, system="Jasmin"),
    HTTP_RECEIPTS,
    replace(HTTP_RECEIPTS, system="Kannel"),
    replace(HTTP_RECEIPTS, system="Kannel", quick_ack=False),
    replace(HTTP_RECEIPTS, system="Kannel, file store"),
    HTTP_TOLD,
    replace(HTTP_TOLD, system="Kannel"),
    replace(HTTP_TOLD, system="Jasmin"),
    SMPP,
    replace(SMPP, system="Jasmin"),
    SMPP_RECEIPTS,
    replace(SMPP_RECEIPTS, system="Jasmin"),
    HALF,
    replace(SMPP, work="SMPP → SMPP, no receipts, window 10", window=10),
    replace(SMPP_RECEIPTS, work="SMPP → SMPP, receipts, window 10", window=10),
    replace(
        SMPP_RECEIPTS,
        work="SMPP → SMPP, receipts, window 50, new recipients",
        recipients="new",
    ),
    SLOW,
    replace(SLOW, system="Jasmin"),
    SLOW_HTTP,
    replace(SLOW_HTTP, system="Kannel"),
    replace(SLOW_HTTP, system="Jasmin"),
)


def chosen(parts: list[str]) -> list[Scenario]:
    """Those with one of the parts in their name; all of them without any part."""
    return [
        scenario
        for scenario in SCENARIOS
        if not parts or any(part in scenario.name for part in parts)
    ]
