"""[[media.rtpengine]]: the rtpengines that relay the media of calls."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

# Each is pinged all the time.
RTPENGINES_MAX = 64


class Rtpengine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[[media.rtpengine]]: one server, with the address and port of its `listen-ng`. New calls are
    spread by `weight`; a server of weight 0 takes what the others have no room for, or all of them
    while no other is up."""

    host: Annotated[str, Meta(min_length=1, max_length=253)]
    port: Annotated[int, Meta(ge=1, le=65_535)] = 2_223
    weight: Annotated[int, Meta(ge=0, le=1_000)] = 1
