"""The sections of gateway.toml: what each key means, its unit, bounds and default."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Port = Annotated[int, Meta(ge=0, le=65_535)]
ProxyAddress = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-fA-F.:]+(/[0-9]{1,3})?\Z",
        description="the address or network of a proxy, such as 10.0.0.0/8",
    ),
]
Window = Annotated[int, Meta(ge=1, le=1_000)]
# Names on the wire are C-octet strings with a bound (SMPP v3.4 §4.1.1), the closing NUL included.
SystemId = Annotated[str, Meta(min_length=1, max_length=15)]
TimerSeconds = Annotated[float, Meta(ge=0.1, le=86_400)]

DAY_S = 86_400


class Rest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[rest]: where the HTTP API listens. Port 0 takes a free one.

    `trusted_proxies` are the addresses or networks of reverse proxies: only their X-Forwarded-For
    is believed. Behind a proxy that is not among them all clients count as one, and share the
    limit on failed attempts to authenticate.
    """

    host: str = "127.0.0.1"
    port: Port = 8080
    trusted_proxies: tuple[ProxyAddress, ...] = ()


class Admin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[admin]: where health and metrics listen. It asks for no credentials: keep it on loopback or
    a management network. Port 0 takes a free one.
    """

    host: str = "127.0.0.1"
    port: Port = 8081


class Smpp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[smpp]: the server that ESMEs bind to.

    `window` is how many deliver_sm may await their response on one connection. The timers are
    those of SMPP v3.4 §7.2, in seconds: `session_init_s` from the connection to its bind,
    `enquire_link_s` of silence until we ask, `response_s` for an answer to us, `inactivity_s`
    without messages until we unbind. `connections_max` counts all connections, bound or not.
    """

    host: str = "127.0.0.1"
    port: Port = 2775
    system_id: SystemId = "supernet"
    window: Window = 100
    session_init_s: TimerSeconds = 30.0
    enquire_link_s: TimerSeconds = 30.0
    response_s: TimerSeconds = 10.0
    inactivity_s: TimerSeconds = 3_600.0
    connections_max: Annotated[int, Meta(ge=1, le=100_000)] = 1_000


class Storage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[store]: where messages are kept.

    `directory` is relative to the working directory of the daemon, and made when it is missing.
    Under `free_bytes_min` octets of free space no message is accepted.
    """

    directory: Annotated[str, Meta(min_length=1)] = "var/gateway"
    free_bytes_min: Annotated[int, Meta(ge=0)] = 256 << 20


class Queue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[queue]: what becomes of messages that wait.

    `expired_error_code` is given to a message whose ValidityPeriod passes in its queue: Twilio's
    30001, or its newer 30036. `receipt_wait_s`: after so long in `sent` a receipt is no longer
    expected. `outcome_unknown_wait_s`: after so long without submit_sm_resp or receipt a message
    that a carrier may or may not have taken is failed.
    """

    expired_error_code: Literal[30001, 30036] = 30001
    receipt_wait_s: Annotated[float, Meta(ge=1, le=30 * DAY_S)] = 259_200.0
    outcome_unknown_wait_s: Annotated[float, Meta(ge=1, le=30 * DAY_S)] = 3_600.0


class Callbacks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[callbacks]: how webhooks are called.

    `connect_timeout_s` and `response_timeout_s` bound one attempt; attempts go on for four hours.
    `concurrency` counts the requests under way at once, to all destinations together.
    `allow_private_destinations` lets a customer's URL lead into loopback and private networks,
    which is right for a demo and wrong wherever customers are strangers.
    """

    connect_timeout_s: Annotated[float, Meta(ge=0.1, le=10)] = 5.0
    response_timeout_s: Annotated[float, Meta(ge=0.1, le=15)] = 15.0
    concurrency: Annotated[int, Meta(ge=1, le=10_000)] = 1_024
    allow_private_destinations: bool = False


class Log(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[log]: how much is told on standard error, and in which form."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
