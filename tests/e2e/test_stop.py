"""SIGTERM and SIGINT: everything in good order, and nothing lost."""

import signal
from pathlib import Path

import pytest

from tests.e2e.daemon import Daemon
from tests.e2e.esme import Esme
from tests.e2e.site import a_site
from tests.e2e.traffic import Traffic

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

UNANSWERED = "0013"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_under_load_drains_and_loses_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with a_site(tmp_path, kind=Daemon) as site:
        traffic = Traffic(site)
        async with traffic.flowing():
            await traffic.acknowledge(100)
            site.daemon.send_signal(number)
            code = await site.daemon.ended()
            await site.daemon.start()
            await traffic.acknowledge(100)
        for sid in traffic.acknowledged:
            assert (await site.rest.final(sid))["status"] == "delivered"
        counts = [site.carriers.recorder.counts(name) for name in ("alpha", "bravo")]

    assert code == 0
    assert sum(each.duplicates + each.resent_after_lost_response for each in counts) == 0


async def test_esme_is_unbound(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site, Esme(site.daemon.smpp_port) as esme:
        code = await site.daemon.stop()

        await esme.closed.wait()

    assert code == 0


async def test_carriers_are_unbound(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        await site.daemon.stop()

        assert site.carriers["alpha"].binds == []
        assert {event["reason"] for event in site.daemon.events("bind down")} == {"unbound"}


async def test_carrier_that_does_not_answer_is_waited_for_no_longer_than_its_time(
    tmp_path: Path,
) -> None:
    async with a_site(tmp_path) as site:
        recipient = site.recipient(UNANSWERED)
        await site.rest.create(recipient, "hello")
        await site.carriers["alpha"].wait_until(lambda: bool(site.arrived(recipient)))

        site.daemon.send_signal(signal.SIGTERM)

        assert await site.daemon.ended() == 0


async def test_nothing_is_logged_as_an_error(tmp_path: Path) -> None:
    async with a_site(tmp_path, kind=Daemon) as site:
        await site.rest.final(await site.rest.create(site.recipient(), "hello"))
        await site.daemon.stop()

    assert [line for line in site.daemon.said if '"info"' not in line] == []
