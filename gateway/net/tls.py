"""TLS: contexts from files, for listeners and for clients, and who the peer's certificate names.

TLS 1.2 is the oldest version that is spoken. A client always verifies the server: one that signs
for itself is trusted by naming its certificate as `ca_file`.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from typing import Any

from gateway.net.errors import TlsError

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_PRIVATE_KEY = b"PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """A certificate that was verified. `subject` is for the log; `names` are its common name and
    its alternative names (DNS, IP address, URI, e-mail), any of which may stand for its owner."""

    subject: str
    names: tuple[str, ...]


def server_context(cert_file: str, key_file: str = "", client_ca_file: str = "") -> ssl.SSLContext:
    """For a listener. Without `key_file` the key is in `cert_file` too. With `client_ca_file` a
    client must have a certificate that one of these authorities has signed (mutual TLS).

    Raises:
        TlsError: a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A renegotiation costs the server far more than the client.
    context.options |= ssl.OP_NO_RENEGOTIATION
    _load_certificate(context, cert_file, key_file)
    if client_ca_file:
        _load_authorities(context, "client_ca_file", client_ca_file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(ca_file: str = "", cert_file: str = "", key_file: str = "") -> ssl.SSLContext:
    """For a client, which verifies the server's certificate and name: by the authorities of
    `ca_file`, or those of the system. `cert_file` and its key are what we show a server that asks.

    Raises:
        TlsError: a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        _load_authorities(context, "ca_file", ca_file)
    else:
        context.load_default_certs()
    if cert_file:
        _load_certificate(context, cert_file, key_file)
    return context


def peer_certificate(decoded: dict[str, Any] | None) -> PeerCertificate | None:
    """From what `ssl` decodes of a certificate; None where the peer has shown none."""
    if not decoded:
        return None
    subject = [pair for part in decoded.get("subject", ()) for pair in part]
    names = [value for name, value in subject if name == "commonName"]
    names += [value for _, value in decoded.get("subjectAltName", ()) if isinstance(value, str)]
    text = ",".join(f"{name}={value}" for name, value in subject)
    return PeerCertificate(text, tuple(dict.fromkeys(names)))


def _load_certificate(context: ssl.SSLContext, cert_file: str, key_file: str) -> None:
    key, key_path = ("key_file", key_file) if key_file else ("cert_file", cert_file)
    _check("cert_file", cert_file, _CERTIFICATE, "there is no certificate in it (PEM)")
    _check(key, key_path, _PRIVATE_KEY, "there is no private key in it (PEM)")

    def no_password() -> str:
        raise TlsError(key, key_path, "the key is encrypted; a daemon cannot ask for its password")

    try:
        context.load_cert_chain(cert_file, key_path, no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise TlsError(key, key_path, f"is not the key of {cert_file}") from None
        raise TlsError("cert_file", cert_file, _reason(error)) from None


def _load_authorities(context: ssl.SSLContext, key: str, path: str) -> None:
    _check(key, path, _CERTIFICATE, "there is no certificate in it (PEM)")
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise TlsError(key, path, _reason(error)) from None


def _check(key: str, path: str, mark: bytes, otherwise: str) -> None:
    """The ssl module names no file, and tells a wrong one from a broken one only by a number."""
    try:
        with open(path, "rb") as file:
            found = mark in file.read()
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        raise TlsError(key, path, reason) from None
    if not found:
        raise TlsError(key, path, otherwise)


def _reason(error: ssl.SSLError) -> str:
    return f"cannot be read ({(error.reason or str(error)).lower().replace('_', ' ')})"
