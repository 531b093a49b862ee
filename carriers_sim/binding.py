"""What becomes of a bind with good credentials, besides its status."""

from __future__ import annotations

import msgspec

from carriers_sim.delay import Count, Delay, Seconds, require_delay


class Binding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As built a bind is answered at once and stands.

    `answered` = false leaves it without an answer. Once bound, the carrier cuts the connection or
    sends unbind, with whatever is in flight, after so many seconds or submit_sm; 0 turns each off.
    A bind that is cut again and again is a flapping one.
    """

    answered: bool = True
    delay_s: Delay = 0.0
    drop_after_s: Seconds = 0.0
    drop_after_submits: Count = 0
    unbind_after_s: Seconds = 0.0
    unbind_after_submits: Count = 0

    def __post_init__(self) -> None:
        require_delay(self.delay_s)
