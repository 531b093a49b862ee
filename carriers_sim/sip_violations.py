"""What a carrier can see its customer do wrong in SIP, without asking.

Each invariant names the section of RFC 3261 that it holds up, or of the RFC that it names.
"""

from __future__ import annotations

from enum import StrEnum


class SipInvariant(StrEnum):
    """What must never be seen, and the sections that say so."""

    rules: tuple[str, ...]

    def __new__(cls, meaning: str, *rules: str) -> SipInvariant:
        member = str.__new__(cls, meaning)
        member._value_ = meaning
        member.rules = rules
        return member

    # Messages
    SIP_MALFORMED = "a message that cannot be read", "§7"
    MAX_FORWARDS_MISSING = "a request without Max-Forwards", "§8.1.1.6"
    BRANCH_WITHOUT_COOKIE = "a Via without a branch that begins with z9hG4bK", "§8.1.1.7"
    FROM_TAG_MISSING = "a From without a tag", "§8.1.1.3"
    CONTACT_MISSING = "an INVITE, or a 2xx to one, without one Contact", "§8.1.1.8", "§12.1.1"
    CONTENT_TYPE_MISSING = "a body without Content-Type", "§20.15"
    TO_TAG_MISSING = "a response other than 100 without a tag in To", "§8.2.6.2"

    # Transactions
    RETRANSMITTED_TOO_FAST = "a request came again before its timer", "§17.1.1.2", "§17.1.2.2"
    RETRANSMITTED_IN_VAIN = "an INVITE came again after its response", "§17.1.1.2"
    ACK_MISSING = "a final response to an INVITE was never acknowledged", "§13.2.2.4", "§17.1.1.3"
    ACK_CSEQ = "an ACK with another CSeq than its INVITE's", "§13.2.2.4", "§17.1.1.3"
    ACK_BRANCH = (
        "an ACK to a refusal on another branch, or one to a 2xx on the same",
        "§17.1.1.3",
        "§13.2.2.4",
    )
    ACK_TO_TAG = "an ACK whose To is not that of the response", "§17.1.1.3", "§12.2.1.1"
    CANCEL_OF_NOTHING = "a CANCEL that is not of its INVITE's branch and CSeq", "§9.1"
    CANCEL_TOO_EARLY = "a CANCEL before any provisional response", "§9.1"

    # Dialogs
    CSEQ_ORDER = "a request within a dialog whose CSeq does not rise", "§12.2.1.1"
    REMOTE_TARGET = "a request within a dialog that is not for our Contact", "§12.2.1.1"
