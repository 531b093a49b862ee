"""A browser without a screen, told what to do over the DevTools protocol.

Its microphone is a WAV file that is played again and again, and nobody is asked for permission. Of
the web it sees loopback only.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.e2e.patience import until
from tests.e2e.process import PATIENCE_S, ChildProcess
from tests.interop.peers import program

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    # Of several pages only one is in front; the timers of all are to run.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    # Candidates with addresses, for there is nobody here to resolve names of mDNS.
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
    "--remote-debugging-port=0",
    "--log-level=3",
)
ERRORS_MAX = 100


class PageError(Exception):
    """What a script threw."""


class Chromium(ChildProcess):
    """`async with Chromium(directory, microphone) as browser`; then `await browser.open(url)`."""

    def __init__(self, directory: Path, microphone: Path) -> None:
        self._profile = directory / "profile"
        self._numbers = itertools.count(1)
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}
        self._socket: ClientConnection
        self._listener: asyncio.Task[None]
        super().__init__(
            program("chromium"),
            *ARGUMENTS,
            f"--user-data-dir={self._profile}",
            f"--use-file-for-fake-audio-capture={microphone}",
            "about:blank",
            directory=directory,
            environment={"HOME": str(directory)},
        )

    async def open(self, url: str) -> Page:
        """A page, once its scripts have run."""
        target = (await self.ask("Target.createTarget", url="about:blank"))["targetId"]
        attached = await self.ask("Target.attachToTarget", targetId=target, flatten=True)
        page = self._pages[attached["sessionId"]] = Page(self, attached["sessionId"])
        for domain in ("Runtime", "Log", "Page"):
            await page.ask(f"{domain}.enable")
        await page.ask("Page.setLifecycleEventsEnabled", enabled=True)
        loader = (await page.ask("Page.navigate", url=url))["loaderId"]

        async def is_loaded() -> bool:
            return loader in page.loaded

        await until(is_loaded)
        return page

    async def ask(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """
        Raises:
            PageError: it is refused.
        """
        number = next(self._numbers)
        request = {"id": number, "method": method, "params": parameters}
        if session:
            request["sessionId"] = session
        reply = self._replies[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._socket.send(json.dumps(request))
                said = await reply
        finally:
            self._replies.pop(number, None)
        if "error" in said:
            raise PageError(f"{method}: {said['error']}")
        result: dict[str, Any] = said["result"]
        return result

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        try:
            where = await until(self._listens_at, timeout_s=PATIENCE_S)
            self._socket = await connect(where, max_size=None)
        except BaseException:
            await self.kill()
            raise
        self._listener = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Asked to end, so that nothing of it is left."""
        try:
            await self.ask("Browser.close")
            await self.ended()
        finally:
            await self._socket.close()
            await self._listener
            await super().__aexit__(exc_type, exc, traceback)

    async def _listens_at(self) -> str:
        """It writes its port and a path there; empty until then."""
        assert self.running, f"ended instead: {self.said}"
        file = self._profile / "DevToolsActivePort"
        lines = file.read_text().splitlines() if file.exists() else []
        return f"ws://127.0.0.1:{lines[0]}{lines[1]}" if len(lines) == 2 else ""

    async def _listen(self) -> None:
        """Until the browser ends; what nobody answers any more is refused."""
        with suppress(ConnectionClosed):
            while True:
                self._told(json.loads(await self._socket.recv()))
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(PageError("the browser has ended"))

    def _told(self, said: dict[str, Any]) -> None:
        if "id" in said:
            reply = self._replies.get(said["id"])
            if reply is not None and not reply.done():
                reply.set_result(said)
        elif page := self._pages.get(said.get("sessionId", "")):
            page.told(said["method"], said["params"])


class Page:
    """`errors` are what its console has said of errors, and exceptions that nobody caught; `loaded`
    are the documents, by their loaders, that are complete."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self.errors: list[str] = []
        self.loaded: set[str] = set()
        self._browser = browser
        self._session = session

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        return await self._browser.ask(method, self._session, **parameters)

    async def evaluate(self, expression: str) -> Any:
        """Its value, once a promise is kept.

        Raises:
            PageError: it throws.
        """
        said = await self.ask(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in said:
            raise PageError(_described(said["exceptionDetails"]))
        return said["result"].get("value")

    async def call(self, function: str, *arguments: Any) -> Any:
        """A function of the page's, with values that JSON can carry."""
        return await self.evaluate(f"{function}({', '.join(map(json.dumps, arguments))})")

    def told(self, event: str, facts: dict[str, Any]) -> None:
        match event:
            case "Page.lifecycleEvent" if facts["name"] == "load":
                self.loaded.add(facts["loaderId"])
            case "Runtime.exceptionThrown":
                self._note(_described(facts["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if facts["type"] in ("error", "assert"):
                said = [str(one.get("value", one.get("description"))) for one in facts["args"]]
                self._note(" ".join(said))
            case "Log.entryAdded" if facts["entry"]["level"] == "error":
                self._note(f"{facts['entry']['text']} {facts['entry'].get('url', '')}")

    def _note(self, error: str) -> None:
        if len(self.errors) < ERRORS_MAX:
            self.errors.append(error)


def _described(exception: dict[str, Any]) -> str:
    thrown = exception.get("exception", {})
    return str(thrown.get("description") or thrown.get("value") or exception["text"])
