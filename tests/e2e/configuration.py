"""A gateway's configuration for tests: small, on free ports, in a directory of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

ACCOUNT_SID = "AC0123456789abcdef0123456789abcdef"
AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
KEY_SID = "SK0123456789abcdef0123456789abcdef"
KEY_SECRET = "fedcba9876543210fedcba9876543210"
ESME, ESME_PASSWORD = "demo", "demopass"

LONG_CODE = "+15005550006"
SHORT_CODE = "55501"
TOLL_FREE = "+18005550100"
UNREGISTERED = "+12025550144"

# A second customer, who may see nothing of the first. Nobody listens at its number but its ESME.
OTHER_SID = "ACfedcba9876543210fedcba9876543210"
OTHER_TOKEN = "fedcba9876543210fedcba9876543210"
OTHER_ESME, OTHER_PASSWORD = "second", "secondpw"
OTHER_LONG_CODE = "+15005550016"

PLAN = Path(__file__).parents[2] / "conf" / "numbering_plan.csv"

GATEWAY = f"""\
accounts = "accounts.toml"
carriers = "carriers.toml"
numbering_plan = "{PLAN}"

[rest]
port = 0

[admin]
port = 0

[smpp]
port = 0
session_init_s = 5.0
enquire_link_s = ENQUIRE_LINK_S
response_s = 5.0

[store]
directory = "store"
STORE
[queue]
QUEUE
[callbacks]
allow_private_destinations = true

[log]
format = "json"
"""

# The hashes of demopass and secondpw, and of the API key's secret.
ACCOUNTS = f"""\
[[account]]
sid = "{ACCOUNT_SID}"
auth_token = "{AUTH_TOKEN}"
requests_per_second = 100000
ACCOUNT
[[account.api_keys]]
sid = "{KEY_SID}"
secret_hash = "sha256$4ba68aa8767bde72e8c798ee82d1275291cea73e72ad74d35ecf48e41386eb82"

[[account.esmes]]
system_id = "{ESME}"
password_hash = "scrypt$16384$8$1$64656d6f2d73616c742d64656d6f2d31\
$8887ba9b959172adffc945368d7404b2b4d41b35d6e7e1cd5574b9f1aefebc76"

[[account.senders]]
address = "{LONG_CODE}"
type = "long_code"
mps = 2000

[[account.senders]]
address = "{TOLL_FREE}"
type = "toll_free"
mps = 2000

[[account.senders]]
address = "{SHORT_CODE}"
type = "short_code"
mps = 2000
sms_url = "SMS_URL"

[[account.senders]]
address = "{UNREGISTERED}"
type = "10dlc"
registration = "unregistered"

[[account]]
sid = "{OTHER_SID}"
auth_token = "{OTHER_TOKEN}"

[[account.esmes]]
system_id = "{OTHER_ESME}"
password_hash = "scrypt$16384$8$1$64656d6f2d73616c742d64656d6f2d32\
$d1b64837fe5f077f8fcc4f5c62097ea2e5c122549b44dc14bfc16441777db86d"

[[account.senders]]
address = "{OTHER_LONG_CODE}"
type = "long_code"
mps = 2000
"""

CARRIER = """\
[[carrier]]
id = "{name}"

[[carrier.route]]
prefixes = ["1"]
"""

BIND = """\
[[carrier.bind]]
id = "{id}"
host = "127.0.0.1"
port = {port}
system_id = "supernet"
password = "simpass"
window = {window}
enquire_link_s = {enquire_link_s}
tps = 5000
response_timeout_s = 5.0
"""


Keys = Mapping[str, float | str | list[str]]
NO_KEYS: Keys = MappingProxyType({})


def write_configuration(
    directory: Path,
    carriers: Mapping[str, int],
    sms_url: str = "http://127.0.0.1/unused",
    binds: int = 1,
    window: int = 50,
    enquire_link_s: float = 30.0,
    store: Keys = NO_KEYS,
    queue: Keys = NO_KEYS,
    account: Keys = NO_KEYS,
) -> Path:
    """The entry file. `carriers` has the port of each carrier, which gets so many `binds`;
    `enquire_link_s` is that of both sides; `store`, `queue` and `account` are more keys of their
    sections, and of the first account."""
    directory.mkdir(exist_ok=True)
    parts = []
    for name, port in carriers.items():
        parts.append(CARRIER.format(name=name))
        parts += [
            BIND.format(id=number + 1, port=port, window=window, enquire_link_s=enquire_link_s)
            for number in range(binds)
        ]
    (directory / "carriers.toml").write_text("\n".join(parts))
    (directory / "accounts.toml").write_text(
        ACCOUNTS.replace("SMS_URL", sms_url).replace("ACCOUNT\n", toml(account))
    )
    entry = directory / "gateway.toml"
    entry.write_text(
        GATEWAY.replace("ENQUIRE_LINK_S", str(enquire_link_s))
        .replace("STORE\n", toml(store))
        .replace("QUEUE\n", toml(queue))
    )
    return entry


def toml(keys: Keys) -> str:
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
