"""The tables of a configuration that calls need, for tests and benches. Each takes more keys."""

from __future__ import annotations

from pathlib import Path

from gateway.sip.digest import Algorithm, ha1
from tests.e2e.configuration import NO_KEYS, OTHER_LONG_CODE, Keys, toml

USERNAME, PASSWORD = "alice", "secret"


def sip_tables(sip: Keys = NO_KEYS, media: Keys = NO_KEYS) -> str:
    """Of gateway.toml: calls are taken, at any free port."""
    return f"\n[sip]\nenabled = true\nport = 0\n{toml(sip)}\n[media]\n{toml(media)}"


def carrier_table(
    name: str, port: int, prefix: str = "1", priority: int = 1, trunk: Keys = NO_KEYS
) -> str:
    """A carrier of loopback, to which calls go whose numbers begin so."""
    return f"""
[[carrier]]
id = "{name}"

[[carrier.call_route]]
prefixes = ["{prefix}"]
priority = {priority}

[[carrier.trunk]]
id = "voice"
host = "127.0.0.1"
port = {port}
{toml(trunk)}"""


def pbx_table(trunk: Keys = NO_KEYS) -> str:
    """Of the account that stands last in the file: a trunk that is known by its address."""
    return f'\n[[account.trunk]]\nid = "pbx"\nallowed_ips = ["127.0.0.1"]\n{toml(trunk)}'


def phone_table() -> str:
    """Of the account that stands last in the file: USERNAME's, with PASSWORD."""
    return f"""
[[account.phone]]
username = "{USERNAME}"
ha1_md5 = "{ha1(USERNAME, "supernet", PASSWORD, Algorithm.MD5)}"
ha1_sha256 = "{ha1(USERNAME, "supernet", PASSWORD, Algorithm.SHA_256)}"
caller_id = "{OTHER_LONG_CODE}"
"""


def add_tables(entry: Path, gateway: str, accounts: str, carriers: str) -> None:
    """Behind what stands in the three files of a configuration."""
    for file, text in (
        (entry, gateway),
        (entry.with_name("accounts.toml"), accounts),
        (entry.with_name("carriers.toml"), carriers),
    ):
        file.write_text(file.read_text() + text)
