"""`supernet demo`: the gateway and the carrier simulator, ready to be tried."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from gateway.account import Registration, Sender
from gateway.cli.console import CommandError, say
from gateway.cli.simulator_process import SimulatorProcess
from gateway.cli.subcommands import Subcommands
from gateway.config import Config, load

CHECKOUT = Path(__file__).resolve().parents[2]
INSTALLED = Path(sys.prefix) / "share" / "super-network-gateway"

ESME_SYSTEM_ID = "demo"
ESME_PASSWORD = "demopass"
PHONE, PHONE_PASSWORD = "alice", "demophone"
SIMULATOR_CONTROL = "http://127.0.0.1:8090"

BANNER = """\
Super Network gateway, with simulated carriers behind it. Ctrl-C drains and stops both.

  REST        {url}      documentation {url}/docs
  Phone       {url}/phone#{account}:{token}
              in a browser on this machine: call a simulated carrier, and hear it
  SMPP        {smpp}
  SIP         {sip}      calls from this machine; a phone registers as {phone} / {phone_password}
  Health      {admin}/health, {admin}/metrics
  Simulator   {simulator}      what arrived at the carriers

  Account     {account}
  AuthToken   {token}
  ESME        {system_id} / {password}
  Senders     {senders}

Send a message with curl:

  curl -u {account}:{token} {url}/2010-04-01/Accounts/{account}/Messages.json \
--data-urlencode To=+15005550009 --data-urlencode From=+15005550006 -d Body=Hello

with the twilio SDK for Python:

  from twilio.rest import Client
  client = Client("{account}", "{token}")
  client.api.base_url = "{url}"
  print(client.messages.create(to="+15005550009", from_="+15005550006", body="Hello").sid)

or with our own client, which waits for the final status:

  supernet send --to +15005550009 --body Hello

The configuration is {path}, the messages are kept in {store}.
"""


def add_parser(commands: Subcommands) -> None:
    parser = commands.add_parser(
        "demo",
        description="Run the gateway on conf/demo.toml and the carrier simulator beside it.",
    )
    parser.set_defaults(command=demo)


def demo(_arguments: argparse.Namespace) -> int:
    conf = conf_directory((CHECKOUT, INSTALLED))
    config = load(conf / "demo.toml")
    command = [sys.executable, "-m", "carriers_sim", "run", "--until-eof", "--config"]
    command.append(str(conf / "carriers_sim.toml"))
    with ended_by_signals(), SimulatorProcess(command) as simulator:
        simulator.wait_ready()
        # The daemon pulls in all of the gateway; the other commands start faster without it.
        from gateway import daemon

        return daemon.run(config, on_ready=lambda: say(banner(config)))


def conf_directory(places: Sequence[Path]) -> Path:
    """Where the demo's files are: in a checkout beside the package, else where a wheel put them."""
    for place in places:
        if (place / "conf" / "demo.toml").is_file():
            return place / "conf"
    looked = " and ".join(str(place / "conf") for place in places)
    raise CommandError(f"found no demo.toml in {looked}")


def banner(config: Config) -> str:
    """What there is, and how to try it."""
    account = config.accounts[0]
    return BANNER.format(
        url=f"http://{config.rest.host}:{config.rest.port}",
        smpp=f"{config.smpp.host}:{config.smpp.port}",
        admin=f"http://{config.admin.host}:{config.admin.port}",
        simulator=SIMULATOR_CONTROL,
        account=account.sid,
        token=account.auth_token,
        system_id=ESME_SYSTEM_ID,
        password=ESME_PASSWORD,
        sip=f"sip:{config.sip.host}:{config.sip.port}",
        phone=PHONE,
        phone_password=PHONE_PASSWORD,
        senders="\n              ".join(map(describe_sender, account.senders)),
        path=config.path,
        store=config.store.directory,
    )


def describe_sender(sender: Sender) -> str:
    text = f"{sender.address:<13} {sender.type}, {sender.segments_per_second:g} MPS"
    if sender.registration is Registration.REGISTERED:
        return text
    return f"{text} ({sender.registration}: its messages are refused)"


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as an exception, so that the simulator is stopped.

    The daemon puts its own handlers in their place as long as it runs.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
