"""What a carrier's delivery receipt means for the message.

The state comes as the `stat` of the text form (SMPP v3.4 appendix B) or as the message_state TLV
(§5.2.28, with 0 and 9 from v5.0 §4.7.15). The `err` of the text form, or the network_error_code
TLV, is the carrier's own affair; the numbers in `ERROR_CODES` are the GSM MAP local errors of
3GPP TS 29.002 §17.6.6, which most SMSCs pass through.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.interworking.carrier_errors import (
    CARRIER_FILTERED,
    LANDLINE_OR_UNREACHABLE_CARRIER,
    MESSAGE_BLOCKED,
    UNKNOWN_ERROR,
    UNKNOWN_HANDSET,
    UNREACHABLE_HANDSET,
)
from gateway.message import Status
from gateway.smpp.constants import MessageState
from routing.events import Fault

# The longest `err` that is read as a number; the TLV holds 16 bits.
ERR_DIGITS_MAX = 5


@dataclass(frozen=True, slots=True)
class ReceiptOutcome:
    """Where the message stands now; `status` None is an intermediate state, which decides nothing.

    `error_code` is Twilio's, and 0 unless the message was not delivered. `fault` is whose `err`
    says it is: the state alone blames nobody.
    """

    status: Status | None
    error_code: int = 0
    fault: Fault | None = None


# The first nine are the specifications'; the others are what carriers write instead.
STATES: dict[str, MessageState] = {
    "DELIVRD": MessageState.DELIVERED,
    "EXPIRED": MessageState.EXPIRED,
    "DELETED": MessageState.DELETED,
    "UNDELIV": MessageState.UNDELIVERABLE,
    "ACCEPTD": MessageState.ACCEPTED,
    "UNKNOWN": MessageState.UNKNOWN,
    "REJECTD": MessageState.REJECTED,
    "ENROUTE": MessageState.ENROUTE,
    "SKIPPED": MessageState.SKIPPED,
    "SCHEDULED": MessageState.SCHEDULED,
    "DELIVERED": MessageState.DELIVERED,
    "UNDELIVERED": MessageState.UNDELIVERABLE,
    "UNDELIVERABLE": MessageState.UNDELIVERABLE,
    "FAILED": MessageState.UNDELIVERABLE,
    "ACCEPTED": MessageState.ACCEPTED,
    "REJECTED": MessageState.REJECTED,
}

# The states that end a message short of delivery, and what each says where `err` says nothing: a
# message expires because the handset was not there, and is rejected by a policy.
UNDELIVERED: dict[MessageState, int] = {
    MessageState.EXPIRED: UNREACHABLE_HANDSET,
    MessageState.DELETED: UNKNOWN_ERROR,
    MessageState.UNDELIVERABLE: UNKNOWN_ERROR,
    MessageState.UNKNOWN: UNKNOWN_ERROR,
    MessageState.REJECTED: CARRIER_FILTERED,
    MessageState.SKIPPED: UNKNOWN_ERROR,
}

# All of these are about the subscriber, and none about the way there.
ERROR_CODES: dict[int, int] = {
    1: UNKNOWN_HANDSET,  # unknownSubscriber
    5: UNKNOWN_HANDSET,  # unidentifiedSubscriber
    6: UNREACHABLE_HANDSET,  # absentSubscriberSM
    7: UNKNOWN_HANDSET,  # unknownEquipment
    8: LANDLINE_OR_UNREACHABLE_CARRIER,  # roamingNotAllowed
    9: UNKNOWN_HANDSET,  # illegalSubscriber
    10: LANDLINE_OR_UNREACHABLE_CARRIER,  # bearerServiceNotProvisioned
    11: LANDLINE_OR_UNREACHABLE_CARRIER,  # teleserviceNotProvisioned: no SMS on this line
    12: UNKNOWN_HANDSET,  # illegalEquipment
    13: MESSAGE_BLOCKED,  # callBarred
    21: LANDLINE_OR_UNREACHABLE_CARRIER,  # facilityNotSupported
    27: UNREACHABLE_HANDSET,  # absentSubscriber
    31: UNREACHABLE_HANDSET,  # subscriberBusyForMT-SMS
    32: UNREACHABLE_HANDSET,  # sm-DeliveryFailure: the handset's memory is full
    33: UNREACHABLE_HANDSET,  # messageWaitingListFull: absent, with too much waiting already
}


def outcome(state: str | int, err: str = "") -> ReceiptOutcome:
    """Read a receipt's state, `stat` text or message_state number, and its error.

    A state that nobody knows counts as intermediate: a final state is never left, so a message
    must not be ended by a word that was not understood.
    """
    message_state = _message_state(state)
    if message_state is MessageState.DELIVERED:
        return ReceiptOutcome(Status.DELIVERED)
    if message_state not in UNDELIVERED:
        return ReceiptOutcome(None)
    error_code = ERROR_CODES.get(_error(err))
    if error_code is None:
        return ReceiptOutcome(Status.UNDELIVERED, UNDELIVERED[message_state])
    return ReceiptOutcome(Status.UNDELIVERED, error_code, Fault.NUMBER)


def _message_state(state: str | int) -> MessageState | None:
    if isinstance(state, str):
        return STATES.get(state.strip().upper())
    try:
        return MessageState(state)
    except ValueError:
        return None


def _error(err: str) -> int:
    """The number in `err`, 0 where it is not one: some carriers write letters."""
    err = err.strip()
    return int(err) if err.isascii() and err.isdigit() and len(err) <= ERR_DIGITS_MAX else 0
