"""Times of SMPP (v3.4 §7.1.1): `YYMMDDhhmmsstnnp`, absolute with a quarter-hour offset or relative
with `R`, and the `YYMMDDhhmm` of receipts. Calendar arithmetic on Unix seconds, UTC, no clock.
"""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.smpp.errors import SmppError

DAY_S = 86_400
# Appendix C: two digits from 00 to 37 are years of this century, 38 to 99 of the last.
CENTURY_SPLIT = 38
_TIME = re.compile(r"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d)(\d\d)([-+R])")
_DAYS_IN_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class TimeError(SmppError):
    """Not a time in either format of §7.1.1."""


def parse(text: str, now: float) -> float:
    """The Unix time that `text` means at `now`.

    A relative time counts years of 365 and months of 30 days (the specification does not say).

    Raises:
        TimeError: the text has another form, or a number is out of its range.
    """
    match = _TIME.fullmatch(text)
    if not match:
        raise TimeError(f"{text!r} is not of the form YYMMDDhhmmsstnnp")
    year, month, day, hour, minute, second, tenth, quarters = map(int, match.groups()[:8])
    if match[9] == "R":
        days = year * 365 + month * 30 + day
        return now + days * DAY_S + hour * 3600 + minute * 60 + second
    in_range = (
        1 <= month <= 12
        and 1 <= day <= _DAYS_IN_MONTH[month - 1]
        and hour < 24
        and minute < 60
        and second < 60
        and quarters <= 48
    )
    year += 2000 if year < CENTURY_SPLIT else 1900
    if not in_range or (month == 2 and day == 29 and not _is_leap(year)):
        raise TimeError(f"{text!r} has a number out of its range")
    offset = quarters * 900 * (1 if match[9] == "+" else -1)
    local = _days(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second + tenth / 10
    return local - offset


def receipt_date(at: float) -> str:
    """`YYMMDDhhmm` in UTC, as receipts have it (Appendix B)."""
    return _minute_text(at // 60)


@lru_cache(maxsize=64)
def _minute_text(minutes: float) -> str:
    days, minute = divmod(int(minutes), 1440)
    year, month, day = _civil(days)
    return f"{year % 100:02d}{month:02d}{day:02d}{minute // 60:02d}{minute % 60:02d}"


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01, counting years from March so that the leap day comes last."""
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return (
        era * 146_097
        + year_of_era * 365
        + year_of_era // 4
        - year_of_era // 100
        + (day_of_year - 719_468)
    )


def _civil(days: int) -> tuple[int, int, int]:
    """Year, month and day; the inverse of `_days`."""
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return era * 400 + year_of_era + (month <= 2), month, day
