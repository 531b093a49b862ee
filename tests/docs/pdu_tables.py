"""Which PDUs pass between an ESME and us, from the tables of the session."""

from __future__ import annotations

from gateway.interworking.customer_deliver_sm import STAT_BY_STATUS
from gateway.smpp.constants import CommandId
from gateway.smpp.states import LIVE, MAY_SEND, Role
from tests.docs.page import code, table


def requests(role: Role) -> str:
    """What a role may send, and in which states of the session."""
    return table(
        ("Request", "In the states"),
        (
            (
                code(CommandId(command).name.lower()),
                "any"
                if states == LIVE
                else ", ".join(sorted(code(state.value) for state in states)),
            )
            for command, states in MAY_SEND[role].items()
        ),
    )


def receipt_stats() -> str:
    return table(
        ("Status", "stat"),
        ((code(status.value), code(stat)) for status, stat in STAT_BY_STATUS.items()),
    )
