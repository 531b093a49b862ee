"""What to do with a message that a carrier did not take, by the command_status of its answer.

Every status but ESME_ROK says that the carrier has *not* taken the message (SMPP v3.4 §2.8), so a
second attempt can make no duplicate. The table asks one question of each status: who is at fault?
The load of the bind (wait), this carrier or our agreement with it (ask another), or the message
itself (no carrier will take it). Where a status does not say, another carrier is asked: that costs
one submit_sm, and giving up costs a message.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.smpp.constants import CommandStatus
from routing.events import Fault

# Twilio's error codes of messages that failed at a carrier.
UNREACHABLE_HANDSET = 30003
MESSAGE_BLOCKED = 30004
UNKNOWN_HANDSET = 30005
LANDLINE_OR_UNREACHABLE_CARRIER = 30006
CARRIER_FILTERED = 30007
UNKNOWN_ERROR = 30008
CARRIER_CONGESTED = 30017
CONTENT_TOO_LARGE = 30019
SENDER_NOT_PROVISIONED = 30024


class Kind(StrEnum):
    """What the answer asks of us."""

    OK = "taken"
    THROTTLED = "slow the bind; the message goes back to the head of its queue"
    QUEUE_FULL = "pause the bind; the message goes back to the head of its queue"
    TRY_ANOTHER = "offer the message to the next candidate"
    PERMANENT = "fail the message"


@dataclass(frozen=True, slots=True)
class Disposition:
    """The next step, Twilio's error code should the message fail with this answer, and who is to
    blame where the status tells it."""

    kind: Kind
    error_code: int = 0
    fault: Fault | None = None


_TRY_ANOTHER = Disposition(Kind.TRY_ANOTHER, UNKNOWN_ERROR)
_OWN_TROUBLE = Disposition(Kind.TRY_ANOTHER, UNKNOWN_ERROR, Fault.ROUTE)
_OUR_FIELDS = Disposition(Kind.TRY_ANOTHER, UNKNOWN_ERROR, Fault.CONFIGURATION)

DISPOSITIONS: dict[int, Disposition] = {
    CommandStatus.ESME_ROK: Disposition(Kind.OK),
    # Overload. The two are kept apart: a rate recovers within a second, a full queue takes longer.
    CommandStatus.ESME_RTHROTTLED: Disposition(Kind.THROTTLED, CARRIER_CONGESTED),
    CommandStatus.ESME_RMSGQFUL: Disposition(Kind.QUEUE_FULL, CARRIER_CONGESTED),
    # The message's own fault: its length, its recipient, its content. The next carrier would say
    # the same, or worse, take it and drop it.
    CommandStatus.ESME_RINVMSGLEN: Disposition(Kind.PERMANENT, CONTENT_TOO_LARGE),
    CommandStatus.ESME_RINVDSTADR: Disposition(Kind.PERMANENT, UNKNOWN_HANDSET, Fault.NUMBER),
    # The receiving application refused for good, and this message in particular.
    CommandStatus.ESME_RX_P_APPN: Disposition(Kind.PERMANENT, UNKNOWN_ERROR),
    CommandStatus.ESME_RX_R_APPN: Disposition(
        Kind.PERMANENT, CARRIER_FILTERED, Fault.CONFIGURATION
    ),
    # Delivery was tried while we waited (transaction mode) and did not succeed.
    CommandStatus.ESME_RDELIVERYFAILURE: Disposition(
        Kind.PERMANENT, UNREACHABLE_HANDSET, Fault.NUMBER
    ),
    # Our agreement with this carrier lacks the sender, whose owner admission has made sure of.
    CommandStatus.ESME_RINVSRCADR: Disposition(
        Kind.TRY_ANOTHER, SENDER_NOT_PROVISIONED, Fault.CONFIGURATION
    ),
    # The carrier's own trouble, which its neighbours do not share.
    CommandStatus.ESME_RSYSERR: _OWN_TROUBLE,
    CommandStatus.ESME_RX_T_APPN: _OWN_TROUBLE,
    CommandStatus.ESME_RUNKNOWNERR: _OWN_TROUBLE,
    # submit_sm failed without a cause. Some carriers mean the number, some themselves.
    CommandStatus.ESME_RSUBMITFAIL: _TRY_ANOTHER,
    # The state of the bind, or our credentials for it.
    CommandStatus.ESME_RINVBNDSTS: _OWN_TROUBLE,
    CommandStatus.ESME_RALYBND: _OWN_TROUBLE,
    CommandStatus.ESME_RBINDFAIL: _OWN_TROUBLE,
    CommandStatus.ESME_RINVPASWD: _OWN_TROUBLE,
    CommandStatus.ESME_RINVSYSID: _OWN_TROUBLE,
    CommandStatus.ESME_RINVSYSTYP: _OWN_TROUBLE,
    # This carrier reads our PDUs otherwise than we write them.
    CommandStatus.ESME_RINVCMDLEN: _OUR_FIELDS,
    CommandStatus.ESME_RINVCMDID: _OUR_FIELDS,
    # Fields that the bind's configuration sets, not the customer: TON and NPI, esm_class,
    # service_type, validity_period and their like. Another bind sets them its own way.
    CommandStatus.ESME_RINVPRTFLG: _OUR_FIELDS,
    CommandStatus.ESME_RINVREGDLVFLG: _OUR_FIELDS,
    CommandStatus.ESME_RINVSERTYP: _OUR_FIELDS,
    CommandStatus.ESME_RINVESMCLASS: _OUR_FIELDS,
    CommandStatus.ESME_RINVSRCTON: _OUR_FIELDS,
    CommandStatus.ESME_RINVSRCNPI: _OUR_FIELDS,
    CommandStatus.ESME_RINVDSTTON: _OUR_FIELDS,
    CommandStatus.ESME_RINVDSTNPI: _OUR_FIELDS,
    CommandStatus.ESME_RINVREPFLAG: _OUR_FIELDS,
    CommandStatus.ESME_RINVSCHED: _OUR_FIELDS,
    CommandStatus.ESME_RINVEXPIRY: _OUR_FIELDS,
    CommandStatus.ESME_RINVDFTMSGID: _OUR_FIELDS,
    # Optional parameters that this carrier does not take or takes in another shape.
    CommandStatus.ESME_RINVOPTPARSTREAM: _OUR_FIELDS,
    CommandStatus.ESME_ROPTPARNOTALLWD: _OUR_FIELDS,
    CommandStatus.ESME_RINVPARLEN: _OUR_FIELDS,
    CommandStatus.ESME_RMISSINGOPTPARAM: _OUR_FIELDS,
    CommandStatus.ESME_RINVOPTPARAMVAL: _OUR_FIELDS,
    # Answers to requests that we do not make: submit_multi, query_sm, cancel_sm, replace_sm. As an
    # answer to submit_sm they only show that the carrier is confused.
    CommandStatus.ESME_RINVMSGID: _TRY_ANOTHER,
    CommandStatus.ESME_RCANCELFAIL: _TRY_ANOTHER,
    CommandStatus.ESME_RREPLACEFAIL: _TRY_ANOTHER,
    CommandStatus.ESME_RINVNUMDESTS: _TRY_ANOTHER,
    CommandStatus.ESME_RINVDLNAME: _TRY_ANOTHER,
    CommandStatus.ESME_RINVDESTFLAG: _TRY_ANOTHER,
    CommandStatus.ESME_RINVSUBREP: _TRY_ANOTHER,
    CommandStatus.ESME_RCNTSUBDL: _TRY_ANOTHER,
    CommandStatus.ESME_RINVNUMMSGS: _TRY_ANOTHER,
    CommandStatus.ESME_RQUERYFAIL: _TRY_ANOTHER,
}

# The carrier's own codes (0x400 to 0x4FF), those of SMPP v5.0 and those of nobody: the cause is
# unknown, but the message was not taken.
UNLISTED = _TRY_ANOTHER


def disposition(command_status: int) -> Disposition:
    """The next step after a submit_sm_resp, data_sm_resp or generic_nack with this status."""
    return DISPOSITIONS.get(command_status, UNLISTED)
