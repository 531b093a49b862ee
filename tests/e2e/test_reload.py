"""SIGHUP while calls stand: what is changed holds for the next call, and this one goes on."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from gateway.sip.leg_events import Answered, Ended
from tests.e2e.configuration import OTHER_LONG_CODE
from tests.e2e.patience import until
from tests.e2e.telephony import Telephony, telephony

pytestmark = pytest.mark.e2e
CALLED = "+12065551001"


async def reload(site: Telephony, said: str = "configuration reloaded") -> dict[str, Any]:
    """What the daemon says of it."""
    before = len(site.daemon.events(said))
    site.daemon.send_signal(signal.SIGHUP)

    async def told() -> list[dict[str, Any]]:
        return site.daemon.events(said)

    return (await until(told, lambda events: len(events) > before))[-1]


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


async def test_call_stands_while_its_carrier_and_its_limits_change(tmp_path: Path) -> None:
    async with telephony(tmp_path) as site:
        leg = site.pbx.call(site.port, OTHER_LONG_CODE, CALLED)
        await site.pbx.hears(Answered)
        alpha = f"port = {site.carriers.sip_carriers['alpha'].port}"
        edit(tmp_path / "carriers.toml", alpha, f"{alpha}\nno_failover = [503]\ncps = 7")
        edit(tmp_path / "accounts.toml", 'id = "pbx"', 'id = "pbx"\nchannels = 1')
        edit(tmp_path / "gateway.toml", "workers = 1", "workers = 2")
        told = await reload(site)
        site.pbx.call(site.port, OTHER_LONG_CODE, CALLED)
        refused = await site.pbx.hears(Ended)
        site.pbx.hang_up(leg)
        ended = await site.ended()
        (waits,) = site.daemon.events("changes wait for a restart")

    assert (told["trunks_changed"], refused.status) == (["alpha/voice"], 503)
    assert (ended["status"], ended["ended_by"]) == ("completed", "caller")
    assert waits["changes"] == [
        "media.workers",
        "calls to alpha/voice: its routes, channels and cps",
    ]


async def test_calls_take_another_carrier_when_one_is_gone(tmp_path: Path) -> None:
    async with telephony(tmp_path) as site:
        file = tmp_path / "carriers.toml"
        with_both = file.read_text()
        first = with_both.index('\n[[carrier]]\nid = "alpha"')
        file.write_text(
            with_both[:first] + with_both[with_both.index('\n[[carrier]]\nid = "bravo"') :]
        )
        gone = await reload(site)
        leg = site.pbx.call(site.port, OTHER_LONG_CODE, CALLED)
        await site.pbx.hears(Answered)
        file.write_text(with_both)
        back = await reload(site)

        async def up() -> list[dict[str, Any]]:
            return site.daemon.events("trunk up")

        await until(up, lambda events: len(events) == 3)
        site.pbx.hang_up(leg)
        over_bravo = await site.ended()
        leg = site.pbx.call(site.port, OTHER_LONG_CODE, CALLED)
        await site.pbx.hears(Answered)
        site.pbx.hang_up(leg)
        over_alpha = (await site.ended_calls(2))[-1]

    assert (gone["trunks_gone"], back["trunks_new"]) == (["alpha/voice"], ["alpha/voice"])
    assert (over_bravo["trunk"], over_alpha["trunk"]) == ("bravo/voice", "alpha/voice")


async def test_files_with_a_mistake_change_nothing(tmp_path: Path) -> None:
    async with telephony(tmp_path) as site:
        edit(tmp_path / "accounts.toml", 'id = "pbx"', 'id = "pbx"\nchannels = "many"')
        told = await reload(site, "configuration not reloaded")
        leg = site.pbx.call(site.port, OTHER_LONG_CODE, CALLED)
        await site.pbx.hears(Answered)
        site.pbx.hang_up(leg)
        assert "channels" in told["reason"]
        assert (await site.ended())["status"] == "completed"
