"""`supernet text TEXT`: what a text would become, without a gateway and without sending it."""

from __future__ import annotations

import argparse
import sys

import msgspec

from gateway.account import Language
from gateway.cli.console import CommandError, say
from gateway.cli.subcommands import Subcommands
from gateway.ingress.rest.preview_json import ENCODING_NAMES, preview_resource
from gateway.text.errors import TextError
from gateway.text.preview import CharacterBeyondGsm, Preview, preview
from gateway.text.segmentation import CONCATENATION_OCTETS, TextEncoding
from gateway.text.smart_encoding import smart_encode

STANDARD_INPUT = "-"
# More than 255 parts hold, in the longest UTF-8.
INPUT_OCTETS_MAX = 262_144
PLACES_SHOWN_MAX = 8

EXAMPLES = """\
examples:
  supernet text "«Quoted», and 20 % off" --smart
  supernet text "Çok şükür" --language tr
  supernet text --json - < message.txt | jq .num_segments
"""


def add_parser(commands: Subcommands) -> None:
    parser = commands.add_parser(
        "text",
        description="Show what a text would become: its encoding, its segments with their octets,\n"
        "and the characters that the GSM 7-bit alphabet has not. Nothing is sent.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "text",
        metavar="TEXT",
        help="the text, or - for standard input in UTF-8, whose last line end does not count",
    )
    parser.add_argument(
        "--smart",
        action="store_true",
        help="smart encoding first, as SmartEncoded=true does",
    )
    parser.add_argument(
        "--language",
        action="append",
        default=[],
        choices=[language.value for language in Language],
        metavar="CODE",
        help="a national language whose shift tables may be used: "
        f"{', '.join(Language)}; several in order of preference",
    )
    parser.add_argument(
        "--reference-bits",
        type=int,
        default=8,
        choices=[*CONCATENATION_OCTETS],
        help="the size of the reference that joins segments (default 8)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the JSON that the preview of the REST API has"
    )
    parser.set_defaults(command=show)


def show(arguments: argparse.Namespace) -> int:
    text = arguments.text if arguments.text != STANDARD_INPUT else read_input()
    if arguments.smart:
        text = smart_encode(text)
    if not text:
        raise CommandError("expected a text, got nothing")
    try:
        found = preview(text, arguments.reference_bits, tuple(arguments.language))
    except TextError as error:
        raise CommandError(str(error)) from None
    if arguments.json:
        say(msgspec.json.encode(preview_resource(found)).decode())
    else:
        say(table(found))
    return 0


def read_input() -> str:
    octets = sys.stdin.buffer.read(INPUT_OCTETS_MAX + 1)
    if len(octets) > INPUT_OCTETS_MAX:
        raise CommandError(f"standard input has more than {INPUT_OCTETS_MAX} octets")
    try:
        return octets.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise CommandError(f"standard input is not UTF-8 at octet {error.start}") from None


def table(found: Preview) -> str:
    unit = "septet" if found.encoding is TextEncoding.GSM_7BIT else "UTF-16 unit"
    lines = [
        f"encoding    {ENCODING_NAMES[found.encoding]}{_tables(found)}",
        f"characters  {len(found.text)}",
        f"units       {found.units} {unit}s, {found.units_per_part} a segment",
        f"segments    {len(found.parts)}",
    ]
    if found.beyond_gsm:
        lines += ["", "not in the GSM 7-bit alphabet:"]
        lines += map(_beyond, found.beyond_gsm)
    for number, part in enumerate(found.parts, 1):
        header = f"{part.header.hex()} " if part.header else ""
        lines += [
            "",
            f"segment {number}: {part.units} {unit}s",
            f"  {_visible(part.text)}",
            f"  {header}{part.octets[len(part.header) :].hex()}",
        ]
    return "\n".join(lines)


def _beyond(beyond: CharacterBeyondGsm) -> str:
    line = f"  {_visible(beyond.character)}  {beyond.code_point:<8}  at {_places(beyond.positions)}"
    if beyond.smart_encoded is None:
        return line
    return f"{line}; smart encoding: {beyond.smart_encoded!r}"


def _tables(found: Preview) -> str:
    """Which shift tables of which language, where there are any."""
    shifts = [
        name
        for name, shifted in (("locking", found.locking_shift), ("single", found.single_shift))
        if shifted
    ]
    return f", {' and '.join(shifts)} shift of '{found.language}'" if shifts else ""


def _places(positions: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, positions[:PLACES_SHOWN_MAX]))
    further = len(positions) - PLACES_SHOWN_MAX
    return f"{shown} and {further} more" if further > 0 else shown


def _visible(text: str) -> str:
    """On one line, with nothing in it that a terminal would obey."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
