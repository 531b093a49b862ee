"""What a carrier can see its customer do wrong, without asking: the passive conformance checker.

Each invariant names the rules that it holds up (docs/reference/smpp-conformance.md): SRV and CLI of
SMPP v3.4, RCP of its receipts, GSM of 3GPP TS 23.038 and 23.040. One without a rule is a promise of
gateways: no message twice, order kept, rates kept.
"""

from __future__ import annotations

from collections import Counter, deque
from enum import StrEnum

import msgspec

from carriers_sim.sip_violations import SipInvariant

VIOLATIONS_MAX = 1_000


class Invariant(StrEnum):
    """What must never be seen, and the rules that say so."""

    rules: tuple[str, ...]

    def __new__(cls, meaning: str, *rules: str) -> Invariant:
        member = str.__new__(cls, meaning)
        member._value_ = meaning
        member.rules = rules
        return member

    # Sessions
    FRAMING = "a command_length that no PDU has", "SRV-2"
    UNKNOWN_COMMAND = "a command_id that SMPP does not have", "SRV-3"
    COMMAND_LENGTH_ANSWER = "a bad command_length was not answered with ESME_RINVCMDLEN", "SRV-2"
    UNKNOWN_COMMAND_ANSWER = (
        "an unknown command_id was not answered with a generic_nack of ESME_RINVCMDID",
        "SRV-3",
    )
    MALFORMED_ANSWER = "a malformed deliver_sm was not answered by its own response", "SRV-4"
    KNOWN_PDU_NACKED = "a good PDU was answered with a generic_nack", "SRV-4"
    SESSION_DROPPED = "a session was dropped over one PDU that could not be used", "SRV-3", "SRV-4"
    NACK_ANSWERED = "a response or a generic_nack was answered", "SRV-5"
    SEQUENCE_NUMBER = "a sequence_number was 0, above 0x7FFFFFFF or still in use", "SRV-6"
    ANSWER_TO_NOTHING = "a response to no request of this session", "SRV-6", "CLI-3"
    ANSWER_OF_ANOTHER = "a response to another kind of request", "SRV-6"
    WRONG_STATE = "a PDU that the session's state does not allow", "SRV-8"
    LINK_NOT_ANSWERED = "an enquire_link was not answered in time", "SRV-9"
    NEVER_BOUND = "a connection without a bind", "SRV-10"
    REQUEST_AFTER_UNBIND = "a request after unbind", "SRV-11"
    UNBIND_NOT_ANSWERED = "an unbind was not answered in time", "SRV-11"
    UNBIND_NOT_AWAITED = "a connection was closed before its unbind was answered", "SRV-11"
    MALFORMED_PDU = "a PDU whose fields cannot be read", "SRV-12"
    RESERVED_VALUE = "a value that the specification reserves", "SRV-13"
    TLV_TO_3_3 = "a TLV in a session of SMPP 3.3", "SRV-15"

    # Messages
    TWO_BODIES = "short_message and message_payload in one message", "SRV-19", "GSM-17"
    SM_LENGTH = "more octets in short_message than this version allows", "SRV-19"
    UDH = "the user data header does not fill its length", "SRV-20"
    UDHI_MISSING = "a user data header without its bit in esm_class", "SRV-20"
    ESM_CLASS = "message type bits of the other direction in esm_class", "SRV-20"
    UDH_AND_SAR = "a user data header and SAR TLVs in one message", "SRV-20", "GSM-17"
    UDH_AND_PORTS = "a user data header and port TLVs in one message", "SRV-20"
    PARTIAL_SAR = "SAR TLVs are missing, or do not make sense", "SRV-21"
    TLV_STREAM = "octets after the mandatory fields that are no TLV", "SRV-22"
    TLV_LENGTH = "a TLV of a length that it cannot have", "SRV-22"
    TIME_FORMAT = "a time that is not of the form YYMMDDhhmmsstnnp", "SRV-23"
    REGISTERED_DELIVERY = "a registered_delivery that this version reserves", "SRV-24"

    # Behaviour of a client
    WINDOW = "more requests were in flight than the window allows", "CLI-1"
    DUPLICATE = "a message came twice", "CLI-2", "SRV-7"
    RESENT_TOO_SOON = "a message came again before its response was overdue", "CLI-2"
    HAMMERING = "too many binds in a minute that came to nothing", "CLI-4"
    CREDENTIALS_HAMMERED = "too many binds in a minute with wrong credentials", "CLI-4"
    OVERTAKEN = "a throttled message was overtaken by a later one", "CLI-5"
    ORDER = "messages of one pair of numbers came out of order on one carrier", "CLI-5"
    SENDER_RATE = "a sender was faster than its MPS limit"

    # Receipts
    UNREAD_RESPONSE = "a deliver_sm was not answered in time", "RCP-4"
    MESSAGE_ID_NOT_NULL = "a deliver_sm_resp whose message_id is not one NUL", "RCP-4"
    RECEIPT_REFUSED = "a receipt was refused for good", "RCP-6"

    # Text
    TOO_LONG = "the user data do not fit 140 octets", "GSM-1", "GSM-2", "GSM-3"
    SPLIT_ESCAPE = "a part ends within an escape sequence", "GSM-5"
    SPLIT_SURROGATE = "a part ends within a surrogate pair", "GSM-6"
    MIXED_PARTS = "parts of one message differ in data_coding", "GSM-7"
    ODD_UCS2 = "UCS-2 with an odd number of octets", "GSM-8"
    BYTE_ORDER_MARK = "UCS-2 with a byte order mark", "GSM-8"
    SHIFT_ELEMENT = "a national language that is not one octet of 23.038 annex A", "GSM-12"
    CONCATENATION = "a concatenation whose part is not one of its total", "GSM-13"
    INCOMPLETE = "a message of several parts never became whole", "GSM-13"
    REFERENCE_REUSED = "two messages of one pair of numbers share a reference", "GSM-14"
    LONE_SURROGATE = "half a surrogate pair in a whole message", "GSM-19"


AnyInvariant = Invariant | SipInvariant


class Violation(msgspec.Struct, frozen=True):
    """`at` is Unix seconds."""

    invariant: AnyInvariant
    carrier: str
    detail: str
    at: float


class Violations:
    """Counts all of them and keeps the first `VIOLATIONS_MAX`."""

    def __init__(self) -> None:
        self.counts: Counter[AnyInvariant] = Counter()
        self._kept: deque[Violation] = deque()

    def add(self, invariant: AnyInvariant, carrier: str, detail: str, at: float) -> None:
        self.counts[invariant] += 1
        if len(self._kept) < VIOLATIONS_MAX:
            self._kept.append(Violation(invariant, carrier, detail, at))

    @property
    def kept(self) -> list[Violation]:
        return list(self._kept)

    def forgive(self, *invariants: AnyInvariant) -> None:
        """Forget these: a test has provoked them on purpose."""
        for invariant in invariants:
            self.counts.pop(invariant, None)
        self._kept = deque(kept for kept in self._kept if kept.invariant not in invariants)

    def clear(self) -> None:
        self.counts.clear()
        self._kept.clear()
