"""`supernet check-config FILE`: is the configuration right, and what does it amount to?"""

from __future__ import annotations

import argparse
from pathlib import Path

from gateway.cli.console import say
from gateway.cli.subcommands import Subcommands
from gateway.config import Config, load, read_plan
from gateway.errors import ConfigError
from gateway.net.errors import TlsError
from gateway.net.tls import client_context, server_context


def add_parser(commands: Subcommands) -> None:
    parser = commands.add_parser(
        "check-config",
        description="Check a configuration and the files that it names. "
        "Exit code 2 and one line with file, line and key for the first mistake.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the entry file, gateway.toml")
    parser.set_defaults(command=check)


def check(arguments: argparse.Namespace) -> int:
    config = load(arguments.file)
    read_plan(config.numbering_plan)
    check_tls(config)
    say(summary(config))
    return 0


def check_tls(config: Config) -> None:
    """Open certificates and keys as the daemon will.

    Raises:
        ConfigError: one of them cannot be used.
    """
    smpp, sip, mqtt = config.smpp.tls, config.sip.tls, config.events.mqtt
    try:
        if smpp.cert_file:
            server_context(smpp.cert_file, smpp.key_file, smpp.client_ca_file)
        if sip.cert_file:
            server_context(sip.cert_file, sip.key_file)
        if mqtt.tls:
            client_context(mqtt.ca_file, mqtt.cert_file, mqtt.key_file)
        for carrier in config.carriers:
            for bind in carrier.binds:
                if bind.tls is not None:
                    client_context(bind.tls.ca_file, bind.tls.cert_file, bind.tls.key_file)
    except TlsError as error:
        raise ConfigError(f"{config.path}: {error}") from None


def summary(config: Config) -> str:
    """What the configuration amounts to, in a few lines."""
    senders = sum(len(account.senders) for account in config.accounts)
    esmes = sum(len(account.esmes) for account in config.accounts)
    binds = [bind for carrier in config.carriers for bind in carrier.binds]
    tps = sum(bind.tps for bind in binds)
    lines = [
        f"OK: {config.path}",
        f"  accounts  {_count(len(config.accounts), 'account')}, "
        f"{_count(senders, 'sender')}, {_count(esmes, 'ESME')}",
        f"  carriers  {_count(len(config.carriers), 'carrier')}, "
        f"{_count(len(binds), 'bind')}, {tps:g} submit_sm a second in all",
        f"  rest      {config.rest.host}:{config.rest.port}",
        f"  admin     {config.admin.host}:{config.admin.port}",
        f"  smpp      {config.smpp.host}:{config.smpp.port}",
        f"  store     {config.store.directory}",
    ]
    if config.sip.enabled:
        lines.append(_calls(config))
    return "\n".join(lines)


def _calls(config: Config) -> str:
    trunks = sum(len(carrier.trunks) for carrier in config.carriers)
    own = sum(len(account.trunks) for account in config.accounts)
    phones = sum(len(account.phones) for account in config.accounts)
    return (
        f"  sip       {config.sip.host}:{config.sip.port}, {_count(trunks, 'trunk')} to carriers, "
        f"{_count(own, 'trunk')} and {_count(phones, 'phone')} of accounts"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
