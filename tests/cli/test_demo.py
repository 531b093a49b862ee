import os
import shlex
import signal
from pathlib import Path

import pytest

from gateway.cli.console import CommandError
from gateway.cli.demo import (
    CHECKOUT,
    ESME_PASSWORD,
    ESME_SYSTEM_ID,
    banner,
    conf_directory,
    ended_by_signals,
)
from gateway.config import load
from gateway.config.credentials import Credentials


def test_a_checkout_has_the_demo_beside_the_package() -> None:
    assert conf_directory((CHECKOUT,)) == Path(__file__).parents[2] / "conf"


def test_an_installed_demo_is_found_after_the_checkout(tmp_path: Path) -> None:
    (tmp_path / "share" / "conf").mkdir(parents=True)
    (tmp_path / "share" / "conf" / "demo.toml").touch()
    places = (tmp_path, tmp_path / "share")
    assert conf_directory(places) == tmp_path / "share" / "conf"


def test_a_demo_without_its_files_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"found no demo.toml in .*/conf$"):
        conf_directory((tmp_path,))


def test_the_banner_shows_a_curl_line_that_a_shell_reads_as_meant() -> None:
    text = banner(load(CHECKOUT / "conf" / "demo.toml"))
    line = next(line for line in text.splitlines() if "curl -u" in line)
    assert shlex.split(line) == [
        "curl",
        "-u",
        "AC0123456789abcdef0123456789abcdef:0123456789abcdef0123456789abcdef",
        "http://127.0.0.1:8080/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json",
        "--data-urlencode",
        "To=+15005550009",
        "--data-urlencode",
        "From=+15005550006",
        "-d",
        "Body=Hello",
    ]


async def test_the_banner_shows_a_password_that_binds() -> None:
    credentials = Credentials(load(CHECKOUT / "conf" / "demo.toml").accounts)
    assert await credentials.esme(ESME_SYSTEM_ID, ESME_PASSWORD) is not None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_the_daemon_runs_ends_the_demo(number: signal.Signals) -> None:
    with pytest.raises(SystemExit, match=str(128 + number)), ended_by_signals():
        os.kill(os.getpid(), number)


def test_signals_are_as_before_after_the_demo() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with ended_by_signals():
        pass
    assert signal.getsignal(signal.SIGTERM) is before
