"""rtpengines in the place of media workers: a link to each, and the calls looked after."""

from __future__ import annotations

import asyncio
from random import SystemRandom

from gateway.config.media import Media
from gateway.net.ng_link import NgLink
from gateway.voice.rtpengine_engine import RtpengineEngine

POLL_TICK_S = 1.0


class Rtpengines:
    """`engine` opens sessions while a server is up; they may come and go."""

    def __init__(self, media: Media) -> None:
        random = SystemRandom()
        self._links = [
            NgLink(server.host, server.port, server.weight, random) for server in media.rtpengine
        ]
        self.engine = RtpengineEngine(self._links, random)

    async def start(self) -> None:
        """The servers are asked whether they are there; no answer is waited for."""
        await asyncio.gather(*(link.open() for link in self._links))

    async def run(self) -> None:
        """Keep the links open, and look after the calls, until canceled."""
        async with asyncio.TaskGroup() as tasks:
            for link in self._links:
                tasks.create_task(link.run(), name=f"rtpengine {link.name}")
            tasks.create_task(self._poll(), name="calls in rtpengines")

    async def close(self) -> None:
        """The servers go on without us."""
        for link in self._links:
            link.close()

    async def _poll(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self.engine.poll(loop.time())
            await asyncio.sleep(POLL_TICK_S)
