"""An effect that the text of a message asks for itself: `(sim receipt=UNDELIV err=001)`.

The keys are those of `rule.Effect` with plain values. A tag that says nothing that can be done is
text like any other.
"""

from __future__ import annotations

import re

import msgspec

from carriers_sim.rule import Effect

TAG = re.compile(r"\(sim ([^()]{1,200})\)")


def effect(text: str) -> Effect | None:
    """What the first tag asks for."""
    match = TAG.search(text)
    if match is None:
        return None
    keys = dict(pair.partition("=")[::2] for pair in match[1].split())
    try:
        return msgspec.convert(keys, Effect, strict=False)
    except msgspec.ValidationError:
        return None
