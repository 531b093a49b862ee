"""What a carrier can see its customer do wrong, without asking: the passive conformance checker.

Rules named SRV and GSM are those of SMPP v3.4 and 3GPP TS 23.038/23.040 that each check quotes.
The others are the promises of a gateway: no message twice, order kept, rates kept.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from carriers_sim.user_data import PACKED_OCTETS, UserData
from gateway.smpp.constants import DataCoding, Tag
from gateway.smpp.pdus import SubmitSm
from gateway.text.gsm_03_38 import ESC
from gateway.text.segmentation import SINGLE_SEPTETS

VIOLATIONS_MAX = 1_000
SAR_TAGS = frozenset({Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM})


class Invariant(StrEnum):
    """What must never be seen."""

    DUPLICATE = "a message came twice"
    ORDER = "messages of one pair of numbers came out of order on one carrier"
    SENDER_RATE = "a sender was faster than its MPS limit"
    WINDOW = "more requests were in flight than the window allows"
    SEQUENCE_NUMBER = "a sequence_number was 0, above 0x7FFFFFFF or still in use"
    REFUSED_PDU = "a PDU could not be read, or did not fit the session's state"
    UNREAD_RESPONSE = "a deliver_sm was not answered in time"
    UDH = "the user data header does not fill its length"
    UDH_AND_SAR = "a user data header and SAR TLVs in one message"
    PARTIAL_SAR = "SAR TLVs are missing, or do not make sense"
    TWO_BODIES = "short_message and message_payload in one message"
    TOO_LONG = "the user data do not fit 140 octets"
    SPLIT_ESCAPE = "a part ends within an escape sequence"
    SPLIT_SURROGATE = "a part ends within a surrogate pair"
    ODD_UCS2 = "UCS-2 with an odd number of octets"
    MIXED_PARTS = "parts of one message differ in data_coding"
    INCOMPLETE = "a message of several parts never became whole"


class Violation(msgspec.Struct, frozen=True):
    """`at` is Unix seconds."""

    invariant: Invariant
    carrier: str
    detail: str
    at: float


class Violations:
    """Counts all of them and keeps the first `VIOLATIONS_MAX`."""

    def __init__(self) -> None:
        self.counts: Counter[Invariant] = Counter()
        self._kept: deque[Violation] = deque()

    def add(self, invariant: Invariant, carrier: str, detail: str, at: float) -> None:
        self.counts[invariant] += 1
        if len(self._kept) < VIOLATIONS_MAX:
            self._kept.append(Violation(invariant, carrier, detail, at))

    @property
    def kept(self) -> list[Violation]:
        return list(self._kept)

    def clear(self) -> None:
        self.counts.clear()
        self._kept.clear()


def check(pdu: SubmitSm, data: UserData) -> Iterator[tuple[Invariant, str]]:
    """What is wrong with one submit_sm by itself."""
    if pdu.tlvs:
        yield from _check_tlvs(pdu, data)
    if data.is_udh_malformed:
        yield Invariant.UDH, f"esm_class 0x{pdu.esm_class:02x} (3.4 §5.2.12)"
    if pdu.short_message and not _fits(data):
        yield Invariant.TOO_LONG, f"{len(pdu.short_message)} octets, data_coding {pdu.data_coding}"
    if data.data_coding == DataCoding.UCS2 and len(data.octets) % 2:
        yield Invariant.ODD_UCS2, f"{len(data.octets)} octets"
    if data.concatenation is not None:
        yield from _check_part(data)


def _check_part(data: UserData) -> Iterator[tuple[Invariant, str]]:
    assert data.concatenation is not None
    part = f"part {data.concatenation.number} of {data.concatenation.total}"
    if data.data_coding == DataCoding.DEFAULT_ALPHABET and data.octets[-1:] == bytes([ESC]):
        yield Invariant.SPLIT_ESCAPE, f"{part} (23.040 §9.2.3.24.1)"
    if (
        data.data_coding == DataCoding.UCS2
        and data.octets[-2:-1]
        and 0xD8 <= data.octets[-2] <= 0xDB
    ):
        yield Invariant.SPLIT_SURROGATE, part


def _check_tlvs(pdu: SubmitSm, data: UserData) -> Iterator[tuple[Invariant, str]]:
    sar = SAR_TAGS & pdu.tlvs.keys()
    if sar and data.udh:
        yield Invariant.UDH_AND_SAR, "choose one (5.0 §4.8.4.55)"
    elif sar and data.concatenation is None:
        yield Invariant.PARTIAL_SAR, f"{len(sar)} of 3 tags (3.4 §5.3.2.22)"
    if pdu.short_message and Tag.MESSAGE_PAYLOAD in pdu.tlvs:
        yield Invariant.TWO_BODIES, "sm_length must be 0 beside message_payload (3.4 §3.2.3)"


def _fits(data: UserData) -> bool:
    """Septets travel as octets in SMPP and packed on the air, behind the header's fill bits."""
    if data.data_coding == DataCoding.DEFAULT_ALPHABET:
        header_septets = -(-8 * len(data.udh) // 7)
        return header_septets + len(data.octets) <= SINGLE_SEPTETS
    return len(data.udh) + len(data.octets) <= PACKED_OCTETS
