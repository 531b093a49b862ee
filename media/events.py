"""What a relayed call tells who opened it. `end` is 0 or 1."""

from __future__ import annotations

from typing import NamedTuple


class MediaTimeout(NamedTuple):
    """Neither end, or one that should, has sent anything for long: the call is dead. Told again
    after as long, from the first answer on, so in early media too, where an end may be silent."""


MediaEvent = MediaTimeout
