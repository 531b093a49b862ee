"""A small configuration in three files, to make mistakes in."""

from pathlib import Path

GATEWAY = """\
accounts = "accounts.toml"
carriers = "carriers.toml"
numbering_plan = "plan.csv"

[rest]
port = 8080

[queue]
outcome_unknown_wait_s = 60.0

[log]
level = "info"
"""

HASH = "8887ba9b959172adffc945368d7404b2b4d41b35d6e7e1cd5574b9f1aefebc76"
ACCOUNTS = f"""\
[[account]]
sid = "AC0123456789abcdef0123456789abcdef"
auth_token = "0123456789abcdef0123456789abcdef"
countries = ["US", "CA"]

[[account.api_keys]]
sid = "SK0123456789abcdef0123456789abcdef"
secret_hash = "sha256$4ba68aa8767bde72e8c798ee82d1275291cea73e72ad74d35ecf48e41386eb82"

[[account.esmes]]
system_id = "demo"
password_hash = "scrypt$2$8$1$64656d6f2d73616c${HASH}"

[[account.senders]]
address = "55501"
type = "short_code"
mps = 100

[[account]]
sid = "ACfedcba9876543210fedcba9876543210"
auth_token = "fedcba9876543210fedcba9876543210"

[[account.esmes]]
system_id = "second"
password_hash = "scrypt$2$8$1$64656d6f2d73616c${HASH}"

[[account.senders]]
address = "55502"
type = "short_code"
"""

CARRIERS = """\
[[carrier]]
id = "alpha"

[[carrier.route]]
prefixes = ["1"]

[[carrier.bind]]
id = "1"
host = "127.0.0.1"
port = 27751
system_id = "supernet"
password = "simpass"

[[carrier.bind]]
id = "2"
host = "127.0.0.1"
port = 27751
system_id = "supernet"
password = "simpass"

[[carrier]]
id = "bravo"

[[carrier.route]]
mccmnc = ["310260"]

[[carrier.bind]]
id = "1"
host = "127.0.0.1"
port = 27752
system_id = "supernet"
password = "simpass"
"""

PLAN = """\
prefix,country,mcc,mnc,type,operator
1,US,310,,any,
"""


class Files:
    """The three files in a directory of their own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.entry = directory / "gateway.toml"
        self.accounts = directory / "accounts.toml"
        self.carriers = directory / "carriers.toml"
        self.entry.write_text(GATEWAY)
        self.accounts.write_text(ACCOUNTS)
        self.carriers.write_text(CARRIERS)
        (directory / "plan.csv").write_text(PLAN)


def edit(file: Path, old: str, new: str) -> None:
    """Replace the first `old`, which must be there."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
