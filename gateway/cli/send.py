"""`supernet send`: one message, or those of a CSV file, over the REST API."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import TypeVar

import uvloop

from gateway.cli.console import complain, say
from gateway.cli.message_client import (
    MessageClient,
    MessageState,
    OutcomeUnknown,
    Refusal,
    describe,
)
from gateway.cli.message_rows import count_rows
from gateway.cli.send_file import FINAL_NAMES, FileSender
from gateway.cli.subcommands import Subcommands
from gateway.cli.tally import Tally

T = TypeVar("T")

DEMO_URL = "http://127.0.0.1:8080"
DEMO_ACCOUNT = "AC0123456789abcdef0123456789abcdef"
DEMO_TOKEN = "0123456789abcdef0123456789abcdef"
DEMO_SENDER = "+15005550006"

PATIENCE_S = 120.0
CONCURRENCY = 50
CONCURRENCY_MAX = 500
EXIT_NOT_ACCEPTED = 1
EXIT_INTERRUPTED = 130
POLL_FIRST_S = 0.2
POLL_MAX_S = 5.0


def add_parser(commands: Subcommands) -> None:
    parser = commands.add_parser(
        "send",
        description="Send a message, or those of a CSV file, and wait for their final states. "
        "Exit code 0 if the gateway accepted all of them, whatever became of them later.",
        epilog="Without --url, --account and --token the environment's SUPERNET_URL, "
        "SUPERNET_ACCOUNT and SUPERNET_TOKEN are taken, else the demo. The environment hides the "
        "token from other users of the machine.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--to", metavar="NUMBER", help="the recipient, E.164")
    what.add_argument(
        "--csv", type=Path, metavar="FILE", help="messages, with the header to,from,body"
    )
    parser.add_argument(
        "--from",
        dest="sender",
        metavar="SENDER",
        help=f"one of the account's senders (SUPERNET_FROM, else {DEMO_SENDER})",
    )
    parser.add_argument("--body", metavar="TEXT", help="the text of the message")
    parser.add_argument("--no-wait", action="store_true", help="do not wait for final states")
    parser.add_argument(
        "--patience",
        type=float,
        default=PATIENCE_S,
        metavar="SECONDS",
        help=f"wait no longer once nothing has become final for so long (default {PATIENCE_S:g})",
    )
    parser.add_argument(
        "--concurrency",
        type=_concurrency,
        default=CONCURRENCY,
        metavar="N",
        help=f"requests at a time for --csv, 1 to {CONCURRENCY_MAX} (default {CONCURRENCY})",
    )
    add_gateway_arguments(parser)
    parser.set_defaults(command=partial(send, parser))


def send(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    if arguments.csv is not None:
        if arguments.body is not None or arguments.sender is not None:
            parser.error("--csv has sender and body in its columns: no --from, no --body beside it")
        return send_csv(arguments)
    if arguments.body is None:
        parser.error("--to needs --body")
    return run(send_one(arguments))


async def send_one(arguments: argparse.Namespace) -> int:
    """Send, print the sid, then each status as it is reached."""
    sender = arguments.sender or os.environ.get("SUPERNET_FROM", DEMO_SENDER)
    async with client(arguments, connections_max=1) as messages:
        answer = await messages.create(arguments.to, sender, arguments.body)
        if isinstance(answer, OutcomeUnknown):
            complain(f"no answer, so the message may have been accepted: {answer.reason}")
            return EXIT_NOT_ACCEPTED
        if isinstance(answer, Refusal):
            complain(describe(answer))
            return EXIT_NOT_ACCEPTED
        say(f"{answer.sid}  {answer.status}")
        if not arguments.no_wait:
            await follow_one(messages, answer, arguments.patience)
    return 0


async def follow_one(messages: MessageClient, message: MessageState, patience_s: float) -> None:
    """Ask until the status is final, or has been the same for `patience_s`."""
    loop = asyncio.get_running_loop()
    wait_s, changed_at = POLL_FIRST_S, loop.time()
    while message.status not in FINAL_NAMES:
        if loop.time() - changed_at > patience_s:
            say(f"{message.sid}  still {message.status} after {patience_s:g} s")
            return
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, POLL_MAX_S)
        now = await messages.fetch(message.sid)
        if now.status != message.status:
            changed_at = loop.time()
        if now.status != message.status:
            why = f"  {now.error_code}: {now.error_message}" if now.error_code else ""
            say(f"{now.sid}  {now.status}{why}")
        message = now


def send_csv(arguments: argparse.Namespace) -> int:
    """Send a file, and print what became of its rows; so too when it was interrupted."""
    tally = Tally(str(arguments.csv), count_rows(arguments.csv))
    try:
        run(send_rows(arguments, tally))
    except KeyboardInterrupt:
        say(tally.summary())
        return EXIT_INTERRUPTED
    say(tally.summary())
    return 0 if tally.complete else EXIT_NOT_ACCEPTED


async def send_rows(arguments: argparse.Namespace, tally: Tally) -> None:
    async with client(arguments, arguments.concurrency) as messages:
        await messages.check()
        sender = FileSender(messages, tally)
        await sender.send(arguments.csv, arguments.concurrency)
        if not arguments.no_wait:
            await sender.follow(arguments.patience)


def add_gateway_arguments(parser: argparse.ArgumentParser) -> None:
    """Which gateway, and as whom; `client` reads them."""
    parser.add_argument("--url", help="of the gateway")
    parser.add_argument("--account", metavar="SID", help="AccountSid")
    parser.add_argument("--token", help="AuthToken")


def client(arguments: argparse.Namespace, connections_max: int) -> MessageClient:
    return MessageClient(
        arguments.url or os.environ.get("SUPERNET_URL", DEMO_URL),
        arguments.account or os.environ.get("SUPERNET_ACCOUNT", DEMO_ACCOUNT),
        arguments.token or os.environ.get("SUPERNET_TOKEN", DEMO_TOKEN),
        connections_max,
    )


def run(command: Coroutine[None, None, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(command)


def _concurrency(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= CONCURRENCY_MAX:
        raise argparse.ArgumentTypeError(f"expected 1 to {CONCURRENCY_MAX}, got {text!r}")
    return number
