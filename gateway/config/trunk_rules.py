"""What must hold in [[carrier.trunk]] and [[carrier.call_route]] beyond the types of values."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gateway.config.carrier import Carrier
from gateway.config.carrier_password import password_of
from gateway.config.gateway_rules import is_network
from gateway.config.mistakes import got
from gateway.config.sip_rules import HOST
from gateway.config.source import Once, Source
from gateway.config.toml_lines import KeyPath
from gateway.config.trunk import CarrierTrunk

TRUNK_PASSWORD_MAX = 128


def checked_trunks(
    source: Source, carrier: Carrier, ids: Once, at: KeyPath, environ: Mapping[str, str]
) -> tuple[CarrierTrunk, ...]:
    """The trunks, with the passwords that the environment holds. `ids` has the carrier's binds:
    both are `carrier/id`.

    Raises:
        ConfigError: the first thing that is wrong.
    """
    if carrier.call_routes and not carrier.trunks:
        raise source.table_error((*at, "call_route", 0), "leads nowhere: the carrier has no trunk")
    complete = []
    for index, trunk in enumerate(carrier.trunks):
        trunk_at = (*at, "trunk", index)
        ids.add(trunk.id, (*trunk_at, "id"))
        _check_trunk(source, trunk, trunk_at)
        password = _password(source, trunk, trunk_at, environ)
        complete.append(msgspec.structs.replace(trunk, password=password))
    return tuple(complete)


def _check_trunk(source: Source, trunk: CarrierTrunk, at: KeyPath) -> None:
    for key in ("host", "from_domain"):
        host = getattr(trunk, key)
        if host and HOST.fullmatch(host) is None:
            raise source.error((*at, key), f"expected a host name or address, got {got(host)}")
    for index, network in enumerate(trunk.allowed_ips):
        if not is_network(network):
            expected = 'an IP address or network such as "192.0.2.0/24"'
            where = (*at, "allowed_ips", index)
            raise source.error(where, f"expected {expected}, got {got(network)}")
    if trunk.register_s and not trunk.username:
        raise source.error((*at, "register_s"), "is of no use without a username")


def _password(
    source: Source, trunk: CarrierTrunk, at: KeyPath, environ: Mapping[str, str]
) -> str | None:
    given = trunk.password is not None or bool(trunk.password_env)
    if not trunk.username:
        if given:
            raise source.table_error(at, "expected a username with the password")
        return None
    return password_of(source, trunk, at, environ, TRUNK_PASSWORD_MAX)
