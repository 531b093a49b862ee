"""How a carrier's connections carry octets: whether it reads, answers, and in what pieces."""

from __future__ import annotations

import msgspec

from carriers_sim.delay import Delay, Seconds, require_delay


class Link(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As built it is sound.

    `reads` = false accepts connections and never reads them (half-open). `answers` = false reads
    everything and says nothing, not even to enquire_link (a black hole). `dribble_s` writes octet
    by octet, so far apart; `glue_s` keeps what is written for so long, then writes it in one piece.
    `enquire_link_every_s` asks that often, whatever comes in between; 0 turns each of them off.
    """

    reads: bool = True
    answers: bool = True
    enquire_link_answered: bool = True
    enquire_link_delay_s: Delay = 0.0
    enquire_link_every_s: Seconds = 0.0
    dribble_s: Seconds = 0.0
    glue_s: Seconds = 0.0

    def __post_init__(self) -> None:
        require_delay(self.enquire_link_delay_s)
        if self.dribble_s and self.glue_s:
            raise ValueError("dribble_s and glue_s exclude each other")


SOUND = Link()
