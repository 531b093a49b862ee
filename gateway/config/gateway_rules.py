"""What must hold in gateway.toml beyond the types of its values."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from gateway.config.sections import Events, EventWebhook, Mqtt, Storage
from gateway.config.source import Source


def check_store(source: Source, store: Storage) -> None:
    """Raises ConfigError where a key would be remembered longer than its message."""
    if store.idempotency_window_s > store.retention_s:
        raise source.error(
            ("store", "idempotency_window_s"),
            f"expected at most retention_s, which is {store.retention_s:g}",
        )


def check_events(source: Source, events: Events, environ: Mapping[str, str]) -> Events:
    """The sinks of events, with the secrets that the environment holds.

    Raises:
        ConfigError: the first thing that is wrong.
    """
    return msgspec.structs.replace(
        events,
        mqtt=_check_mqtt(source, events.mqtt, environ),
        webhook=_check_webhook(source, events.webhook, environ),
    )


def _check_mqtt(source: Source, mqtt: Mqtt, environ: Mapping[str, str]) -> Mqtt:
    at = ("events", "mqtt")
    if bool(mqtt.cert_file) != bool(mqtt.key_file):
        raise source.table_error(at, "expected cert_file and key_file together, or neither")
    if mqtt.ca_file and not mqtt.tls:
        raise source.error((*at, "ca_file"), "is of no use without tls = true")
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
    if webhook.url and not secret:
        raise source.table_error(at, "expected a secret, or secret_env, to sign with")
    return msgspec.structs.replace(webhook, secret=secret)


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
