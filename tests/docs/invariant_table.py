"""What the simulator's checker holds against a client, and by which rules."""

from __future__ import annotations

from collections.abc import Iterable

from carriers_sim.sip_violations import SipInvariant
from carriers_sim.violations import AnyInvariant, Invariant
from tests.docs.page import code, table


def invariant_table() -> str:
    return _table("Rules", Invariant)


def sip_invariant_table() -> str:
    return _table("RFC 3261", SipInvariant)


def _table(rules: str, invariants: Iterable[AnyInvariant]) -> str:
    return table(
        ("Invariant", "What is a violation", rules),
        (
            (code(invariant.name), str(invariant), ", ".join(invariant.rules))
            for invariant in invariants
        ),
    )
