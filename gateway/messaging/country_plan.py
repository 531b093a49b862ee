"""The numbering plan of one country calling code, made ready from the metadata of phonenumbers.

phonenumbers reads a number in any form that people write; most come as E.164 digits, and for those
it takes fifteen times as long as what is looked up here: the same lengths and patterns, compiled
once. Where a national or carrier prefix may have to go first, a plan leaves the number to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    PhoneMetadata,
    PhoneNumberDesc,
    region_code_for_country_code,
)

# ITU has given out fewer than 250 codes.
PLANS_MAX = 300


class _Pattern(NamedTuple):
    """Numbers of one kind: of these lengths, or any that the plan has, and of this form."""

    lengths: frozenset[int]
    fullmatch: Callable[[str], object]

    def matches(self, national: str) -> bool:
        return (not self.lengths or len(national) in self.lengths) and bool(
            self.fullmatch(national)
        )


class _Region:
    """One of the countries that share a code."""

    __slots__ = ("_fixed", "_general", "_mobile", "_same", "_special", "leading", "name")

    def __init__(self, name: str, metadata: PhoneMetadata) -> None:
        self.name = name
        leading = metadata.leading_digits
        self.leading = re.compile(leading).match if leading is not None else None
        self._general = _pattern(metadata.general_desc)
        self._fixed = _pattern(metadata.fixed_line)
        self._mobile = _pattern(metadata.mobile)
        self._same = bool(metadata.same_mobile_and_fixed_line_pattern)
        special = (
            metadata.premium_rate,
            metadata.toll_free,
            metadata.shared_cost,
            metadata.voip,
            metadata.personal_number,
            metadata.pager,
            metadata.uan,
            metadata.voicemail,
        )
        self._special = tuple(pattern for each in special if (pattern := _pattern(each)))

    def has(self, national: str) -> bool:
        """Whether it is a valid number of any type."""
        if self._general is None or not self._general.matches(national):
            return False
        return (
            (self._fixed is not None and self._fixed.matches(national))
            or (not self._same and self._mobile is not None and self._mobile.matches(national))
            or any(pattern.matches(national) for pattern in self._special)
        )

    def has_landline(self, national: str) -> bool:
        """Whether it can only be a landline's."""
        return (
            not self._same
            and self._general is not None
            and self._general.matches(national)
            and self._fixed is not None
            and self._fixed.matches(national)
            and not (self._mobile is not None and self._mobile.matches(national))
            and not any(pattern.matches(national) for pattern in self._special)
        )


class CountryPlan:
    """`read` a number that begins with this code."""

    __slots__ = ("_lengths", "_main", "_prefix", "_regions")

    def __init__(self, code: int, regions: tuple[str, ...]) -> None:
        self._main = region_code_for_country_code(code)
        metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, self._main)
        assert metadata is not None
        general = metadata.general_desc
        self._lengths = frozenset(general.possible_length if general else ())
        prefix = metadata.national_prefix_for_parsing
        self._prefix = re.compile(prefix).match if prefix else None
        found = []
        for name in regions:
            of_region = PhoneMetadata.metadata_for_region_or_calling_code(code, name)
            if of_region is not None:
                found.append(_Region(name, of_region))
        self._regions = tuple(found)

    def read(self, national: str) -> tuple[str, bool] | None:
        """The country of the national number, "" for none, and whether it can only be a landline's;
        None: phonenumbers has to look at it."""
        if national[0] == "0" or len(national) not in self._lengths:
            return None
        if self._prefix is not None and self._prefix(national):
            return None
        region = self._region(national)
        return (region.name, region.has_landline(national)) if region else ("", False)

    @property
    def main(self) -> str:
        """The country that a number without one is counted with."""
        return self._main

    def _region(self, national: str) -> _Region | None:
        regions = self._regions
        if len(regions) == 1:
            return regions[0]
        for region in regions:
            if region.leading(national) if region.leading else region.has(national):
                return region
        return None


def plan_of(digits: str) -> tuple[CountryPlan, str] | None:
    """The plan for E.164 digits without `+`, and the national number."""
    for length in (1, 2, 3):
        plan = _plan(digits[:length])
        if plan:
            return plan, digits[length:]
    return None


@lru_cache(maxsize=PLANS_MAX * 4)
def _plan(code: str) -> CountryPlan | None:
    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code))
    return CountryPlan(int(code), regions) if regions else None


def _pattern(described: PhoneNumberDesc | None) -> _Pattern | None:
    if described is None or not described.national_number_pattern:
        return None
    return _Pattern(
        frozenset(described.possible_length),
        re.compile(described.national_number_pattern).fullmatch,
    )
