"""What may become of an INVITE at a carrier, and what the answered call sounds like."""

from __future__ import annotations

from enum import StrEnum

# Besides a final status: nothing at all, or 100 and nothing more.
SILENCE, TRYING = "silence", "trying"
SILENT_STATUS, TRYING_STATUS = 0, 100
ANSWERED = 200


class AudioSource(StrEnum):
    """What the carrier's side says: what it hears, a tone, or nothing."""

    ECHO = "echo"
    TONE = "tone"
    NONE = "none"


def call_status(outcome: str) -> int:
    """Of a name in `outcomes`. Raises ValueError."""
    if outcome == SILENCE:
        return SILENT_STATUS
    if outcome == TRYING:
        return TRYING_STATUS
    return final_status(outcome)


def final_status(text: str) -> int:
    """Raises ValueError."""
    if len(text) == 3 and text.isascii() and text.isdigit() and 200 <= int(text) < 700:
        return int(text)
    raise ValueError(f"{text!r} is no final status of SIP, from 200 to 699, nor {SILENCE!r}")
