"""Which country, network and kind of number stands behind a prefix.

The plan knows the operator to whom a range was first assigned. Numbers move between operators
(number portability), so a look-up that knows better is passed in `RouteRequest.mccmnc`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from routing.e164 import leading_digits, longest_first

COLUMNS = ("prefix", "country", "mcc", "mnc", "type", "operator")


class NumberingPlanError(ValueError):
    """The plan cannot be used; the text names the line and what was expected."""


class NumberType(StrEnum):
    """What a range is for. ANY: the row speaks for a whole country or area code."""

    ANY = "any"
    MOBILE = "mobile"
    FIXED = "fixed"
    TOLL_FREE = "toll_free"
    PREMIUM = "premium"
    PERSONAL = "personal"
    SATELLITE = "satellite"


NUMBER_TYPES = tuple(kind.value for kind in NumberType)


@dataclass(frozen=True, slots=True)
class NumberRange:
    """One row: a prefix in digits, ISO 3166 country (001: the world), E.212 MCC and MNC or ""."""

    prefix: str
    country: str
    mcc: str = ""
    mnc: str = ""
    type: NumberType = NumberType.ANY
    operator: str = ""

    @property
    def mccmnc(self) -> str:
        """The network as one string of 5 or 6 digits, "" where the range does not tell it."""
        return self.mcc + self.mnc if self.mnc else ""


class NumberingPlan:
    """Ranges found by longest prefix. It never changes once made."""

    def __init__(self, ranges: Iterable[NumberRange] = ()) -> None:
        self._by_prefix = {row.prefix: row for row in ranges}
        self.prefix_digits_max = max(map(len, self._by_prefix), default=0)

    @classmethod
    def parse(cls, text: str) -> NumberingPlan:
        """Read CSV text: a header, one range a line; empty lines and lines with `#` are skipped."""
        ranges: dict[str, NumberRange] = {}
        header_seen = False
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip() or line.startswith("#"):
                continue
            fields = tuple(field.strip() for field in next(csv.reader([line])))
            if not header_seen:
                if fields != COLUMNS:
                    raise NumberingPlanError(
                        f"line {number}: expected the header {','.join(COLUMNS)}"
                    )
                header_seen = True
                continue
            try:
                row = _parse_row(fields)
            except ValueError as error:
                raise NumberingPlanError(f"line {number}: {error}") from None
            if row.prefix in ranges:
                raise NumberingPlanError(f"line {number}: the prefix {row.prefix} stands twice")
            ranges[row.prefix] = row
        if not header_seen:
            raise NumberingPlanError(f"line 1: expected the header {','.join(COLUMNS)}")
        return cls(ranges.values())

    def find(self, digits: str) -> NumberRange | None:
        """The range with the longest prefix of `digits` (no `+`), or None."""
        for prefix in longest_first(digits[: self.prefix_digits_max]):
            if prefix in self._by_prefix:
                return self._by_prefix[prefix]
        return None

    def __iter__(self) -> Iterator[NumberRange]:
        return iter(self._by_prefix.values())

    def __len__(self) -> int:
        return len(self._by_prefix)


EMPTY_PLAN = NumberingPlan()


def _parse_row(fields: tuple[str, ...]) -> NumberRange:
    if len(fields) != len(COLUMNS):
        raise ValueError(f"expected {len(COLUMNS)} fields, found {len(fields)}")
    prefix, country, mcc, mnc, kind, operator = fields
    if not leading_digits("+" + prefix):
        raise ValueError(f"prefix {prefix!r} is not 1 to 15 digits of E.164")
    if country != "001" and not (len(country) == 2 and country.isalpha() and country.isupper()):
        raise ValueError(f"country {country!r} is not an ISO 3166 code such as DE, nor 001")
    if mcc and not _is_digits(mcc, 3, 3):
        raise ValueError(f"mcc {mcc!r} is not 3 digits")
    if mnc and not (mcc and _is_digits(mnc, 2, 3)):
        raise ValueError(f"mnc {mnc!r} is not 2 or 3 digits after an mcc")
    if kind not in NUMBER_TYPES:
        raise ValueError(f"type {kind!r} is not one of {', '.join(NUMBER_TYPES)}")
    return NumberRange(prefix, country, mcc, mnc, NumberType(kind), operator)


def _is_digits(text: str, shortest: int, longest: int) -> bool:
    return shortest <= len(text) <= longest and text.isascii() and text.isdigit()
