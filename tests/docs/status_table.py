"""What a message may become, from the table that the journal enforces."""

from __future__ import annotations

from gateway.message import FINAL, TRANSITIONS, Status
from tests.docs.page import code, table

MEANINGS: dict[Status, str] = {
    Status.SCHEDULED: "Accepted with SendAt; waits for that time.",
    Status.QUEUED: "Accepted; waits in the queue of its sender.",
    Status.SENDING: "At a carrier, which has not answered yet.",
    Status.SENT: "The carrier has taken all of its segments.",
    Status.DELIVERED: "The carrier's receipt says so.",
    Status.UNDELIVERED: "The carrier's receipt says that it was not, or none came in time.",
    Status.FAILED: "No carrier took it, or nobody knows whether one did.",
    Status.CANCELED: "Canceled by the customer while it was scheduled.",
    Status.RECEIVED: "An inbound message. It has no other status.",
}


def status_table() -> str:
    return table(
        ("Status", "Meaning", "May become"),
        (
            (
                code(status.value),
                MEANINGS[status],
                "final" if status in FINAL else _names(TRANSITIONS[status]),
            )
            for status in TRANSITIONS
        ),
    )


def _names(statuses: frozenset[Status]) -> str:
    return ", ".join(code(status.value) for status in Status if status in statuses)
