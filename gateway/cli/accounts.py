"""`supernet accounts list | hash-secret | new-key | sip-user`: what goes into accounts.toml."""

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
from gateway.config.call_customer_rules import USERNAME
from gateway.config.secrets import PASSWORD_MAX, SALT_OCTETS, hash_password, hash_secret
from gateway.config.sip import Sip
from gateway.sip.digest import Algorithm, ha1

KEY_OCTETS = 16


def add_parser(commands: Subcommands) -> None:
    parser = commands.add_parser("accounts", description=__doc__)
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

    signing = actions.add_parser(
        "sip-user",
        help="hash the password of a SIP trunk or phone",
        description="Asks for the password, or reads the first line of standard input, and prints "
        "its hashes (HA1 of RFC 7616), for that user and realm alone.",
    )
    signing.add_argument("username", metavar="USERNAME", help="the user name in its digest")
    signing.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the entry file, gateway.toml, whose [sip] realm it is",
    )
    signing.set_defaults(command=hash_sip_user)

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
    lines += [f"  trunk    {trunk.id}" for trunk in account.trunks]
    lines += [f"  phone    {phone.username}" for phone in account.phones]
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


def hash_sip_user(arguments: argparse.Namespace) -> int:
    sip = load(arguments.config).sip if arguments.config else Sip()
    if USERNAME.fullmatch(arguments.username) is None:
        raise CommandError("a user name has 1 to 64 letters, digits and _.!~*'()&=+$,-")
    secret = read_secret()
    say(f'username = "{arguments.username}"')
    for key, algorithm in (("ha1_md5", Algorithm.MD5), ("ha1_sha256", Algorithm.SHA_256)):
        say(f'{key} = "{ha1(arguments.username, sip.realm, secret, algorithm)}"')
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
