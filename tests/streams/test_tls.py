"""TLS to the broker; handshakes are in tests/interop/test_mosquitto_tls.py."""

import ssl

import pytest

from gateway.config.sections import Mqtt
from gateway.errors import ConfigError
from gateway.streams.tls import tls_context


def test_tls_verifies_the_broker() -> None:
    context = tls_context(Mqtt("broker", tls=True))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize(
    "mqtt",
    [Mqtt(tls=True, ca_file="none"), Mqtt(tls=True, cert_file="none", key_file="none")],
    ids=["authority", "certificate"],
)
def test_file_for_tls_that_cannot_be_read_is_refused(mqtt: Mqtt) -> None:
    with pytest.raises(ConfigError, match=r"\[events.mqtt\]"):
        tls_context(mqtt)
