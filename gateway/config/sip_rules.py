"""What must hold in [sip] beyond the types of its values."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.config.mistakes import got
from gateway.config.phone_page import PhonePage
from gateway.config.sip import Sip
from gateway.config.source import Source

# A name or an address, IPv6 with or without its brackets.
HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|\[?[0-9A-Fa-f:.]+\]?")
ANY_HOST = ("", "0.0.0.0", "::")
# Within the quotes of a challenge.
REALM = re.compile(r'[^"\\\x00-\x1f\x7f]{1,64}')


def check_sip(source: Source, sip: Sip) -> None:
    """Raises ConfigError where two listeners would have one port, where a file for TLS is not there
    or of no use, where not one call would have its ports, where it is not said which address RTP
    has, or where a name cannot be written."""
    at = ("sip",)
    _check_tls(source, sip)
    if sip.websocket_port and sip.websocket_port in (sip.port, _tls_port(sip)):
        text = f"expected a port of its own, got {sip.websocket_port}"
        raise source.error((*at, "websocket_port"), text)
    if sip.port and sip.port == _tls_port(sip):
        text = f"expected another than [sip] port, which is {sip.port}"
        raise source.error((*at, "tls", "port"), text)
    if sip.rtp_port_max < sip.rtp_port_min + 3:
        text = f"expected at least {sip.rtp_port_min + 3}, so that a call has its four ports"
        raise source.error((*at, "rtp_port_max"), text)
    if sip.min_se_s > sip.session_expires_s:
        text = f"expected at most session_expires_s, which is {sip.session_expires_s}"
        raise source.error((*at, "min_se_s"), text)
    if REALM.fullmatch(sip.realm) is None:
        text = f"expected 1 to 64 characters without quotes, got {got(sip.realm)}"
        raise source.error((*at, "realm"), text)
    if sip.enabled and sip.host in ANY_HOST and not sip.media_host:
        text = f"expected a media_host beside {got(sip.host)}, since RTP is bound to one address"
        raise source.error((*at, "host"), text)
    for key in ("public_host", "media_host"):
        host = getattr(sip, key)
        if host and HOST.fullmatch(host) is None:
            raise source.error((*at, key), f"expected a host name or address, got {got(host)}")


def check_phone(source: Source, phone: PhonePage, sip: Sip) -> None:
    """Raises ConfigError where there is a page to call from, and nothing that takes its calls."""
    if phone.enabled and not sip.enabled:
        raise source.error(("phone", "enabled"), "expected [sip] enabled too, to take its calls")


def _check_tls(source: Source, sip: Sip) -> None:
    at, tls = ("sip", "tls"), sip.tls
    for key in ("cert_file", "key_file"):
        name = getattr(tls, key)
        if name and not Path(name).is_file():
            raise source.error((*at, key), f"no such file '{name}'")
    if tls.key_file and not tls.cert_file:
        raise source.error((*at, "key_file"), "is of no use without a cert_file")


def _tls_port(sip: Sip) -> int:
    return sip.tls.port if sip.tls.cert_file else 0
