"""What the simulator's checker holds against a client, and by which rules."""

from __future__ import annotations

from carriers_sim.violations import Invariant
from tests.docs.page import code, table


def invariant_table() -> str:
    return table(
        ("Invariant", "What is a violation", "Rules"),
        (
            (code(invariant.name), str(invariant), ", ".join(invariant.rules))
            for invariant in Invariant
        ),
    )
