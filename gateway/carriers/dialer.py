"""Connects to a carrier, at its host or at a backup, with TLS where that is configured."""

from __future__ import annotations

import asyncio
import ssl
from typing import NamedTuple

from gateway.config.carrier import BindTls, CarrierBind
from gateway.net.network import Network, ProtocolFactory
from gateway.net.tls import client_context

CONNECT_TIMEOUT_S = 10.0


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Dialer:
    """`addresses` are the host and its backups, in the order in which they are to be tried."""

    def __init__(self, config: CarrierBind, network: Network) -> None:
        """Raises TlsError where a file of the configuration cannot be used."""
        self.addresses = (
            Address(config.host, config.port),
            *(_address(backup) for backup in config.backups),
        )
        self._network = network
        self._server_name = config.tls.server_name if config.tls else ""
        self._tls = _context(config.tls) if config.tls else None

    async def connect(self, address: Address, factory: ProtocolFactory) -> None:
        """Raises OSError: it was not reached, or not in time, or is not whom it should be."""
        host, port = address
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            if self._tls:
                await self._network.connect(host, port, factory, self._tls, self._server_name)
            else:
                await self._network.connect(host, port, factory)


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(host.strip("[]"), int(port))


def _context(tls: BindTls) -> ssl.SSLContext:
    context = client_context(tls.ca_file, tls.cert_file, tls.key_file)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
