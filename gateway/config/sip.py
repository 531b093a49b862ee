"""[sip]: where calls come in, and the bounds that hold for all of them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.config.sections import Port, TimerSeconds


class SipTls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[sip.tls]: SIP over TLS and, with `[sip] websocket_port`, over WSS. Without `cert_file` there
    is none; the key is in `key_file`, or in `cert_file` too."""

    cert_file: str = ""
    key_file: str = ""
    port: Port = 5061


class Sip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[sip]: where calls come in. Off unless `enabled`. Port 0 takes a free one.

    UDP and TCP share `port`; `websocket_port` is for browsers (RFC 7118), 0 for none, and of web
    pages those of `websocket_origins` only, if there are any. `public_host` is how peers reach us,
    where that is not the address they came to. `realm` is that of our
    challenges, which go out for each of `digest_algorithms` in this order: with SHA-256 among them
    some old phones give up, wherever it stands. A call ends after `call_max_s`, and is refused with
    503 beyond `calls_max`. `session_expires_s` is what we offer (RFC 4028), and `min_se_s`
    the least that we accept. Whoever fails `failures_max` times to authenticate within `ban_s` is
    not heard for that long.
    """

    enabled: bool = False
    host: str = "127.0.0.1"
    port: Port = 5060
    websocket_port: Port = 0
    websocket_origins: tuple[str, ...] = ()
    public_host: str = ""
    realm: str = "supernet"
    digest_algorithms: Annotated[
        tuple[Literal["SHA-256", "MD5"], ...], Meta(min_length=1, max_length=2)
    ] = ("SHA-256", "MD5")
    calls_max: Annotated[int, Meta(ge=1, le=50_000)] = 2_500
    call_max_s: TimerSeconds = 14_400.0
    no_answer_s: TimerSeconds = 120.0
    session_expires_s: Annotated[int, Meta(ge=90, le=86_400)] = 1_800
    min_se_s: Annotated[int, Meta(ge=90, le=86_400)] = 90
    failures_max: Annotated[int, Meta(ge=1, le=1_000)] = 10
    ban_s: TimerSeconds = 600.0
    tls: SipTls = SipTls()
