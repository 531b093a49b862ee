"""The gateway's own page in a browser: a person calls a simulated carrier, and both are heard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from carriers_sim.call_recorder import RecordedCall
from tests.e2e.configuration import OTHER_SID, OTHER_TOKEN
from tests.e2e.patience import until
from tests.e2e.telephony import Telephony, telephony
from tests.interop.chromium import Chromium, Page
from tests.interop.peers import PeerMissing, program
from tests.interop.sip_js import PAGES, TONE_HZ, TONE_S
from tests.interop.tone_file import write_tone
from tests.media import tone

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]
PHONE = """
[phone]
enabled = true
"""
# The carrier's milliwatt.
MILLIWATT_HZ = 1_000
HEARD_MIN = 0.05
EAR = (PAGES / "ear.js").read_text().replace("export class", "globalThis.Ear = class")


class Person:
    """In front of the page, which nobody has used before."""

    def __init__(self, site: Telephony, page: Page) -> None:
        self.page = page
        self._site = site
        self._ended_before = len(site.daemon.events("call ended"))

    async def call(self, number: str) -> RecordedCall:
        """Until both talk; the call at the carrier that took it."""
        await self.page.evaluate(f'$("to").value = "{number}"; $("dial").requestSubmit()')
        await self.sees("state", "Talking")
        trunk = await self.text("route")
        carrier = "alpha" if "alpha" in trunk else "bravo"
        return self._site.carriers.sip_carriers[carrier].calls[-1]

    async def press(self, element: str) -> None:
        await self.page.evaluate(f"{element}.click()")

    async def text(self, name: str) -> str:
        said: str = await self.page.evaluate(f'$("{name}").textContent')
        return said

    async def sees(self, name: str, words: str) -> None:
        async def shown() -> str:
            return await self.text(name)

        await until(shown, lambda text: words in text)

    async def hears(self, hertz: int) -> None:
        await self.page.evaluate(f"{{{{ {EAR} }}}} globalThis.ear = new Ear($('audio').srcObject)")

        async def level() -> float:
            found: float = (await self.page.evaluate(f"ear.levels([{hertz}])"))[0]
            return found

        await until(level, lambda found: found > HEARD_MIN)

    async def ended(self) -> dict[str, Any]:
        """What the daemon says of the call."""
        return (await self._site.ended_calls(self._ended_before + 1))[-1]

    async def measures(self) -> list[list[Any]]:
        """The table: each row's cells."""
        rows: list[list[Any]] = await self.page.evaluate(
            '[...$("quality").tBodies[0].rows].map((row) => [...row.cells].map((c) => c.innerText))'
        )
        return rows


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def places(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Telephony, Chromium]]:
    """The gateway, and a browser whose microphone hears TONE_HZ."""
    try:
        program("chromium")
    except PeerMissing as missing:
        pytest.skip(str(missing))
    directory = tmp_path_factory.mktemp("phone")
    microphone = directory / "microphone.wav"
    write_tone(microphone, TONE_HZ, TONE_S, level=0.5)
    async with (
        telephony(directory, tables=PHONE) as site,
        Chromium(directory, microphone) as browser,
    ):
        yield site, browser


@pytest_asyncio.fixture(loop_scope="module")
async def person(places: tuple[Telephony, Chromium]) -> Person:
    site, browser = places
    url = f"{site.daemon.rest}/phone#{OTHER_SID}:{OTHER_TOKEN}"
    return Person(site, await browser.open(url))


async def test_person_and_carrier_hear_each_other_through_the_page(person: Person) -> None:
    call = await person.call("+12065550120")
    await person.hears(MILLIWATT_HZ)

    async def carrier_heard() -> float:
        return tone.level_of(bytes(call.heard), TONE_HZ)

    async def digits() -> str:
        return call.digits

    await until(carrier_heard, lambda level: level > HEARD_MIN)
    await person.press('$("keypad").children[4]')
    await until(digits, lambda heard: heard == "5")
    await person.sees("why", "alpha/voice")
    measures = await until(person.measures, lambda rows: "0" not in rows[0])
    await person.press('$("hang-up")')
    await person.sees("state", "Ended")

    assert [row[0] for row in measures] == ["Packets", "Loss", "Jitter", "Round trip", "MOS"]
    assert all(1 <= float(mos) <= 4.5 for mos in measures[-1][1:])
    assert (await person.page.evaluate("location.href")).endswith("/phone")
    assert person.page.errors == []


async def test_page_that_is_left_while_it_is_on_hold_ends_its_call(person: Person) -> None:
    await person.call("+12065550112")
    await person.sees("log", "describes its sound anew")
    await person.page.ask("Page.navigate", url="about:blank")
    ended = await person.ended()

    # By its DELETE, or by the end of its transport: what comes first.
    assert ended["status"] == "completed"
    assert ended["ended_by"] in ("caller", "gateway")
