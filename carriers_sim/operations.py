"""query_sm, cancel_sm and replace_sm, answered from the table (SMPP v3.4 §4.8 to §4.10)."""

from __future__ import annotations

import msgspec

from carriers_sim.message_table import MessageTable
from carriers_sim.recorder import Counts
from gateway.smpp.constants import CommandStatus
from gateway.smpp.pdus import (
    CancelSm,
    CancelSmResp,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ReplaceSmResp,
)


class Done(msgspec.Struct, frozen=True, gc=False):
    """The response, and its status."""

    pdu: QuerySmResp | CancelSmResp | ReplaceSmResp | None
    command_status: int


def operate(
    pdu: QuerySm | CancelSm | ReplaceSm, table: MessageTable, counts: Counts, now: float
) -> Done:
    match pdu:
        case QuerySm():
            found = table.query(pdu, now)
            counts.queried += found is not None
            return Done(found, 0 if found else CommandStatus.ESME_RQUERYFAIL)
        case CancelSm():
            status = table.cancel(pdu, now)
            counts.canceled += not status
            return Done(CancelSmResp(), status)
        case ReplaceSm():
            status = table.replace(pdu, now)
            counts.replaced += not status
            return Done(ReplaceSmResp(), status)
