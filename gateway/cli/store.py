"""`supernet store verify | dump | backup | restore | compact`: look after the store's files."""

from __future__ import annotations

import argparse
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from gateway.cli.console import complain, say
from gateway.cli.dump_line import dump_line
from gateway.cli.lines_file import lines_to
from gateway.cli.subcommands import Subcommands
from gateway.clock import message_id_of, system_clock
from gateway.config import Config, load
from gateway.store.backup import Backup
from gateway.store.compact import compact
from gateway.store.dump import Dump
from gateway.store.limits import StoreLimits
from gateway.store.message_history import ALL, one
from gateway.store.restore import check_backup, restore
from gateway.store.verify import Verification

EXIT_TROUBLE = 1
# What customers wrote is for the daemon's user and group only.
UMASK = 0o027
ACCOUNT_SID = re.compile(r"AC[0-9a-f]{32}")

VERIFY_EXAMPLES = """\
examples:
  supernet store verify --config /etc/supernet/gateway.toml
  supernet store verify --directory /var/lib/supernet/var/gateway --quick
"""
DUMP_EXAMPLES = """\
examples:
  supernet store dump --config gateway.toml --sid SM0123…
  supernet store dump --config gateway.toml --open | jq -r .status | sort | uniq -c
  supernet store dump --config gateway.toml --since 2026-01-02 --until 2026-01-03 \\
      --output friday.ndjson.zst
"""
BACKUP_EXAMPLES = """\
examples:
  supernet store backup --config /etc/supernet/gateway.toml /var/backups/supernet
  supernet store backup --directory /var/lib/supernet/var/gateway /var/backups/supernet
"""
RESTORE_EXAMPLES = """\
examples:
  supernet store restore /var/backups/supernet --directory /var/lib/supernet/var/restored
"""
COMPACT_EXAMPLES = """\
examples:
  systemctl stop supernet
  supernet store compact --config /etc/supernet/gateway.toml
"""

EXPECT = """\
When the gateway starts on it:
  - messages that are open here and were sent after {made_at} go out again;
  - statuses that customers were told after that are told again;
  - messages that were accepted after that are not known: their sids are not found, and their
    receipts are unmatched."""


def add_parser(commands: Subcommands) -> None:
    parser = commands.add_parser(
        "store",
        description="Look after the files in which messages are kept.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_verify(actions)
    _add_dump(actions)
    _add_backup(actions)
    _add_restore(actions)
    _add_compact(actions)


def _action(
    actions: Subcommands, name: str, purpose: str, description: str, examples: str
) -> argparse.ArgumentParser:
    """An action on one store, which is named by its configuration or its directory."""
    parser = actions.add_parser(
        name,
        help=purpose,
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument(
        "--config", type=Path, metavar="FILE", help="the entry file, gateway.toml: its [store]"
    )
    place.add_argument("--directory", type=Path, metavar="DIR", help="the store's directory")
    return parser


def _add_verify(actions: Subcommands) -> None:
    parser = _action(
        actions,
        "verify",
        "check that the store is whole",
        "Check every file, the files with each other, and every message. It only reads, and may\n"
        "run beside the gateway. Exit code 1 and a line for each finding if something is wrong.",
        VERIFY_EXAMPLES,
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="let SQLite leave out the comparison of tables with their indexes",
    )
    parser.set_defaults(command=verify)


def _add_dump(actions: Subcommands) -> None:
    parser = _action(
        actions,
        "dump",
        "write messages down as lines of JSON",
        "Write messages down with their transitions, attempts and notifications, one a line. It\n"
        "only reads, and may run beside the gateway.",
        DUMP_EXAMPLES,
    )
    parser.add_argument("--sid", type=_message_id, help="only this message")
    parser.add_argument("--account", type=_account_sid, metavar="SID", help="only of this account")
    parser.add_argument("--open", action="store_true", help="only those in no final state")
    parser.add_argument(
        "--since", type=_time, metavar="TIME", help="only accepted then or later (ISO 8601, UTC)"
    )
    parser.add_argument("--until", type=_time, metavar="TIME", help="only accepted before then")
    parser.add_argument("--bodies", action="store_true", help="with what the messages say")
    parser.add_argument("--numbers", action="store_true", help="with whole phone numbers")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="instead of standard output; compressed where it ends in .zst",
    )
    parser.set_defaults(command=dump)


def _add_backup(actions: Subcommands) -> None:
    parser = _action(
        actions,
        "backup",
        "copy the store while the gateway runs",
        "Copy the store into a directory. What was accepted before the command began is in the\n"
        "copy. The gateway need not be stopped. A backup that is there already is replaced, and\n"
        "what has not changed since is not copied again.",
        BACKUP_EXAMPLES,
    )
    parser.add_argument("target", type=Path, metavar="BACKUP", help="where the backup is kept")
    parser.set_defaults(command=back_up)


def _add_restore(actions: Subcommands) -> None:
    parser = _action(
        actions,
        "restore",
        "make a store of a backup",
        "Copy a backup into the store's directory, which must be empty, and verify it.",
        RESTORE_EXAMPLES,
    )
    parser.add_argument("backup", type=Path, metavar="BACKUP", help="where the backup is kept")
    parser.set_defaults(command=restore_backup)


def _add_compact(actions: Subcommands) -> None:
    parser = _action(
        actions,
        "compact",
        "give space back, with the gateway stopped",
        "Drop the segments whose retention is over, and write the others anew without their gaps.\n"
        "The gateway must be stopped. With --directory, which tells no retention, nothing is\n"
        "dropped.",
        COMPACT_EXAMPLES,
    )
    parser.set_defaults(command=compact_store)


def verify(arguments: argparse.Namespace) -> int:
    return _verify(_directory(arguments), quick=arguments.quick)


def _verify(directory: Path, *, quick: bool = False) -> int:
    """Say each finding, then how much was looked at."""
    with _progress("verified") as (bar, tell, advance):
        verification = Verification(directory, tell, advance, quick=quick)
        bar.total = verification.octets
        verification.run()
    content, found = verification.content, verification.findings.total()
    say(
        f"checked {content.messages:,} messages ({content.open:,} open), "
        f"{content.owed:,} statuses to be told: "
        + (f"{_count(found, 'finding')}" if found else "all well")
    )
    return EXIT_TROUBLE if found else 0


def dump(arguments: argparse.Namespace) -> int:
    which = ALL if arguments.sid is None else one(arguments.sid)
    which = which._replace(
        account_sid=arguments.account or "",
        since=ALL.since if arguments.since is None else arguments.since,
        until=ALL.until if arguments.until is None else arguments.until,
    )
    troubles: list[str] = []

    def on_trouble(line: str) -> None:
        troubles.append(line)
        complain(line)

    os.umask(UMASK)
    dumped = Dump(_directory(arguments), on_trouble, which, only_open=arguments.open)
    # On standard output a bar would be in the way of the lines.
    hidden = True if arguments.output is None else None
    with (
        lines_to(arguments.output) as write,
        tqdm(desc="dumped", unit="msg", disable=hidden) as bar,
    ):
        for timeline in dumped.timelines():
            write(dump_line(timeline, bodies=arguments.bodies, numbers=arguments.numbers))
            bar.update()
    return EXIT_TROUBLE if troubles else 0


def back_up(arguments: argparse.Namespace) -> int:
    os.umask(UMASK)
    with _progress("backed up") as (bar, _, advance):
        backup = Backup(_directory(arguments), arguments.target, advance)
        bar.total = backup.octets
        manifest = backup.run(system_clock(time.monotonic).now())
    say(
        f"backed up {manifest.messages:,} messages in {_count(len(manifest.files), 'file')}, "
        f"{_octets(manifest.octets)}; {backup.kept:,} had not changed"
    )
    return 0


def restore_backup(arguments: argparse.Namespace) -> int:
    """Restore, verify, and say what to expect."""
    os.umask(UMASK)
    directory = _directory(arguments)
    with _progress("restored") as (bar, _, advance):
        bar.total = check_backup(arguments.backup).octets
        manifest = restore(arguments.backup, directory, advance)
    made_at = f"{datetime.fromtimestamp(manifest.made_at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    say(f"restored {manifest.messages:,} messages as they were at {made_at}")
    code = _verify(directory)
    if code == 0:
        say(EXPECT.format(made_at=made_at))
    return code


def compact_store(arguments: argparse.Namespace) -> int:
    os.umask(UMASK)
    directory = _directory(arguments)
    limits, before_drop = _retention(load(arguments.config)) if arguments.config else (None, None)
    with _progress("compacted", unit="file") as (_, _, advance):
        done = compact(
            directory, limits, system_clock(time.monotonic), before_drop, lambda _: advance(1)
        )
    say(
        f"dropped {_count(done.dropped, 'segment')}; "
        f"{_octets(done.before)} before, {_octets(done.after)} after"
    )
    return 0


def _retention(config: Config) -> tuple[StoreLimits, Callable[[Path], None] | None]:
    """What may be dropped, and what is to be done with a segment before it is."""
    # These pull in most of the gateway.
    from gateway.daemon.assembly import WORKSHOP
    from gateway.streams.event_streams import segment_archive

    archive = segment_archive(config.events, Path(config.store.directory) / WORKSHOP)
    limits = StoreLimits(
        segment_bytes=config.store.segment_bytes,
        segment_s=config.store.segment_s,
        retention_s=config.store.retention_s,
        bytes_max=config.store.bytes_max,
        key_window_s=config.store.idempotency_window_s,
    )
    return limits, archive.archive_segment if archive else None


def _directory(arguments: argparse.Namespace) -> Path:
    if arguments.config is not None:
        return Path(load(arguments.config).store.directory)
    directory: Path = arguments.directory
    return directory


@contextmanager
def _progress(
    done: str, unit: str = "B"
) -> Iterator[tuple[tqdm[NoReturn], Callable[[str], None], Callable[[int], None]]]:
    """A bar on a terminal, what says a line without disturbing it, and what moves it on."""
    with tqdm(desc=done, unit=unit, unit_scale=unit == "B", disable=None, leave=False) as bar:

        def tell(line: str) -> None:
            with tqdm.external_write_mode():
                say(line)

        def advance(steps: int) -> None:
            bar.update(steps)

        yield bar, tell, advance


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _octets(number: int) -> str:
    return f"{number / 1e6:,.1f} MB"


def _message_id(text: str) -> int:
    message_id = message_id_of(text)
    if message_id is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no sid that this gateway gave")
    return message_id


def _account_sid(text: str) -> str:
    if not ACCOUNT_SID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"expected AC and 32 hex digits, got {text!r}")
    return text


def _time(text: str) -> float:
    """Unix seconds; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a time such as 2026-01-02 or 2026-01-02T03:04:05Z, got {text!r}"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
