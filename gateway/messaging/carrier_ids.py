"""How one carrier writes its message_id: in a submit_sm_resp, and again in a receipt.

An id is opaque (SMPP v3.4 §5.2.23), but carriers print the same number in hexadecimal here and in
decimal there, with leading zeros or without, in capitals or not, or with a suffix. So a receipt's
id has several *readings*, each the ids that the submit_sm_resp may have had.

Where the configuration says both formats there is one reading. `auto` begins with all of them, and
finds out which one holds:

- By the ids themselves. One with a letter is not decimal; where DIGITS_ENOUGH have come without
  any, they are. So hexadecimal ids on one side and decimal ones on the other settle it, and ids
  that have letters on both sides, or on neither, are no conversion.
- By matches. Where one reading alone names a part that awaits its receipt, that is the part. Where
  several do ("10" is ten, and sixteen), the addresses of the receipt must be those of one of them
  and not of the others; else it is given to nobody until more is known. Another reading than the
  same octets counts only once the submit_sm_resp would have come, and with the addresses of the
  message: a receipt that is early must not find another's part. A match of ids with letters, which
  only one reading can have made, settles it; of ids in digits VOTES more are needed for one reading
  than for all others together.
- In the end, when a receipt is about to be forgotten, the same octets count after all, unless one
  side has had letters and the other has not.

Once the reading is known, no other is tried.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from enum import StrEnum

from gateway.config.dialect import IdFormat

VOTES = 3
# Hexadecimal ids that count up show a letter within sixteen, and others sooner.
DIGITS_ENOUGH = 50
# Lengths to which a carrier fills its ids with zeros, as they were seen.
WIDTHS_MAX = 4
# Nothing longer is a number: 64 bits are 16 digits in one base and 20 in the other.
DIGITS_MAX = 20
_DECIMAL = re.compile(r"[0-9]{1,20}")
_HEX = re.compile(r"[0-9a-fA-F]{1,20}")
_SUFFIX = re.compile(r"(?P<id>.+)[-/][0-9]{1,3}")
SUFFIXES = ("-1", "/1")


class Reading(StrEnum):
    """What the receipt's id is to the one of the submit_sm_resp."""

    SAME = "the same octets"
    SAME_NUMBER = "the same digits, but for leading zeros and capitals"
    SUFFIX = "the same but for a suffix"
    DECIMAL_OF_HEX = "in decimal what was hexadecimal"
    HEX_OF_DECIMAL = "in hexadecimal what was decimal"


_STATED: dict[tuple[IdFormat, IdFormat], Reading] = {
    (IdFormat.EXACT, IdFormat.EXACT): Reading.SAME,
    (IdFormat.HEX, IdFormat.HEX): Reading.SAME_NUMBER,
    (IdFormat.DECIMAL, IdFormat.DECIMAL): Reading.SAME_NUMBER,
    (IdFormat.HEX, IdFormat.DECIMAL): Reading.DECIMAL_OF_HEX,
    (IdFormat.DECIMAL, IdFormat.HEX): Reading.HEX_OF_DECIMAL,
}


class Seen:
    """What the ids of one side have looked like."""

    __slots__ = ("digits", "letters")

    def __init__(self) -> None:
        self.letters = False
        self.digits = 0

    @property
    def is_decimal(self) -> bool:
        return not self.letters and self.digits >= DIGITS_ENOUGH

    def note(self, text: str) -> None:
        if _DECIMAL.fullmatch(text):
            self.digits += 1
        else:
            self.letters = True


class CarrierIds:
    """What is known of the ids of one carrier; `reading` is None until it is known."""

    def __init__(self, response_id: IdFormat, receipt_id: IdFormat) -> None:
        self.reading = _STATED.get((response_id, receipt_id))
        self._widths: OrderedDict[int, None] = OrderedDict()
        self._votes: Counter[Reading] = Counter()
        self._responses = Seen()
        self._receipts = Seen()

    @property
    def is_even(self) -> bool:
        """Whether the two sides look alike so far."""
        return self._responses.letters is self._receipts.letters

    def note_receipt(self, receipt_id: str) -> None:
        """A receipt has come, of whichever part."""
        self._receipts.note(receipt_id)
        self._compare()

    def note_response(self, carrier_id: str) -> None:
        """A part has this id. One that begins with a zero has been filled to its length."""
        if self.reading is None:
            self._responses.note(carrier_id)
            self._compare()
        if carrier_id.startswith("0") and len(carrier_id) <= DIGITS_MAX:
            self._widths[len(carrier_id)] = None
            if len(self._widths) > WIDTHS_MAX:
                self._widths.popitem(last=False)

    def readings(self, receipt_id: str) -> dict[Reading, tuple[str, ...]]:
        """The ids that the submit_sm_resp may have had, by reading; only those of the one that is
        known. An id that the reading cannot have made is the same."""
        known = (self.reading,) if self.reading else self._possible()
        found = {reading: self._as_response(receipt_id, reading) for reading in known}
        found = {reading: ids for reading, ids in found.items() if ids}
        return found or {Reading.SAME: (receipt_id,)}

    def common(self, receipt_id: str) -> str:
        """The form in which a receipt waits for its submit_sm_resp."""
        if self.reading in (None, Reading.SAME):
            return receipt_id
        if self.reading is Reading.DECIMAL_OF_HEX:
            return _number(receipt_id, _DECIMAL, 10)
        if self.reading is Reading.SUFFIX:
            suffixed = _SUFFIX.fullmatch(receipt_id)
            return suffixed["id"] if suffixed else receipt_id
        return _number(receipt_id, _HEX, 16)

    def common_of_response(self, carrier_id: str) -> str:
        """The same form of a submit_sm_resp's id."""
        if self.reading is Reading.DECIMAL_OF_HEX:
            return _number(carrier_id, _HEX, 16)
        if self.reading is Reading.HEX_OF_DECIMAL:
            return _number(carrier_id, _DECIMAL, 10)
        return self.common(carrier_id)

    def learn(self, reading: Reading, response_id: str, receipt_id: str) -> bool:
        """A receipt was found to be that of a submit_sm_resp, and no other reading fits; True:
        now the reading is known."""
        if self.reading:
            return False
        self._votes[reading] += VOTES if _is_plain(reading, response_id, receipt_id) else 1
        (best, votes), *others = self._votes.most_common()
        if votes - sum(count for _, count in others) < VOTES:
            return False
        self.reading = best
        return True

    def _compare(self) -> None:
        """Letters on one side and none on the other are two bases."""
        if self._responses.letters and self._receipts.is_decimal:
            self.reading = Reading.DECIMAL_OF_HEX
        elif self._receipts.letters and self._responses.is_decimal:
            self.reading = Reading.HEX_OF_DECIMAL

    def _possible(self) -> tuple[Reading, ...]:
        possible = [Reading.SAME, Reading.SAME_NUMBER, Reading.SUFFIX]
        if not (self._receipts.letters or self._responses.is_decimal):
            possible.append(Reading.DECIMAL_OF_HEX)
        if not (self._responses.letters or self._receipts.is_decimal):
            possible.append(Reading.HEX_OF_DECIMAL)
        return tuple(possible)

    def _as_response(self, receipt_id: str, reading: Reading) -> tuple[str, ...]:
        match reading:
            case Reading.SAME:
                return (receipt_id,)
            case Reading.SAME_NUMBER:
                if not _HEX.fullmatch(receipt_id):
                    return ()
                stripped = receipt_id.lstrip("0") or "0"
                return self._filled(stripped.lower(), stripped.upper())
            case Reading.SUFFIX:
                suffixed = _SUFFIX.fullmatch(receipt_id)
                if suffixed:
                    return (suffixed["id"],)
                return tuple(receipt_id + suffix for suffix in SUFFIXES)
            case Reading.DECIMAL_OF_HEX:
                if not _DECIMAL.fullmatch(receipt_id):
                    return ()
                number = int(receipt_id)
                return self._filled(f"{number:x}", f"{number:X}")
            case Reading.HEX_OF_DECIMAL:
                if not _HEX.fullmatch(receipt_id):
                    return ()
                return self._filled(str(int(receipt_id, 16)))

    def _filled(self, *digits: str) -> tuple[str, ...]:
        """As they are, and with the zeros that the carrier was seen to write."""
        filled = dict.fromkeys(digits)
        for width in self._widths:
            filled |= dict.fromkeys(one.zfill(width) for one in digits)
        return tuple(filled)


def _number(text: str, digits: re.Pattern[str], base: int) -> str:
    return str(int(text, base)) if digits.fullmatch(text) else text


def _is_plain(reading: Reading, response_id: str, receipt_id: str) -> bool:
    """Whether letters say in which base an id is, or that it is no number."""
    told = response_id if reading is Reading.DECIMAL_OF_HEX else receipt_id
    return not _DECIMAL.fullmatch(told)
