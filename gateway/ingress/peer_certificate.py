"""The names in a certificate that TLS has verified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def certificate_names(certificate: Mapping[str, Any]) -> frozenset[str]:
    """The DNS names (RFC 5280 §4.2.1.6) and common names of a certificate as `ssl` reads it, in
    lower case; none where there is no certificate."""
    names = {value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"}
    for attributes in certificate.get("subject", ()):
        names |= {value for kind, value in attributes if kind == "commonName"}
    return frozenset(name.lower() for name in names)
