"""Reads the entry file (gateway.toml) and the files that it names into one `Config`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.account import Account
from gateway.config.account_rules import check_accounts
from gateway.config.carrier import Carrier
from gateway.config.carrier_rules import check_carriers
from gateway.config.gateway_rules import check_events, check_smpp, check_store, check_turn
from gateway.config.media import Media
from gateway.config.phone_page import PhonePage
from gateway.config.sections import Admin, Callbacks, Events, Log, Queue, Rest, Smpp, Storage, Text
from gateway.config.sip import Sip
from gateway.config.sip_rules import check_media, check_phone, check_sip
from gateway.config.source import Source, read

FileName = Annotated[str, Meta(min_length=1, description="the name of a file")]
NodeId = Annotated[int, Meta(ge=0, le=1023)]


class Config(msgspec.Struct, frozen=True):
    """All that an operator decides. Built by `load` only, so whoever holds one may trust it.

    `path` is the entry file, `numbering_plan` the CSV file of prefixes and networks. `node` is
    part of every message id: each node that shares a store or a customer has its own.
    """

    path: Path
    numbering_plan: Path
    node: int = 0
    rest: Rest = Rest()
    admin: Admin = Admin()
    smpp: Smpp = Smpp()
    sip: Sip = Sip()
    media: Media = Media()
    phone: PhonePage = PhonePage()
    store: Storage = Storage()
    text: Text = Text()
    queue: Queue = Queue()
    callbacks: Callbacks = Callbacks()
    events: Events = Events()
    log: Log = Log()
    accounts: tuple[Account, ...] = ()
    carriers: tuple[Carrier, ...] = ()


class GatewayFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """gateway.toml as it is written: it names the other files, relative to itself."""

    accounts: FileName
    carriers: FileName
    numbering_plan: FileName
    node: NodeId = 0
    rest: Rest = Rest()
    admin: Admin = Admin()
    smpp: Smpp = Smpp()
    sip: Sip = Sip()
    media: Media = Media()
    phone: PhonePage = PhonePage()
    store: Storage = Storage()
    text: Text = Text()
    queue: Queue = Queue()
    callbacks: Callbacks = Callbacks()
    events: Events = Events()
    log: Log = Log()


class AccountsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """accounts.toml."""

    accounts: tuple[Account, ...] = msgspec.field(name="account", default=())


class CarriersFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """carriers.toml."""

    carriers: tuple[Carrier, ...] = msgspec.field(name="carrier", default=())


def load(path: Path | str, environ: Mapping[str, str] = os.environ) -> Config:
    """Read and check the configuration whose entry file is `path`.

    Raises:
        ConfigError: the first mistake, on one line with file, line, key and what was expected.
    """
    entry = read(Path(path))
    gateway = entry.convert(GatewayFile)
    check_smpp(entry, gateway.smpp)
    check_sip(entry, gateway.sip)
    check_media(entry, gateway.media, gateway.sip)
    check_phone(entry, gateway.phone, gateway.sip)
    check_store(entry, gateway.store)
    turn = check_turn(entry, gateway.media.turn, environ)
    events = check_events(entry, gateway.events, environ)

    accounts_source = read(_named(entry, "accounts", gateway.accounts))
    accounts = accounts_source.convert(AccountsFile).accounts
    check_accounts(accounts_source, accounts, gateway.smpp.tls)

    carriers_source = read(_named(entry, "carriers", gateway.carriers))
    carriers = carriers_source.convert(CarriersFile).carriers

    return Config(
        path=entry.path,
        numbering_plan=_named(entry, "numbering_plan", gateway.numbering_plan),
        node=gateway.node,
        rest=gateway.rest,
        admin=gateway.admin,
        smpp=gateway.smpp,
        sip=gateway.sip,
        media=msgspec.structs.replace(gateway.media, turn=turn),
        phone=gateway.phone,
        store=gateway.store,
        text=gateway.text,
        queue=gateway.queue,
        callbacks=gateway.callbacks,
        events=events,
        log=gateway.log,
        accounts=accounts,
        carriers=check_carriers(carriers_source, carriers, environ),
    )


def _named(entry: Source, key: str, name: str) -> Path:
    path = entry.path.parent / name
    if not path.is_file():
        raise entry.error((key,), f"no such file '{path}'")
    return path
