"""What can befall a connection at any moment, by the control interface, a rule or a timeline."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """The connection's, then PDUs that no encoder of ours would write."""

    RST = "rst"
    FIN = "fin"
    FIN_MID_PDU = "fin_mid_pdu"
    STOP_READING = "stop_reading"
    BLACKHOLE = "blackhole"
    UNBIND = "unbind"

    SHORT_LENGTH = "short_length"
    HUGE_LENGTH = "huge_length"
    UNKNOWN_COMMAND = "unknown_command"
    UNKNOWN_RESPONSE = "unknown_response"
    UNKNOWN_TLV = "unknown_tlv"
    LONG_C_STRING = "long_c_string"
    UNTERMINATED = "unterminated"
    SM_LENGTH_PAST_END = "sm_length_past_end"
    TLV_PAST_END = "tlv_past_end"
    NO_BODY = "no_body"
    SEQUENCE_ZERO = "sequence_zero"
    STRAY_NACK = "stray_nack"
    STRAY_RESPONSE = "stray_response"
    GLUED = "glued"
    DRIBBLED = "dribbled"


# These last until they are lifted, or for as long as is asked for.
LASTING = frozenset({Fault.STOP_READING, Fault.BLACKHOLE})
