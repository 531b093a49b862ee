"""TLS to the broker: it is verified, and knows us by a certificate where it asks for one."""

from __future__ import annotations

import ssl

from gateway.config.sections import Mqtt
from gateway.errors import ConfigError


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
        context = ssl.create_default_context(cafile=config.ca_file or None)
        if config.cert_file:
            context.load_cert_chain(config.cert_file, config.key_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"[events.mqtt] ca_file, cert_file, key_file: {error}") from None
    context.sslsocket_class = _ClosingSocket
    return context
