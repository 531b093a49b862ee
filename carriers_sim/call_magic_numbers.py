"""Numbers that provoke an outcome of a call through any gateway, by their last four digits.

`0` and a status from 300 to 699 is refused with that status; the others stand here.
docs/how-to/use-the-carrier-simulator.md shows this table to users.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from carriers_sim.call_outcome import SILENCE, TRYING, AudioSource
from carriers_sim.rule import Repeat
from gateway.sip.reasons import REASONS

SUFFIX_LENGTH = 4


class CallEffect(msgspec.Struct, frozen=True, gc=False):
    """What a number changes of the carrier's behaviour. `repeat` is as for messages: with `here`
    the carrier that is asked first refuses, and another one takes the call."""

    changes: Mapping[str, Any]
    repeat: Repeat = Repeat.ALWAYS


EARLY_TONE = {"early_media": 1.0, "ring_s": 1.0, "audio": AudioSource.TONE}

CALL_MAGIC_NUMBERS: dict[str, CallEffect] = {
    "0100": CallEffect({"outcomes": {TRYING: 1.0}}),
    "0101": CallEffect({"outcomes": {SILENCE: 1.0}}),
    "0102": CallEffect({"outcomes": {"480": 1.0}, "ring_s": 600.0}),
    "0103": CallEffect({"post_dial_delay_s": 5.0}),
    "0104": CallEffect({"rings": False}),
    "0110": CallEffect({"talk_s": 2.0}),
    "0111": CallEffect({"talk_s": 0.0}),
    "0112": CallEffect({"hold_after_s": 1.0, "hold_s": 1.0}),
    "0120": CallEffect({"audio": AudioSource.TONE}),
    "0121": CallEffect({"audio": AudioSource.NONE}),
    "0130": CallEffect({"outcomes": {"503": 1.0}}, Repeat.HERE),
    "0131": CallEffect({"outcomes": {SILENCE: 1.0}}, Repeat.HERE),
    "0132": CallEffect({"outcomes": {"503": 1.0}, "retry_after_s": 5}),
    "0183": CallEffect(EARLY_TONE),
    "0184": CallEffect({**EARLY_TONE, "reliable": True}),
    "0185": CallEffect({**EARLY_TONE, "outcomes": {"404": 1.0}}),
}


def effect_of(called: str) -> CallEffect | None:
    """What the called number asks for, if anything."""
    suffix = called[-SUFFIX_LENGTH:]
    if (effect := CALL_MAGIC_NUMBERS.get(suffix)) is not None:
        return effect
    if suffix[:1] == "0" and suffix.isascii() and suffix.isdigit():
        status = int(suffix)
        if status >= 300 and status in REASONS:
            return CallEffect({"outcomes": {str(status): 1.0}})
    return None
