"""CSeq: orders the requests of a dialog (RFC 3261 §20.16)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from gateway.sip.errors import GrammarError
from gateway.sip.grammar import TOKEN

# Those that are kept, and how long one may be for that: 1 MB at most.
CSEQS_KEPT = 4_096
KEPT_LENGTH_MAX = 32
# §8.1.1.5: less than 2**31; RFC 4475 §3.1.2.4 refuses from 2**32 on, and so do we.
SEQUENCE_MAX = 2**32 - 1

_CSEQ = re.compile(rf"([0-9]{{1,64}})[ \t]+({TOKEN})")


class CSeq(NamedTuple):
    sequence: int
    method: str

    @classmethod
    def parse(cls, value: str) -> CSeq:
        """Those read last are kept: a request and its responses have the same, and many calls."""
        return known_cseq(value) if len(value) <= KEPT_LENGTH_MAX else _parse(value)

    def __str__(self) -> str:
        return f"{self.sequence} {self.method}"


def _parse(value: str) -> CSeq:
    match = _CSEQ.fullmatch(value)
    if match is None:
        raise GrammarError("CSeq is malformed")
    digits, method = match.groups()
    sequence = int(digits)
    if sequence > SEQUENCE_MAX:
        raise GrammarError("CSeq is above 2**32 - 1")
    return CSeq(sequence, method)


# For values of modest length.
known_cseq = lru_cache(CSEQS_KEPT)(_parse)
