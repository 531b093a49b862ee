"""Mosquitto behind TLS with an authority of our own, client certificates and passwords."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.patience import until
from tests.interop.mosquitto import Mosquitto, Subscriber
from tests.interop.streaming import Site, a_site
from tests.support.authority import Authority

pytestmark = pytest.mark.interop


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


def tls_settings(authority: Authority, alternative: str = "IP:127.0.0.1") -> dict[str, str]:
    certificate, key = authority.issue("broker", "a broker", alternative)
    return {"certfile": certificate, "keyfile": key}


async def arrives(broker: Mosquitto, authority: Authority, directory: Path, **mqtt: str) -> None:
    """One event, over TLS both ways."""
    context = ssl.create_default_context(cafile=authority.certificate)
    if "cert_file" in mqtt:
        context.load_cert_chain(mqtt["cert_file"], mqtt["key_file"])
    ours: dict[str, Any] = {"tls": True, "ca_file": authority.certificate, **mqtt}
    async with (
        Subscriber(broker.port, "supernet/accounts/#", tls=context) as subscriber,
        a_site(directory, broker.port, **ours) as site,
    ):
        site.ledger.accepts(1)
        await site.all_arrive(subscriber)


async def not_reached(site: Site, log: pytest.LogCaptureFixture) -> str:
    """Why the broker was not reached."""

    async def reasons() -> list[str]:
        return [
            str(vars(record)["reason"])
            for record in log.records
            if record.message == "event broker not reached"
        ]

    assert not site.ledger.cursors
    return (await until(reasons))[0]


async def test_events_arrive_over_tls(authority: Authority, tmp_path: Path) -> None:
    async with Mosquitto(tmp_path, tls_settings(authority)) as broker:
        await arrives(broker, authority, tmp_path)


async def test_broker_that_asks_for_our_certificate_is_shown_it(
    authority: Authority, tmp_path: Path
) -> None:
    certificate, key = authority.issue("client", "a client", "DNS:gateway.example")
    asks: Mapping[str, str] = {"cafile": authority.certificate, "require_certificate": "true"}
    async with Mosquitto(tmp_path, {**tls_settings(authority), **asks}) as broker:
        await arrives(broker, authority, tmp_path, cert_file=certificate, key_file=key)


@pytest.mark.parametrize(
    ("alternative", "trusted", "reason"),
    [
        ("IP:127.0.0.1", False, "unable to get local issuer certificate"),
        ("DNS:elsewhere.example", True, "IP address mismatch"),
    ],
    ids=["stranger's authority", "certificate of another"],
)
async def test_broker_that_is_not_who_it_should_be_is_told_nothing(
    authority: Authority,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    alternative: str,
    trusted: bool,
    reason: str,
) -> None:
    ca_file = authority.certificate if trusted else ""
    async with (
        Mosquitto(tmp_path, tls_settings(authority, alternative)) as broker,
        a_site(tmp_path, broker.port, tls=True, ca_file=ca_file) as site,
    ):
        site.ledger.accepts(1)

        assert reason in await not_reached(site, caplog)


async def test_user_and_password_open_the_broker(tmp_path: Path) -> None:
    async with (
        Mosquitto(tmp_path, passwords(tmp_path)) as broker,
        Subscriber(broker.port, credentials=("gateway", "secret")) as subscriber,
        a_site(tmp_path, broker.port, username="gateway", password="secret") as site,
    ):
        site.ledger.accepts(1)
        await site.all_arrive(subscriber)


@pytest.mark.parametrize("version", [3, 5])
async def test_wrong_password_is_said_to_be_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, version: int
) -> None:
    async with (
        Mosquitto(tmp_path, passwords(tmp_path)) as broker,
        a_site(
            tmp_path, broker.port, username="gateway", password="guessed", version=version
        ) as site,
    ):
        assert "uthori" in await not_reached(site, caplog)


def passwords(directory: Path) -> dict[str, str]:
    """A broker that knows one user."""
    if shutil.which("mosquitto_passwd") is None:
        pytest.skip("mosquitto_passwd is not installed")
    file = directory / "passwords"
    command = ["mosquitto_passwd", "-c", "-b", str(file), "gateway", "secret"]
    subprocess.run(command, check=True, capture_output=True)
    return {"allow_anonymous": "false", "password_file": str(file)}
