"""[media.stun] and [media.turn]: servers that tell us how we are seen, and relay for us."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Host = Annotated[str, Meta(max_length=253)]
Port = Annotated[int, Meta(ge=1, le=65_535)]


class Stun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[media.stun]: a server of STUN (RFC 8489), for a gateway behind a NAT whose `public_host` is
    not known or not one. It is asked at each call of a browser."""

    host: Host = ""
    port: Port = 3_478


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[media.turn]: a server of TURN (RFC 8656), for a gateway that browsers cannot reach at all.
    `password` stands in the file, or in the environment variable that `password_env` names."""

    host: Host = ""
    port: Port = 3_478
    transport: Literal["udp", "tcp", "tls"] = "udp"
    username: Annotated[str, Meta(max_length=128)] = ""
    password: Annotated[str, Meta(max_length=128)] = ""
    password_env: str = ""
