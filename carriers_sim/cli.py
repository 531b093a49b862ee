"""`carriers-sim run --config FILE`: the simulator as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import time
from pathlib import Path

import uvloop
from msgspec.structs import replace

from carriers_sim.config import ConfigError, SimulatorConfig, load
from carriers_sim.control import Control
from carriers_sim.simulator import Simulator
from gateway.net.errors import ListenError, TlsError


def main(argv: list[str] | None = None) -> int:
    """The exit status: 0 after SIGINT or SIGTERM, 1 for what is wrong, 2 for wrong arguments."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(
        level=logging.INFO if arguments.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    try:
        config = load(arguments.config)
        if arguments.seed is not None:
            config = replace(config, seed=arguments.seed)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(config, _first_id(arguments.seed), arguments.until_eof))
    except (ConfigError, ListenError, TlsError) as error:
        sys.stderr.write(f"carriers-sim: {error}\n")
        return 1
    return 0


async def run(config: SimulatorConfig, first_id: int = 1, until_eof: bool = False) -> None:
    """Serve until SIGINT or SIGTERM, or until standard input ends. Raises ListenError, TlsError."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, stopped.set)
    if until_eof:
        loop.add_reader(sys.stdin, _stop_at_eof, stopped)
    async with Simulator(config, first_id=first_id) as simulator:
        for smsc in simulator.smscs.values():
            _say(f"ready {smsc.name} smpp://{smsc.config.host}:{smsc.port}")
        for carrier in simulator.sip_carriers.values():
            _say(f"ready {carrier.name} sip:{carrier.host}:{carrier.port}")
        control = Control(simulator, config.control) if config.control else None
        if control:
            await control.start()
            _say(f"ready control {control.url}")
        _say("ready")
        try:
            await stopped.wait()
        finally:
            if control:
                await control.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="carriers-sim",
        description="Simulated SMPP and SIP carriers with a seeded behaviour, and a checker of "
        "the client.",
        epilog="Numbers that provoke an outcome, behaviours, faults and the control interface: "
        "docs/how-to/use-the-carrier-simulator.md",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run_command = commands.add_parser("run", help="listen until SIGINT or SIGTERM")
    run_command.add_argument(
        "--config",
        type=Path,
        required=True,
        metavar="FILE",
        help="TOML; see conf/carriers_sim.toml",
    )
    run_command.add_argument(
        "--seed", type=int, help="instead of the file's; message ids then begin at 1 as well"
    )
    run_command.add_argument(
        "--until-eof",
        action="store_true",
        help="end when standard input does: with the process that started us, however that dies",
    )
    run_command.add_argument("--verbose", action="store_true", help="log binds and drops to stderr")
    return parser


def _stop_at_eof(stopped: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin)
        stopped.set()


def _first_id(seed: int | None) -> int:
    """A gateway remembers ids across our restarts, so each start begins above the last one's,
    unless the caller asked for the same trace again."""
    return int(time.time() * 1000) if seed is None else 1


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
