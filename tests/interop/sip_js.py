"""A phone on SIP.js in a browser: the page that it is, and how it is told what to do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.e2e.patience import until
from tests.interop.chromium import Chromium, Page
from tests.interop.tone_file import write_tone
from tests.support.local_server import LocalServer

PAGES = Path(__file__).with_name("browser")
# What its microphone hears. A whole number of periods, so that it can be repeated without a click.
TONE_HZ, TONE_S, TONE_LEVEL = 600, 5, 0.5

ATTEMPTS_MAX, KEY_S = 10, 3.0


class BrowserPhone:
    def __init__(self, page: Page) -> None:
        self.page = page

    async def register(self, port: int, username: str, password: str) -> None:
        server = f"ws://127.0.0.1:{port}"
        who = {"server": server, "username": username, "password": password}
        await self.page.call("phone.register", who)

    async def dial(self, number: str, *codecs: str) -> None:
        """Offering these codecs, or all that the browser has.

        Raises:
            PageError: it is refused; the text has the status.
        """
        await self.page.call("phone.dial", number, codecs)

    async def called(self) -> None:
        """Until somebody has called, and it has answered."""
        await self.page.call("phone.called")

    async def hang_up(self) -> None:
        await self.page.call("phone.hangUp")

    async def send_digits(self, digits: str) -> None:
        assert await self.page.call("phone.sendDigits", digits)

    async def inform(self, digit: str) -> None:
        """By SIP INFO."""
        await self.page.call("phone.inform", digit)

    async def informed(self, digits: str) -> None:
        """Until it has been told these by SIP INFO in this call, and no others."""

        async def told() -> str:
            bodies: list[str] = await self.page.evaluate("phone.infos")
            return "".join(re.findall(r"Signal=(\S)", "\n".join(bodies)))

        await until(told, lambda all_: len(all_) >= len(digits) and all_ == digits)

    async def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.page.call("phone.stats")
        return found

    async def hears_digit(self, press: Callable[[str], Awaitable[None]], digit: str) -> None:
        """Until it has played this one. It is pressed again where it has not: on a busy machine it
        skips some of what it should play."""
        before = len(await self.keys())
        for _ in range(ATTEMPTS_MAX):
            await press(digit)
            with suppress(AssertionError):
                await until(self.keys, lambda keys: digit in keys[before:], KEY_S)
                return
        raise AssertionError(f"it has heard {await self.keys()!r}")

    async def keys(self) -> str:
        """That it has played in this call."""
        return str(await self.page.call("phone.keys"))

    async def over(self) -> None:
        """Until the call is, whoever ends it."""
        await self.page.call("phone.over")

    async def hears(self, hertz: int, level_min: float, *others: int) -> list[float]:
        """The levels of that frequency and of others, once it is heard so loud."""

        async def levels() -> list[float]:
            return await self.levels(hertz, *others)

        return await until(levels, lambda found: found[0] >= level_min)

    async def levels(self, *hertz: int) -> list[float]:
        """In the last third of a second."""
        found: list[float] = await self.page.call("phone.levels", hertz)
        return found


@asynccontextmanager
async def browser_phone(browser: Chromium, modules: Path) -> AsyncIterator[BrowserPhone]:
    app = web.Application()
    app.router.add_static("/sip.js", modules / "sip.js")
    app.router.add_static("/", PAGES)
    async with LocalServer(app) as server:
        page = await browser.open(f"{server.url}/phone.html")
        yield BrowserPhone(page)
        assert page.errors == [], page.errors


def browser_with_tone(directory: Path) -> Chromium:
    """Its microphone says TONE_HZ, at TONE_LEVEL of what it could."""
    microphone = directory / "microphone.wav"
    write_tone(microphone, TONE_HZ, TONE_S, level=TONE_LEVEL)
    return Chromium(directory, microphone)
