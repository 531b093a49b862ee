"""`supernet replay list | messages | account`: what customers' servers were never told."""

from __future__ import annotations

import argparse
import asyncio
import os
from datetime import UTC, datetime

from gateway.cli.console import complain, say
from gateway.cli.operator_client import OperatorClient
from gateway.cli.subcommands import Subcommands
from gateway.messaging.undelivered import EVENTS_MAX, UndeliveredEvent

ADMIN_URL = "http://127.0.0.1:8081"
MESSAGES_AT_ONCE = 100
LIMIT = 100
EXIT_NOT_ALL = 1


def add_parser(commands: Subcommands) -> None:
    parser = commands.add_parser(
        "replay",
        description="List the callbacks that were given up after four hours, or as their customers "
        "asked for, and have them sent again.",
        epilog="The gateway's admin address is that of --admin, else SUPERNET_ADMIN of the "
        f"environment, else {ADMIN_URL}.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="list them, newest message first")
    listing.add_argument("--account", metavar="SID", default="", help="of this account only")
    listing.add_argument(
        "--limit",
        type=_limit,
        default=LIMIT,
        metavar="N",
        help=f"about so many, 1 to {EVENTS_MAX} (default {LIMIT})",
    )
    listing.add_argument(
        "--before", metavar="SID", default="", help="go on before this message, as a page says"
    )
    listing.set_defaults(command=lambda arguments: asyncio.run(list_undelivered(arguments)))

    messages = actions.add_parser("messages", help="send those of some messages again")
    messages.add_argument("sids", nargs="+", metavar="SID", help="MessageSid")
    messages.set_defaults(command=lambda arguments: asyncio.run(replay_messages(arguments)))

    account = actions.add_parser("account", help="send all those of an account again")
    account.add_argument("account", metavar="SID", help="AccountSid")
    account.set_defaults(command=lambda arguments: asyncio.run(replay_account(arguments)))

    for action in (listing, messages, account):
        action.add_argument("--admin", metavar="URL", help="the gateway's admin address")


async def list_undelivered(arguments: argparse.Namespace) -> int:
    async with client(arguments) as operator:
        page = await operator.undelivered(arguments.account, arguments.limit, arguments.before)
    for event in page.undelivered:
        say(describe(event))
    if page.next_before:
        say(f"# more: --before {page.next_before}")
    return 0


def describe(event: UndeliveredEvent) -> str:
    at = datetime.fromtimestamp(event.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{event.sid}  {at}  {event.status:<11}  {event.host or event.listener}  {event.reason}"


async def replay_messages(arguments: argparse.Namespace) -> int:
    sids: list[str] = arguments.sids
    replayed, without = 0, list[str]()
    async with client(arguments) as operator:
        for start in range(0, len(sids), MESSAGES_AT_ONCE):
            result = await operator.replay_messages(sids[start : start + MESSAGES_AT_ONCE])
            replayed += result.replayed
            without += result.nothing_undelivered
    say(f"{replayed} replayed")
    for sid in without:
        complain(f"nothing undelivered: {sid}")
    return EXIT_NOT_ALL if without else 0


async def replay_account(arguments: argparse.Namespace) -> int:
    """Ask until there are no more; what has been replayed is told even when that breaks off."""
    replayed, before = 0, ""
    try:
        async with client(arguments) as operator:
            while True:
                result = await operator.replay_account(arguments.account, before)
                replayed += result.replayed
                if result.next_before is None:
                    break
                before = result.next_before
    finally:
        say(f"{replayed} replayed")
    return 0


def client(arguments: argparse.Namespace) -> OperatorClient:
    return OperatorClient(arguments.admin or os.environ.get("SUPERNET_ADMIN", ADMIN_URL))


def _limit(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= EVENTS_MAX:
        raise argparse.ArgumentTypeError(f"expected 1 to {EVENTS_MAX}, got {text!r}")
    return number
