"""The files that we ship are right, the commented examples in them included."""

import re
from pathlib import Path

import msgspec
import pytest

from gateway.config import Config, load
from gateway.config.credentials import Credentials

CONF = Path(__file__).parents[2] / "conf"


def test_the_shipped_entry_file_states_the_defaults(tmp_path: Path) -> None:
    for name in ("gateway.toml", "accounts.toml", "carriers.toml"):
        (tmp_path / name).write_text((CONF / name).read_text())
    (tmp_path / "numbering_plan.csv").touch()
    shipped = load(tmp_path / "gateway.toml")
    defaults = Config(
        path=shipped.path,
        numbering_plan=shipped.numbering_plan,
        accounts_key=shipped.accounts_key,
    )
    assert msgspec.structs.asdict(shipped) == msgspec.structs.asdict(defaults)


@pytest.mark.parametrize("name", ["accounts.toml", "carriers.toml"])
def test_the_commented_examples_load(tmp_path: Path, name: str) -> None:
    for other in ("gateway.toml", "accounts.toml", "carriers.toml"):
        (tmp_path / other).write_text((CONF / other).read_text())
    (tmp_path / "numbering_plan.csv").touch()
    example = re.sub(r"(?m)^# (?=\[\[|\w+ = )", "", (CONF / name).read_text())
    (tmp_path / name).write_text(example)
    config = load(tmp_path / "gateway.toml", {"FIRST_CARRIER_PASSWORD": "secret"})
    assert len(config.accounts) + len(config.carriers) == 1


@pytest.fixture
def demo(tmp_path: Path) -> Config:
    for name in ("demo.toml", "demo_accounts.toml", "demo_carriers.toml"):
        (tmp_path / name).write_text((CONF / name).read_text())
    (tmp_path / "numbering_plan.csv").touch()
    return load(tmp_path / "demo.toml")


def test_the_demo_has_four_binds_over_three_carriers(demo: Config) -> None:
    assert [len(carrier.binds) for carrier in demo.carriers] == [2, 1, 1]


def test_the_demo_account_has_the_senders_that_the_banner_names(demo: Config) -> None:
    rates = {sender.address: sender.segments_per_second for sender in demo.accounts[0].senders}
    assert rates.items() >= {"+15005550006": 1, "+18005550100": 3, "55501": 100, "DEMO": 10}.items()


async def test_the_demo_credentials_are_those_that_the_banner_names(demo: Config) -> None:
    credentials = Credentials(demo.accounts)
    account = demo.accounts[0]
    assert credentials.rest(account.sid, "0123456789abcdef0123456789abcdef") is account
    assert credentials.rest("SK0123456789abcdef0123456789abcdef", "fedcba9876543210" * 2) is account
    assert await credentials.esme("demo", "demopass") == (account, account.esmes[0])
    assert await credentials.esme("second", "secondpw") is not None
