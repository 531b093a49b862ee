"""`supernet route`: where a message would go now, or why one went where it went."""

from __future__ import annotations

import argparse
import os
from functools import partial

import msgspec

from gateway.cli.console import say
from gateway.cli.send import DEMO_SENDER, add_gateway_arguments, client, run
from gateway.cli.subcommands import Subcommands
from gateway.ingress.rest.routing_json import CandidateResource, DecisionResource

EXAMPLES = """\
examples:
  supernet route +491701234567 --class otp --from +15005550006
  supernet route --message SM0123456789abcdef0123456789abcdef
  supernet route +491701234567 --json | jq -r .why

Without --url, --account and --token the environment's SUPERNET_URL, SUPERNET_ACCOUNT
and SUPERNET_TOKEN are taken, else the demo. Prices are shown to accounts with
sees_prices.
"""
HEADER = ("", "bind", "utility", "p", "messages", "price", "latency", "blocked by")
LEFT_ALIGNED = frozenset({1, 7})
UNKNOWN = "-"


def add_parser(commands: Subcommands) -> None:
    parser = commands.add_parser(
        "route",
        description="Ask the running gateway where a message would go now, or why one went where\n"
        "it went. Nothing is sent.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("to", nargs="?", metavar="NUMBER", help="the recipient, E.164")
    what.add_argument(
        "--message", metavar="SID", help="a message of the account that has been sent"
    )
    parser.add_argument(
        "--class",
        dest="traffic_type",
        metavar="NAME",
        help="otp, transactional (the default) or promotional",
    )
    parser.add_argument(
        "--from",
        dest="sender",
        metavar="SENDER",
        help=f"one of the account's senders (SUPERNET_FROM, else {DEMO_SENDER})",
    )
    parser.add_argument("--json", action="store_true", help="print the JSON of the REST API")
    add_gateway_arguments(parser)
    parser.set_defaults(command=partial(route, parser))


def route(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    if arguments.message is not None and (arguments.traffic_type or arguments.sender):
        parser.error("--message was sent already: no --class, no --from beside it")
    decision = run(decide(arguments))
    say(msgspec.json.encode(decision).decode() if arguments.json else describe(decision))
    return 0


async def decide(arguments: argparse.Namespace) -> DecisionResource:
    async with client(arguments, connections_max=1) as messages:
        if arguments.message is not None:
            return await messages.explain(arguments.message)
        sender = arguments.sender or os.environ.get("SUPERNET_FROM", DEMO_SENDER)
        return await messages.rank(arguments.to, sender, arguments.traffic_type or "")


def describe(decision: DecisionResource) -> str:
    attempt = f", attempt {decision.attempt}" if decision.attempt > 1 else ""
    heading = (
        f"{decision.class_} to {decision.network} from {decision.sender_type}: "
        f"{decision.mode.value}{attempt}, {decision.at}"
    )
    rows = [_row(number, one) for number, one in enumerate(decision.candidates, 1)]
    readings = f"{decision.data_points} data points consulted"
    return "\n".join((heading, "", *table((HEADER, *rows)), "", decision.why, readings))


def _row(number: int, one: CandidateResource) -> tuple[str, ...]:
    if one.blocked is None:
        return (
            str(number),
            one.bind,
            _number(one.utility, 4),
            _number(one.p, 3),
            _number(one.n, 0),
            UNKNOWN if one.price is None else f"{one.price:g}",
            UNKNOWN if one.latency_s is None else f"{one.latency_s:.2f} s",
            "",
        )
    until = f" until {one.retry_at}" if one.retry_at else ""
    blocked = "; ".join((f"{one.blocked}{until}", *one.alarms))
    return (UNKNOWN, one.bind, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, blocked)


def _number(value: float | None, places: int) -> str:
    return UNKNOWN if value is None else f"{value:.{places}f}"


def table(rows: tuple[tuple[str, ...], ...]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place in LEFT_ALIGNED else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
