"""What a store may take, and for how long it keeps it."""

from __future__ import annotations

from dataclasses import dataclass

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """`pending_max` records may wait for their commit; beyond that, and below `free_bytes_min`, no
    message is accepted.

    The floor leaves room for what must still be written about messages already accepted. Under
    load commits begin up to `commit_interval_s` apart (see `Gathering`).

    A new segment is begun at `segment_bytes` or after `segment_s`, whichever is first, and dropped
    `retention_s` after it was sealed, or earlier once all files exceed `bytes_max` (0: no bound).
    An idempotency key counts for `key_window_s`. `stream`: keep the stream of events for sinks.
    """

    pending_max: int = 20_000
    free_bytes_min: int = 256 << 20
    commit_interval_s: float = 0.004
    segment_bytes: int = 256 << 20
    segment_s: float = DAY_S
    retention_s: float = 7 * DAY_S
    bytes_max: int = 0
    key_window_s: float = 7 * DAY_S
    stream: bool = False
