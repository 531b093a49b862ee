"""The gateway's promises, held against everything that was seen of it."""

from __future__ import annotations

from collections.abc import Iterator

from carriers_sim.violations import Invariant
from tests.sim.audit_changes import audit_changes
from tests.sim.audit_customers import audit_customers
from tests.sim.audit_messages import audit_messages
from tests.sim.audit_wire import audit_wire
from tests.sim.evidence import Evidence
from tests.sim.world import World

# Which duplicates have a reason is for `audit_wire` to say; keyword replies are all alike. Parts
# that went twice or never wait for others of their reference, which is in use again some day. A
# message that is in doubt, or has expired, lets later ones pass.
JUDGED_ELSEWHERE = frozenset(
    {
        Invariant.DUPLICATE,
        Invariant.MIXED_PARTS,
        Invariant.REFERENCE_REUSED,
        Invariant.OVERTAKEN,
    }
)
# A connection that carries nothing, and a store that has failed, keep answers back; and who is told
# nothing of its end binds again while it still stands.
NOT_HEARD = frozenset(
    {
        Invariant.UNREAD_RESPONSE,
        Invariant.LINK_NOT_ANSWERED,
        Invariant.RESENT_TOO_SOON,
        Invariant.UNBIND_NOT_AWAITED,
    }
)


def audit(world: World) -> list[str]:
    """The promises that were broken, one line each."""
    evidence = Evidence(world)
    return [
        *world.left,
        *_faults(world),
        *audit_messages(evidence),
        *audit_wire(evidence),
        *audit_changes(evidence),
        *audit_customers(evidence),
    ]


def _faults(world: World) -> Iterator[str]:
    """What the gateway has logged as its own mistakes, and what carriers hold against it."""
    yield from (f"a fault of ours: {fault}" for fault in world.faults.seen)
    deaf = world.scenario.freezes or world.scenario.disk_failures
    for violation in world.simulator.violations:
        if violation.invariant in JUDGED_ELSEWHERE:
            continue
        if violation.invariant in NOT_HEARD and deaf:
            continue
        yield f"{violation.carrier}: {violation.invariant.value} ({violation.detail})"
