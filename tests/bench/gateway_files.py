"""The configuration of the gateway under test. It differs from an ordinary one only in its size,
and in limits that are out of the way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.config.secrets import hash_password
from tests.bench import traffic
from tests.bench.child_process import ROOT
from tests.bench.http_dialects import ACCOUNT_SID, AUTH_TOKEN
from tests.bench.load import PASSWORD, SYSTEM_ID, EsmeAccount
from tests.bench.system import free_ports

STORE = "store"
# The carrier for which messages wait.
DOWN = "down"
SALT = bytes(16)
# Of many accounts so many send, evenly spread over the file.
SENDING_MAX = 10
FIRST_SENDER = 8_000_001

GATEWAY_TOML = """\
accounts = "accounts.toml"
carriers = "carriers.toml"
numbering_plan = {plan}
[rest]
port = 0
[admin]
port = 0
[smpp]
port = 0
[store]
directory = {store}
[callbacks]
allow_private_destinations = true
[log]
format = "json"
"""
ACCOUNT_TOML = """\
[[account]]
sid = "{sid}"
auth_token = "{token}"
countries = ["US", "CA", "GB"]
requests_per_second = 1_000_000
concurrent_requests = 10_000
submits_per_second = 1_000_000
max_queue_s = 36_000
[[account.esmes]]
system_id = "{system_id}"
password_hash = "{password_hash}"
binds_max = 100
"""
SENDER_TOML = """\
[[account.senders]]
address = "{address}"
type = "short_code"
mps = 10_000
"""
CARRIER_TOML = """\
[[carrier]]
id = "{carrier}"
[[carrier.route]]
prefixes = {prefixes}
"""
BIND_TOML = """\
[[carrier.bind]]
id = "{bind}"
host = "127.0.0.1"
port = {port}
system_id = "supernet"
password = "sink"
window = 100
tps = 100_000
receipts = {receipts}
"""


@dataclass(frozen=True, slots=True)
class GatewaySize:
    """How many accounts there are, how many binds, and how many messages `waiting` in the store at
    its start, for a carrier that is down. `narrow` carriers reach a part of the destinations each,
    which thus have `BINDS_OF_CARRIER` binds; otherwise each of the binds could take any message.
    """

    accounts: int = 1
    binds: int = 4
    narrow: bool = False
    waiting: int = 0

    def esmes(self) -> tuple[EsmeAccount, ...]:
        """Of the accounts that send."""
        if self.accounts == 1:
            return (EsmeAccount(SYSTEM_ID),)
        step = max(1, self.accounts // SENDING_MAX)
        return tuple(an_esme(index) for index in range(0, step * SENDING_MAX, step))


# A demo has so many of either.
ORDINARY = GatewaySize()
BINDS_OF_CARRIER = 2
BINDS_OF_NARROW_CARRIER = 4


def an_esme(index: int) -> EsmeAccount:
    """Of the account with this place in the file."""
    return EsmeAccount(f"{SYSTEM_ID}-{index}", str(FIRST_SENDER + index))


def write_files(
    directory: Path, carrier_port: int, size: GatewaySize, *, receipts: bool = True
) -> None:
    """gateway.toml and what it names. `carrier_port` is where all carriers listen but that for
    which messages wait."""
    plan = json.dumps(str(ROOT / "conf" / "numbering_plan.csv"))
    store = json.dumps(str(directory / STORE))
    (directory / "gateway.toml").write_text(GATEWAY_TOML.format(plan=plan, store=store))
    (directory / "accounts.toml").write_text("".join(accounts_toml(size)))
    (directory / "carriers.toml").write_text("".join(carriers_toml(size, carrier_port, receipts)))


def accounts_toml(size: GatewaySize) -> Iterator[str]:
    """One account with all of the senders, or many with one each."""
    password_hash = hash_password(PASSWORD, SALT)
    if size.accounts == 1:
        yield ACCOUNT_TOML.format(
            sid=ACCOUNT_SID, token=AUTH_TOKEN, system_id=SYSTEM_ID, password_hash=password_hash
        )
        for address in (*traffic.SENDERS, *traffic.WAITING_SENDERS):
            yield SENDER_TOML.format(address=address)
        return
    for index in range(size.accounts):
        esme = an_esme(index)
        yield ACCOUNT_TOML.format(
            sid=f"AC{index:032x}",
            token=AUTH_TOKEN,
            system_id=esme.system_id,
            password_hash=password_hash,
        )
        yield SENDER_TOML.format(address=esme.sender)


def carriers_toml(size: GatewaySize, port: int, receipts: bool) -> Iterator[str]:
    """Carriers of a few binds each."""
    of_each = min(size.binds, BINDS_OF_NARROW_CARRIER if size.narrow else BINDS_OF_CARRIER)
    carriers = size.binds // of_each
    for carrier in range(carriers):
        prefixes = traffic.PREFIXES[carrier::carriers] if size.narrow else ["1"]
        yield CARRIER_TOML.format(carrier=f"sink-{carrier}", prefixes=json.dumps(prefixes))
        for bind in range(of_each):
            yield BIND_TOML.format(bind=bind, port=port, receipts=str(receipts).lower())
    if size.waiting:
        (closed_port,) = free_ports(1)
        yield CARRIER_TOML.format(carrier=DOWN, prefixes='["44"]')
        yield BIND_TOML.format(bind=0, port=closed_port, receipts="true")
