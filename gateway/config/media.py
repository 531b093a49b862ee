"""[media]: where the media of calls is relayed, and by how many processes."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.config.ice_servers import Stun, Turn
from gateway.config.rtpengine import RTPENGINES_MAX, Rtpengine


class Media(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[media]: where the media of calls is relayed. `host` is the one address that RTP is bound to,
    that of [sip] where it is empty; `public_host` is what peers are told, that of [sip] or `host`
    where it is empty. A call takes four ports from `port_min` to `port_max`, which the `workers`
    share: processes of their own, one a core where it is 0.

    With `engine = "rtpengine"` the servers of [[media.rtpengine]] do all that instead, at their own
    addresses and ports.
    """

    engine: Literal["workers", "rtpengine"] = "workers"
    host: str = ""
    public_host: str = ""
    port_min: Annotated[int, Meta(ge=1_024, le=65_534)] = 20_000
    port_max: Annotated[int, Meta(ge=1_025, le=65_535)] = 29_999
    workers: Annotated[int, Meta(ge=0, le=256)] = 0
    stun: Stun = Stun()
    turn: Turn = Turn()
    rtpengine: Annotated[tuple[Rtpengine, ...], Meta(max_length=RTPENGINES_MAX)] = ()
