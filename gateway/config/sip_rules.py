"""What must hold in [sip] and [media] beyond the types of its values."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path

from gateway.config.media import Media
from gateway.config.mistakes import got
from gateway.config.phone_page import PhonePage
from gateway.config.sip import Sip
from gateway.config.source import Once, Source
from gateway.config.toml_lines import KeyPath

# A name or an address, IPv6 with or without its brackets.
HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|\[?[0-9A-Fa-f:.]+\]?")
ANY_HOST = ("", "0.0.0.0", "::")
# Within the quotes of a challenge.
# RTP and RTCP on both sides.
PORTS_OF_A_CALL = 4
REALM = re.compile(r'[^"\\\x00-\x1f\x7f]{1,64}')


def check_sip(source: Source, sip: Sip) -> None:
    """Raises ConfigError where two listeners would have one port, where a file for TLS is not there
    or of no use, or where a name cannot be written."""
    at = ("sip",)
    _check_tls(source, sip)
    if sip.websocket_port and sip.websocket_port in (sip.port, _tls_port(sip)):
        text = f"expected a port of its own, got {sip.websocket_port}"
        raise source.error((*at, "websocket_port"), text)
    if sip.port and sip.port == _tls_port(sip):
        text = f"expected another than [sip] port, which is {sip.port}"
        raise source.error((*at, "tls", "port"), text)
    if sip.min_se_s > sip.session_expires_s:
        text = f"expected at most session_expires_s, which is {sip.session_expires_s}"
        raise source.error((*at, "min_se_s"), text)
    if REALM.fullmatch(sip.realm) is None:
        text = f"expected 1 to 64 characters without quotes, got {got(sip.realm)}"
        raise source.error((*at, "realm"), text)
    _check_host(source, sip.public_host, (*at, "public_host"))


def check_media(source: Source, media: Media, sip: Sip) -> None:
    """Raises ConfigError where it is not said which address RTP has, where a worker would not have
    the ports of one call, or where no rtpengine is named, one has no address, or two have one."""
    at = ("media",)
    _check_rtpengines(source, media)
    if media.engine == "rtpengine":
        return
    if sip.enabled and not is_one_address(media.host or sip.host):
        text = f"expected the one address that RTP is bound to, got {got(media.host or sip.host)}"
        raise source.error((*at, "host"), text)
    _check_host(source, media.public_host, (*at, "public_host"))
    _check_host(source, media.stun.host, (*at, "stun", "host"))
    _check_host(source, media.turn.host, (*at, "turn", "host"))
    least = media.port_min + PORTS_OF_A_CALL * max(1, media.workers) - 1
    if media.port_max < least:
        text = f"expected at least {least}, so that each worker has the four ports of a call"
        raise source.error((*at, "port_max"), text)


def _check_rtpengines(source: Source, media: Media) -> None:
    if media.engine == "rtpengine" and not media.rtpengine:
        raise source.error(("media", "engine"), "expected a [[media.rtpengine]] beside it")
    servers = Once(source, "rtpengine")
    for number, server in enumerate(media.rtpengine):
        at = ("media", "rtpengine", number, "host")
        _check_host(source, server.host, at)
        servers.add(f"{server.host}:{server.port}", at)


def is_one_address(host: str) -> bool:
    try:
        return not ip_address(host).is_unspecified
    except ValueError:
        return False


def _check_host(source: Source, host: str, at: KeyPath) -> None:
    if host and HOST.fullmatch(host) is None:
        raise source.error(at, f"expected a host name or address, got {got(host)}")


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
