"""What must hold in carriers.toml beyond the types of its values."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gateway.config.carrier import BindType, Carrier, CarrierBind, Outbind
from gateway.config.carrier_password import password_of
from gateway.config.dialect import PLAIN, Dialect, IdFormat
from gateway.config.secrets import PASSWORD_MAX
from gateway.config.source import Once, Source
from gateway.config.toml_lines import KeyPath
from gateway.config.trunk import CarrierTrunk
from gateway.config.trunk_rules import checked_trunks


def check_carriers(
    source: Source, carriers: tuple[Carrier, ...], environ: Mapping[str, str]
) -> tuple[Carrier, ...]:
    """The carriers, with the passwords that the environment holds.

    Raises:
        ConfigError: the first thing that is wrong.
    """
    ids = Once(source, "carrier id")
    complete = []
    for index, carrier in enumerate(carriers):
        at: KeyPath = ("carrier", index)
        ids.add(carrier.id, (*at, "id"))
        _check_routes(source, carrier, at)
        names = _check_binds(source, carrier, at)
        trunks = checked_trunks(source, carrier, names, at, environ)
        _check_ids(source, carrier, at)
        complete.append(_complete(source, carrier, trunks, at, environ))
    return tuple(complete)


def _check_routes(source: Source, carrier: Carrier, at: KeyPath) -> None:
    for index, route in enumerate(carrier.routes):
        route_at = (*at, "route", index)
        if not route.prefixes and not route.mccmnc:
            raise source.table_error(route_at, "leads nowhere: give prefixes or mccmnc")
        if not route.sender_types:
            where = (*route_at, "sender_types")
            raise source.error(where, "expected at least one, or no such key for all")


def _check_binds(source: Source, carrier: Carrier, at: KeyPath) -> Once:
    """The names that binds have, which no trunk may have."""
    ids = Once(source, "bind id")
    for index, bind in enumerate(carrier.binds):
        bind_at = (*at, "bind", index)
        ids.add(bind.id, (*bind_at, "id"))
        _check_address(source, bind, bind_at)
        _check_tls(source, bind, bind_at)
    if not carrier.binds and not carrier.trunks:
        raise source.table_error(at, "has neither a bind nor a trunk")
    if carrier.binds and not carrier.routes:
        raise source.table_error(at, "missing key 'route'")
    if carrier.binds and all(bind.bind_type is BindType.RECEIVER for bind in carrier.binds):
        raise source.table_error(at, "has receiver binds only, so nothing can be sent to it")
    return ids


def _check_address(source: Source, bind: CarrierBind, at: KeyPath) -> None:
    if bind.outbind is None:
        if not bind.host:
            raise source.table_error(at, "missing key 'host'")
        for backup in bind.backups:
            if int(backup.rpartition(":")[2]) > 65_535:
                raise source.error((*at, "backups"), f"expected ports up to 65535, got {backup}")
        return
    where = (*at, "outbind")
    if bind.host or bind.backups:
        raise source.table_error(where, "the carrier connects: take out host and backups")
    if bind.bind_type is BindType.TRANSMITTER:
        raise source.table_error(where, "is for a receiver or a transceiver (SMPP v3.4 §2.2.1)")
    if bind.sessions > 1 or bind.tls:
        raise source.table_error(where, "is for one session without TLS")


def _check_tls(source: Source, bind: CarrierBind, at: KeyPath) -> None:
    tls = bind.tls
    if tls is None:
        return
    if bool(tls.cert_file) != bool(tls.key_file):
        raise source.table_error((*at, "tls"), "cert_file and key_file go together")
    if not tls.verify and (tls.ca_file or tls.server_name):
        raise source.table_error((*at, "tls"), "verifies nothing, so ca_file and server_name lie")


def _check_ids(source: Source, carrier: Carrier, at: KeyPath) -> None:
    """Numbers can be compared with numbers, and octets with octets."""
    formats = (carrier.response_id, carrier.receipt_id)
    if formats[0] is not formats[1] and {IdFormat.AUTO, IdFormat.EXACT}.intersection(formats):
        raise source.table_error(
            at, "response_id and receipt_id: expected auto or exact for both, or hex or decimal"
        )


def _complete(
    source: Source,
    carrier: Carrier,
    trunks: tuple[CarrierTrunk, ...],
    at: KeyPath,
    environ: Mapping[str, str],
) -> Carrier:
    """The carrier with its passwords, and each bind with the dialect that it speaks."""
    binds = []
    for index, bind in enumerate(carrier.binds):
        bind_at = (*at, "bind", index)
        own = carrier.dialect if bind.dialect is PLAIN else bind.dialect
        binds.append(
            msgspec.structs.replace(
                bind,
                password=password_of(source, bind, bind_at, environ, PASSWORD_MAX),
                outbind=_with_password(source, bind.outbind, bind_at, environ),
                dialect=_plain_or(own),
            )
        )
    return msgspec.structs.replace(
        carrier, name=carrier.name or carrier.id, binds=tuple(binds), trunks=trunks
    )


def _plain_or(dialect: Dialect) -> Dialect:
    return PLAIN if dialect == PLAIN else dialect


def _with_password(
    source: Source, outbind: Outbind | None, at: KeyPath, environ: Mapping[str, str]
) -> Outbind | None:
    if outbind is None:
        return None
    password = password_of(source, outbind, (*at, "outbind"), environ, PASSWORD_MAX)
    return msgspec.structs.replace(outbind, password=password)
