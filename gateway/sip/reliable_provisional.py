"""Provisional responses that are repeated until they are acknowledged (RFC 3262)."""

from __future__ import annotations

import re
from collections import deque

import msgspec

from gateway.sip.errors import GrammarError, SipError
from gateway.sip.message import SipMessage, SipRequest, SipResponse
from gateway.sip.option_tags import option_tags

RSEQ_MAX = 2**32 - 1
# One is under way, as §3 asks; the others wait for its PRACK.
WAITING_MAX = 8

_RACK = re.compile(r"([0-9]{1,10})[ \t]+([0-9]{1,10})[ \t]+(\S+)")


class ProvisionalsFull(SipError):
    """WAITING_MAX reliable responses await the PRACK of the one before them."""


class RAck(msgspec.Struct, frozen=True, gc=False):
    """What a PRACK acknowledges (§7.2): a response's RSeq, and the CSeq of its request."""

    rseq: int
    sequence: int
    method: str

    @classmethod
    def of(cls, prack: SipRequest) -> RAck:
        match = _RACK.fullmatch(prack.required("RAck"))
        if match is None:
            raise GrammarError("RAck is malformed")
        return cls(int(match[1]), int(match[2]), match[3])

    def __str__(self) -> str:
        return f"{self.rseq} {self.sequence} {self.method}"


class ReliableProvisionals:
    """The UAS's side of one INVITE: numbers them, and lets out one at a time (§3)."""

    __slots__ = ("_rseq", "_waiting", "interval", "unacknowledged")

    def __init__(self, first_rseq: int) -> None:
        """`first_rseq` is chosen by chance, below 2**31."""
        assert 1 <= first_rseq < 2**31
        self._rseq = first_rseq - 1
        self._waiting: deque[SipResponse] = deque()
        self.unacknowledged: SipResponse | None = None
        self.interval = 0.0  # until it is sent again

    def add(self, response: SipResponse) -> SipResponse | None:
        """The response with its number, if it is to be sent now."""
        if self.unacknowledged is not None:
            if len(self._waiting) >= WAITING_MAX:
                raise ProvisionalsFull(f"{WAITING_MAX} reliable responses wait")
            self._waiting.append(response)
            return None
        return self._next(response)

    def acknowledge(self, rack: RAck, invite: SipMessage) -> bool:
        """Whether the PRACK is for the one that is under way; `next_one` may follow."""
        matches = (
            self.unacknowledged is not None
            and rack.rseq == self._rseq
            and (rack.sequence, rack.method) == invite.cseq
        )
        if matches:
            self.unacknowledged = None
        return matches

    def next_one(self) -> SipResponse | None:
        return self._next(self._waiting.popleft()) if self._waiting else None

    def _next(self, response: SipResponse) -> SipResponse:
        self._rseq += 1
        headers = response.headers.adding("Require", "100rel").adding("RSeq", str(self._rseq))
        self.unacknowledged = response.with_headers(headers)
        return self.unacknowledged


def is_reliable(response: SipResponse) -> bool:
    return (
        100 < response.status < 200
        and "RSeq" in response.headers
        and "100rel" in option_tags(response, "Require")
    )


class ReceivedProvisionals:
    """The UAC's side of one dialog: which reliable response is the next (§4)."""

    __slots__ = ("_rseq",)

    def __init__(self) -> None:
        self._rseq = 0

    def take(self, response: SipResponse) -> RAck | None:
        """What the PRACK says; None for one that came before, or after one that is missing."""
        rseq = response.integer("RSeq", RSEQ_MAX)
        if rseq is None or (self._rseq and rseq != self._rseq + 1):
            return None
        self._rseq = rseq
        cseq = response.cseq
        return RAck(rseq, cseq.sequence, cseq.method)
