"""What must hold in carriers.toml beyond the types of its values."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gateway.config.carrier import BindType, Carrier, CarrierBind
from gateway.config.secrets import PASSWORD_MAX
from gateway.config.source import Once, Source
from gateway.config.toml_lines import KeyPath


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
        _check_binds(source, carrier, at)
        complete.append(_with_passwords(source, carrier, at, environ))
    return tuple(complete)


def _check_routes(source: Source, carrier: Carrier, at: KeyPath) -> None:
    for index, route in enumerate(carrier.routes):
        route_at = (*at, "route", index)
        if not route.prefixes and not route.mccmnc:
            raise source.table_error(route_at, "leads nowhere: give prefixes or mccmnc")
        if not route.sender_types:
            where = (*route_at, "sender_types")
            raise source.error(where, "expected at least one, or no such key for all")


def _check_binds(source: Source, carrier: Carrier, at: KeyPath) -> None:
    ids = Once(source, "bind id")
    for index, bind in enumerate(carrier.binds):
        ids.add(bind.id, (*at, "bind", index, "id"))
    if all(bind.bind_type is BindType.RECEIVER for bind in carrier.binds):
        raise source.table_error(at, "has receiver binds only, so nothing can be sent to it")


def _with_passwords(
    source: Source, carrier: Carrier, at: KeyPath, environ: Mapping[str, str]
) -> Carrier:
    binds = tuple(
        _with_password(source, bind, (*at, "bind", index), environ)
        for index, bind in enumerate(carrier.binds)
    )
    return msgspec.structs.replace(carrier, name=carrier.name or carrier.id, binds=binds)


def _with_password(
    source: Source, bind: CarrierBind, at: KeyPath, environ: Mapping[str, str]
) -> CarrierBind:
    if (bind.password is None) == (not bind.password_env):
        raise source.table_error(at, "expected either password or password_env")
    if bind.password is not None:
        return bind
    where = (*at, "password_env")
    password = environ.get(bind.password_env)
    if password is None:
        raise source.error(where, f"the environment has no variable {bind.password_env}")
    if len(password) > PASSWORD_MAX:
        text = f"expected at most {PASSWORD_MAX} characters in {bind.password_env}"
        raise source.error(where, f"{text}, got {len(password)}")
    return msgspec.structs.replace(bind, password=password)
