"""`supernet accounts list | hash-secret | new-key`: what goes into accounts.toml."""

from __future__ import annotations

import argparse
import getpass
import secrets
import sys
from pathlib import Path

from gateway.account import Account
from gateway.cli.console import CommandError, say
from gateway.cli.subcommands import Subcommands
from gateway.config import load
from gateway.config.secrets import PASSWORD_MAX, SALT_OCTETS, hash_password, hash_secret

KEY_OCTETS = 16


def add_parser(commands: Subcommands) -> None:
    parser = commands.add_parser(
        "accounts", help="list accounts, make their secrets", description=__doc__
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="the accounts of a configuration")
    listing.add_argument(
        "--config", type=Path, required=True, metavar="FILE", help="the entry file, gateway.toml"
    )
    listing.set_defaults(command=list_accounts)

    hashing = actions.add_parser(
        "hash-secret",
        help="hash an ESME's password or an API key's secret",
        description="Asks for the secret, or reads the first line of standard input, and prints "
        "its hash.",
    )
    hashing.add_argument(
        "--api-key",
        action="store_true",
        help="the secret of an API key (secret_hash); without it, an ESME's (password_hash)",
    )
    hashing.set_defaults(command=hash_one)

    making = actions.add_parser("new-key", help="make an API key")
    making.set_defaults(command=new_key)


def list_accounts(arguments: argparse.Namespace) -> int:
    for account in load(arguments.config).accounts:
        say(describe(account))
    return 0


def describe(account: Account) -> str:
    """An account in a few lines, without its secrets."""
    state = "  suspended" if account.suspended else ""
    lines = [f"{account.sid}  {account.name}{state}"]
    lines += [f"  API key  {key.sid}" for key in account.api_keys]
    lines += [f"  ESME     {esme.system_id}" for esme in account.esmes]
    lines += [
        f"  sender   {sender.address:<16} {sender.type:<13} "
        f"{sender.segments_per_second:g} MPS  {sender.registration}"
        for sender in account.senders
    ]
    return "\n".join(lines)


def hash_one(arguments: argparse.Namespace) -> int:
    secret = read_secret()
    if arguments.api_key:
        say(hash_secret(secret))
        return 0
    if len(secret) > PASSWORD_MAX:
        raise CommandError(f"an SMPP password has at most {PASSWORD_MAX} characters")
    say(hash_password(secret, secrets.token_bytes(SALT_OCTETS)))
    return 0


def read_secret() -> str:
    """Asked for where there is someone to ask, so that it stays out of the shell's history."""
    if sys.stdin.isatty():
        secret = getpass.getpass("Secret: ")
    else:
        secret = sys.stdin.readline().rstrip("\r\n")
    if not secret:
        raise CommandError("expected a secret, got nothing")
    return secret


def new_key(_arguments: argparse.Namespace) -> int:
    secret = secrets.token_hex(KEY_OCTETS)
    say("# Give the customer the secret now; it is not kept anywhere:")
    say(f"#   {secret}")
    say("[[account.api_keys]]")
    say(f'sid = "SK{secrets.token_hex(KEY_OCTETS)}"')
    say(f'secret_hash = "{hash_secret(secret)}"')
    return 0
