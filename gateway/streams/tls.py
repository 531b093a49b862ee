"""TLS to the broker: it is verified, and knows us by a certificate where it asks for one."""

from __future__ import annotations

import ssl

from gateway.config.sections import Mqtt
from gateway.errors import ConfigError
from gateway.net.errors import TlsError
from gateway.net.tls import client_context


class _ClosingSocket(ssl.SSLSocket):
    """Closed when its handshake fails, because paho then forgets it."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def tls_context(config: Mqtt) -> ssl.SSLContext:
    """
    Raises:
        ConfigError: a file cannot be used.
    """
    try:
        context = client_context(config.ca_file, config.cert_file, config.key_file)
    except TlsError as error:
        raise ConfigError(f"[events.mqtt] {error}") from None
    context.sslsocket_class = _ClosingSocket
    return context
