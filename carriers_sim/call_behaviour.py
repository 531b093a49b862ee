"""How a carrier treats the calls that it is sent: pure, and seeded by the caller.

As with messages, the chance of a call comes from the seed, the carrier's name and the call's number
there, so the same seed and the same calls give the same trace.
"""

from __future__ import annotations

from random import Random
from typing import Annotated

import msgspec
from msgspec.structs import replace

from carriers_sim.call_magic_numbers import CallEffect, effect_of
from carriers_sim.call_outcome import (
    ANSWERED,
    SILENCE,
    SILENT_STATUS,
    AudioSource,
    call_status,
    final_status,
)
from carriers_sim.delay import (
    Count,
    Delay,
    Seconds,
    Share,
    Weights,
    draw,
    happens,
    pick,
    require_delay,
    require_weight,
)
from carriers_sim.rule import Repeat

Rate = Annotated[float, msgspec.Meta(ge=0)]


class CallBehaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One carrier's character towards calls. As built it rings and answers at once.

    Shares are from 0 to 1 of all calls; `lost` is of all datagrams, either way. `outcomes` weighs
    final statuses, `silence` and `trying`. A call rings `post_dial_delay_s` after its INVITE, with
    183 and audio for the share `early_media`, and has its outcome `ring_s` later; 0 for both and a
    refusal does without ringing. The carrier hangs up after `talk_s`, and puts on hold
    `hold_after_s` after the answer, for `hold_s`. `options` and `register` answer those requests
    by a status or by silence. With `challenge` it asks for a password (407, and 401 to REGISTER).
    Above `calls_per_s_max` and `channels_max` it refuses with 503; 0 turns each off.
    """

    outcomes: Weights = msgspec.field(default_factory=lambda: {str(ANSWERED): 1.0})
    post_dial_delay_s: Delay = 0.0
    rings: bool = True
    ring_s: Delay = 0.0
    early_media: Share = 0.0
    reliable: bool = False
    audio: AudioSource = AudioSource.ECHO
    talk_s: Delay | None = None
    hold_after_s: Delay | None = None
    hold_s: Seconds = 1.0
    retry_after_s: Count = 0
    cause: Annotated[int, msgspec.Meta(ge=0, le=127)] = 0
    challenge: bool = False
    calls_per_s_max: Rate = 0.0
    channels_max: Count = 0
    lost: Share = 0.0
    options: str = str(ANSWERED)
    register: str = str(ANSWERED)
    magic_numbers: bool = False

    def __post_init__(self) -> None:
        require_weight(self.outcomes, "outcomes")
        for outcome in self.outcomes:
            call_status(outcome)
        for answer in (self.options, self.register):
            if answer != SILENCE:
                final_status(answer)
        for delay in (self.post_dial_delay_s, self.ring_s, self.talk_s, self.hold_after_s):
            if delay is not None:
                require_delay(delay)


class CallDecision(msgspec.Struct, frozen=True, gc=False):
    """What the carrier does with one call, and why.

    `status` is final, or 100 where only Trying is said, or 0 where nothing is. `provisional` is
    180, 183, or 0 for none.
    """

    status: int
    reason: str
    provisional: int = 0
    reliable: bool = False
    post_dial_delay_s: float = 0.0
    ring_s: float = 0.0
    retry_after_s: int = 0
    cause: int = 0
    audio: AudioSource = AudioSource.ECHO
    talk_s: float | None = None
    hold_after_s: float | None = None
    hold_s: float = 0.0
    is_remembered: bool = False

    @property
    def is_silent(self) -> bool:
        return self.status == SILENT_STATUS

    @property
    def is_answered(self) -> bool:
        return 200 <= self.status < 300


class OfferedCall(msgspec.Struct, frozen=True, gc=False):
    """A call as a decision needs it. `refused_by` names the carrier that refused a call of the same
    numbers before, where a rule said that another attempt shall pass."""

    carrier: str
    called: str
    refused_by: str = ""
    is_throttled: bool = False
    is_full: bool = False


def decide_call(behaviour: CallBehaviour, call: OfferedCall, chance: Random) -> CallDecision:
    """What to do with one INVITE, and why."""
    if call.is_throttled or call.is_full:
        reason = "throttle" if call.is_throttled else "channels"
        return CallDecision(503, reason, retry_after_s=behaviour.retry_after_s)
    reason, is_remembered = "usual", False
    effect = effect_of(call.called) if behaviour.magic_numbers else None
    if effect is not None and _is_due(effect, call):
        behaviour = replace(behaviour, **effect.changes)
        reason = "magic number"
        is_remembered = effect.repeat is not Repeat.ALWAYS
    status = call_status(pick(behaviour.outcomes, chance))
    post_dial_delay_s = draw(behaviour.post_dial_delay_s, chance)
    ring_s = draw(behaviour.ring_s, chance)
    provisional = 0
    if happens(behaviour.early_media, chance):
        provisional = 183
    elif behaviour.rings and (status == ANSWERED or ring_s):
        provisional = 180
    return CallDecision(
        status=status,
        reason=reason,
        provisional=provisional,
        reliable=behaviour.reliable,
        post_dial_delay_s=post_dial_delay_s,
        ring_s=ring_s,
        retry_after_s=behaviour.retry_after_s,
        cause=behaviour.cause,
        audio=behaviour.audio,
        talk_s=_drawn(behaviour.talk_s, chance),
        hold_after_s=_drawn(behaviour.hold_after_s, chance),
        hold_s=behaviour.hold_s,
        is_remembered=is_remembered,
    )


def _is_due(effect: CallEffect, call: OfferedCall) -> bool:
    if not call.refused_by or effect.repeat is Repeat.ALWAYS:
        return True
    return effect.repeat is Repeat.HERE and call.refused_by == call.carrier


def _drawn(delay: Delay | None, chance: Random) -> float | None:
    return None if delay is None else draw(delay, chance)
