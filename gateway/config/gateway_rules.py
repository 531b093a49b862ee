"""What must hold in gateway.toml beyond the types of its values."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from gateway.config.ice_servers import Turn
from gateway.config.mistakes import got
from gateway.config.secrets import signing_key
from gateway.config.sections import Archive, Events, EventWebhook, Mqtt, Smpp, Storage
from gateway.config.source import Source


def check_store(source: Source, store: Storage) -> None:
    """Raises ConfigError where a key would be remembered longer than its message, or where
    not even one segment has room."""
    if store.bytes_max and store.bytes_max < store.segment_bytes:
        raise source.error(
            ("store", "bytes_max"),
            f"expected 0, or at least segment_bytes, which is {store.segment_bytes}",
        )
    if store.idempotency_window_s > store.retention_s:
        raise source.error(
            ("store", "idempotency_window_s"),
            f"expected at most retention_s, which is {store.retention_s:g}",
        )


def check_smpp(source: Source, smpp: Smpp) -> None:
    """Raises ConfigError where a file for TLS is not there or of no use, where both listeners would
    have one port, or where a proxy has no address."""
    at, tls = ("smpp", "tls"), smpp.tls
    for key in ("cert_file", "key_file", "client_ca_file"):
        name = getattr(tls, key)
        if name and not Path(name).is_file():
            raise source.error((*at, key), f"no such file '{name}'")
        if name and not tls.cert_file:
            raise source.error((*at, key), "is of no use without a cert_file")
    if tls.only and not tls.cert_file:
        raise source.error((*at, "only"), "expected a cert_file, or nobody could connect")
    if tls.cert_file and not tls.only and tls.port == smpp.port != 0:
        raise source.error((*at, "port"), f"expected another than [smpp] port, which is {tls.port}")
    for index, network in enumerate(smpp.proxy_protocol):
        if not is_network(network):
            raise source.error(
                ("smpp", "proxy_protocol", index),
                f'expected an IP address or network such as "10.0.0.0/8", got {got(network)}',
            )


def is_network(text: str) -> bool:
    """Whether it is an IP address, or a network without bits set beyond its prefix."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def check_events(source: Source, events: Events, environ: Mapping[str, str]) -> Events:
    """The sinks of events, with the secrets that the environment holds.

    Raises:
        ConfigError: the first thing that is wrong.
    """
    return msgspec.structs.replace(
        events,
        mqtt=_check_mqtt(source, events.mqtt, environ),
        webhook=_check_webhook(source, events.webhook, environ),
        archive=_check_archive(source, events.archive),
    )


def _check_mqtt(source: Source, mqtt: Mqtt, environ: Mapping[str, str]) -> Mqtt:
    at = ("events", "mqtt")
    if bool(mqtt.cert_file) != bool(mqtt.key_file):
        raise source.table_error(at, "expected cert_file and key_file together, or neither")
    for key in ("ca_file", "cert_file", "key_file"):
        name = getattr(mqtt, key)
        if name and not Path(name).is_file():
            raise source.error((*at, key), f"no such file '{name}'")
        if name and not mqtt.tls:
            raise source.error((*at, key), "is of no use without tls = true")
    if mqtt.username == "" and (mqtt.password or mqtt.password_env):
        raise source.table_error(at, "expected a username with the password")
    password = _secret(source, at, "password", mqtt.password, mqtt.password_env, environ)
    return msgspec.structs.replace(mqtt, password=password)


def _check_webhook(
    source: Source, webhook: EventWebhook, environ: Mapping[str, str]
) -> EventWebhook:
    at = ("events", "webhook")
    if webhook.url:
        try:
            url = urlsplit(webhook.url)
            usable = url.scheme in ("http", "https") and bool(url.hostname)
        except ValueError:
            usable = False
        if not usable:
            raise source.error((*at, "url"), "expected an http or https URL")
    secret = _secret(source, at, "secret", webhook.secret, webhook.secret_env, environ)
    if webhook.url and signing_key(secret) is None:
        raise source.table_error(
            at,
            "expected a secret, or secret_env, of 'whsec_' and the base64 of 24 to 64 octets, as"
            ' `echo "whsec_$(openssl rand -base64 32)"` makes it',
        )
    return msgspec.structs.replace(webhook, secret=secret)


def check_turn(source: Source, turn: Turn, environ: Mapping[str, str]) -> Turn:
    """The server of TURN, with the password that the environment holds.

    Raises:
        ConfigError: it would not let us in.
    """
    at = ("media", "turn")
    password = _secret(source, at, "password", turn.password, turn.password_env, environ)
    if bool(turn.host) != bool(turn.username and password):
        raise source.table_error(at, "expected host, username and password together, or none")
    return msgspec.structs.replace(turn, password=password)


def _check_archive(source: Source, archive: Archive) -> Archive:
    where = ("events", "archive", "target")
    if "://" in archive.target:
        url = urlsplit(archive.target)
        if url.scheme != "s3" or not url.hostname:
            raise source.error(where, "expected a directory or s3://bucket/prefix")
    return archive


def _secret(
    source: Source,
    at: tuple[str, ...],
    key: str,
    given: str,
    variable: str,
    environ: Mapping[str, str],
) -> str:
    if not variable:
        return given
    if given:
        raise source.table_error(at, f"expected either {key} or {key}_env")
    secret = environ.get(variable)
    if secret is None:
        raise source.error((*at, f"{key}_env"), f"the environment has no variable {variable}")
    return secret
