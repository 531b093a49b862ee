"""The sections of gateway.toml: what each key means, its unit, bounds and default."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.account import Language

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


class SmppTls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[smpp.tls]: the same server over TLS, on a port of its own. Without `cert_file` there is
    none.

    `cert_file` and `key_file` are ours, in PEM; without `key_file` the key is in `cert_file` too.
    With `client_ca_file`, the certificates of authorities, a client must show one that they have
    signed (mutual TLS). `only` closes the port without TLS.
    """

    cert_file: str = ""
    key_file: str = ""
    client_ca_file: str = ""
    port: Port = 3_550
    only: bool = False


class Smpp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[smpp]: the server that ESMEs bind to.

    `window` is how many deliver_sm may await their response on one connection. The timers are
    those of SMPP v3.4 §7.2, in seconds: `session_init_s` from the connection to its bind,
    `enquire_link_s` of silence until we ask, `response_s` for an answer to us, `inactivity_s`
    without messages until we unbind. `connections_max` counts all connections, bound or not, and
    `connections_per_address_max` those of one address (of IPv6, of one /64).

    From an address with `auth_failures_max` wrong passwords or unknown system_ids nobody may bind
    for `lockout_s`. When that many addresses have failed for one ESME, it may bind for `lockout_s`
    only from addresses where it has bound before, or those of its `allowed_ips`.

    `proxy_protocol` are the addresses or networks of load balancers: a connection from there, and
    from nowhere else, begins with the header of the PROXY protocol, which names the client.

    `idempotency_tag` is the tag of the TLV in which an ESME may send an idempotency key
    (vendor-specific tags are 0x1400 to 0x3FFF, §5.3.2). `deliver_s`: what an account's ESMEs have
    not taken for so long is given up.
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
    connections_per_address_max: Annotated[int, Meta(ge=1, le=100_000)] = 200
    auth_failures_max: Annotated[int, Meta(ge=1, le=1_000)] = 10
    lockout_s: Annotated[float, Meta(ge=1, le=86_400)] = 300.0
    proxy_protocol: tuple[ProxyAddress, ...] = ()
    idempotency_tag: Annotated[int, Meta(ge=0x1400, le=0x3FFF)] = 0x1400
    deliver_s: Annotated[float, Meta(ge=60, le=30 * DAY_S)] = 3.0 * DAY_S
    tls: SmppTls = SmppTls()


class Storage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[store]: where messages are kept, and for how long.

    `directory` is relative to the working directory of the daemon, and made when it is missing.
    Under `free_bytes_min` octets of free space no message is accepted.

    Messages are kept in segment files: a new one is begun at `segment_bytes` octets or after
    `segment_s` seconds, and each is dropped whole `retention_s` seconds after it was closed, or
    earlier, the oldest first, once all together exceed `bytes_max` octets (0: no bound). What is
    not finished by then is carried over, never dropped.

    Records of calls are kept for `call_retention_s`, or less long, the oldest going first, where all
    would exceed `call_bytes_max` octets (0: no bound).

    `idempotency_window_s`: for so long a request with the same idempotency key makes no second
    message.
    """

    directory: Annotated[str, Meta(min_length=1)] = "var/gateway"
    free_bytes_min: Annotated[int, Meta(ge=0)] = 256 << 20
    segment_bytes: Annotated[int, Meta(ge=1 << 20, le=4 << 30)] = 256 << 20
    segment_s: Annotated[float, Meta(ge=60, le=30 * DAY_S)] = 86_400.0
    retention_s: Annotated[float, Meta(ge=3_600, le=400 * DAY_S)] = 7.0 * DAY_S
    bytes_max: Annotated[int, Meta(ge=0)] = 0
    idempotency_window_s: Annotated[float, Meta(ge=60, le=28 * DAY_S)] = 7.0 * DAY_S
    call_retention_s: Annotated[float, Meta(ge=3_600, le=4_000 * DAY_S)] = 90.0 * DAY_S
    call_bytes_max: Annotated[int, Meta(ge=0)] = 0


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[text]: how texts become parts.

    `reference_bits` is the size of the reference that joins the parts of a message again (3GPP TS
    23.040 §9.2.3.24.1, §9.2.3.24.8). `national_languages` are those in whose shift tables a text
    may go where that takes fewer parts than UCS-2 (23.038 §6.2.1.2), in order of preference: none
    by default, because not every carrier and handset takes them. An account may have its own.
    """

    reference_bits: Literal[8, 16] = 8
    national_languages: tuple[Language, ...] = ()


class Queue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[queue]: what becomes of messages that wait.

    `expired_error_code` is given to a message whose ValidityPeriod passes in its queue: Twilio's
    30001, or its newer 30036. `receipt_wait_s`: after so long in `sent` a receipt is no longer
    expected. `outcome_unknown_wait_s`: after so long without submit_sm_resp or receipt a message
    that a carrier may or may not have taken is failed. `reassembly_s`: after so long the parts of
    an inbound message that have come are told without those that have not.
    """

    expired_error_code: Literal[30001, 30036] = 30001
    receipt_wait_s: Annotated[float, Meta(ge=1, le=30 * DAY_S)] = 259_200.0
    outcome_unknown_wait_s: Annotated[float, Meta(ge=1, le=30 * DAY_S)] = 3_600.0
    reassembly_s: Annotated[float, Meta(ge=1, le=86_400)] = 60.0


class Callbacks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[callbacks]: how webhooks are called.

    `connect_timeout_s` and `response_timeout_s` bound one attempt; attempts go on for four hours.
    `concurrency` counts the requests under way at once, to all destinations together, and
    `host_concurrency` those to one host.
    `allow_private_destinations` lets a customer's URL lead into loopback and private networks,
    which is right for a demo and wrong wherever customers are strangers.
    """

    connect_timeout_s: Annotated[float, Meta(ge=0.1, le=10)] = 5.0
    response_timeout_s: Annotated[float, Meta(ge=0.1, le=15)] = 15.0
    concurrency: Annotated[int, Meta(ge=1, le=10_000)] = 1_024
    host_concurrency: Annotated[int, Meta(ge=1, le=1_000)] = 64
    allow_private_destinations: bool = False


MqttHost = Annotated[
    str,
    Meta(
        max_length=253, pattern=r"^[!-~]*\Z", description="a host name or address, without blanks"
    ),
]
# A level of an MQTT topic (MQTT 5.0 §4.7): wildcards and the NUL have no place in what we publish.
TopicPrefix = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=r"^[^#+\x00$][^#+\x00]*\Z",
        description="a topic of 1 to 200 characters, without # and + and not after $",
    ),
]


class Mqtt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[events.mqtt]: the broker that gets every event. Without `host` there is none.

    `version` is 3 (3.1.1) or 5. `tls` verifies the broker against the system's authorities, or
    against `ca_file`; `cert_file` and `key_file` are ours, where the broker wants to know us.
    `username` has a `password`, or better `password_env`, the environment variable that holds it.
    `in_flight_max` events may await their PUBACK.
    """

    host: MqttHost = ""
    port: Annotated[int, Meta(ge=1, le=65_535)] = 1_883
    version: Literal[3, 5] = 5
    topic_prefix: TopicPrefix = "supernet"
    client_id: str = ""
    username: str = ""
    password: str = ""
    password_env: str = ""
    tls: bool = False
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    keepalive_s: Annotated[int, Meta(ge=5, le=3_600)] = 30
    in_flight_max: Annotated[int, Meta(ge=1, le=1_000)] = 100


class EventWebhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[events.webhook]: the operator's URL that gets every event, in batches of CloudEvents.
    Without `url` there is none.

    `secret`, or better the environment variable `secret_env`, is the key that signs the batches.
    """

    url: str = ""
    secret: str = ""
    secret_env: str = ""
    batch_max: Annotated[int, Meta(ge=1, le=1_000)] = 100
    timeout_s: Annotated[float, Meta(ge=0.1, le=60)] = 15.0


class Archive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[events.archive]: where messages that expired or were not delivered are written down as
    NDJSON, compressed with zstd. Without `target` there is no archive.

    `target` is a directory, relative to the working directory of the daemon, or an S3-compatible
    bucket as `s3://bucket/prefix`; each gateway has its own. A file is closed after `file_s`
    seconds or `file_bytes` octets; what is not in a closed one is read again after a crash.
    `segments` writes whole segments down as well, before they are dropped.
    """

    target: str = ""
    endpoint: str = ""
    region: str = ""
    file_s: Annotated[float, Meta(ge=1, le=86_400)] = 3_600.0
    file_bytes: Annotated[int, Meta(ge=1 << 10, le=1 << 30)] = 64 << 20
    segments: bool = False


class Events(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[events]: where everything that happens to messages is told, besides to their customers.

    `source` is the CloudEvents source of every event. A sink that is further behind than
    `behind_alarm_s` raises an alarm.
    """

    source: Annotated[str, Meta(min_length=1, max_length=256)] = "/supernet"
    behind_alarm_s: Annotated[float, Meta(ge=1, le=86_400)] = 60.0
    mqtt: Mqtt = Mqtt()
    webhook: EventWebhook = EventWebhook()
    archive: Archive = Archive()


class Log(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[log]: how much is told on standard error, and in which form."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
