"""The media workers as processes: started, looked after, started again when they die, and let go.

A worker ends by itself when its socket closes, so none outlives us, however we end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process

from gateway.config import Config
from gateway.config.sip_rules import PORTS_OF_A_CALL
from gateway.errors import GatewayError
from gateway.net.media_link import MediaLink
from gateway.voice.media_session import MediaRefused
from gateway.voice.steps import Reply
from gateway.voice.worker_engine import MediaWorker, WorkerEngine
from media.relay import SILENCE_S
from media.worker.messages import Place, Pong

log = logging.getLogger(__name__)

# An interpreter on a busy machine takes a while.
START_S = 30.0
STOP_S = 3.0
# So often each is asked how it is, and so many times in a row it may say nothing. Times are
# counted, for we may have stood still ourselves.
PING_S = 2.0
SILENT_PINGS_MAX = 5
RESTART_MIN_S = 0.1
RESTART_MAX_S = 10.0
# One that has lived for so long did not die of its start.
STABLE_S = 60.0


class MediaWorkers:
    """`engine` opens sessions once `start` has returned."""

    def __init__(self, config: Config) -> None:
        self._keepers = [
            _Keeper(number, place) for number, place in enumerate(places_of(config), 1)
        ]
        self.engine = WorkerEngine([keeper.worker for keeper in self._keepers])

    async def start(self) -> None:
        """Raises GatewayError: one cannot be started."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for keeper in self._keepers:
                    tasks.create_task(keeper.start())
        except* (OSError, MediaRefused) as errors:
            await self.close()
            raise GatewayError(f"no media worker: {errors.exceptions[0]}") from None

    async def run(self) -> None:
        """Look after them until canceled."""
        async with asyncio.TaskGroup() as tasks:
            for keeper in self._keepers:
                tasks.create_task(keeper.run(), name=f"media worker {keeper.worker.number}")

    async def close(self) -> None:
        """Let them go; `run` has been canceled, or no call stands any more."""
        await asyncio.gather(*(keeper.close() for keeper in self._keepers))


class _Keeper:
    """Of one worker."""

    def __init__(self, number: int, place: Place) -> None:
        self._place = place
        ports = range(place.port_min, place.port_max + 1)
        self.worker = MediaWorker(number, len(ports) // PORTS_OF_A_CALL, self._on_fault)
        self._process: Process | None = None
        self._link: MediaLink | None = None
        self._closing = False

    async def start(self) -> None:
        """Raises OSError or MediaRefused: it has not come up."""
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with theirs:
            fd = theirs.fileno()
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "media.worker", str(fd)),
                stdin=DEVNULL,
                pass_fds=(fd,),
            )
        self._link = link = MediaLink(self.worker.take, self.worker.lost)
        await loop.create_unix_connection(lambda: link, sock=ours)
        try:
            await _settled(self.worker.begin(link.send, self._place), START_S)
        except TimeoutError:
            raise MediaRefused(503, "it says nothing") from None
        log.info(
            "media worker started",
            extra={
                "worker": self.worker.number,
                "pid": self._process.pid,
                "ports": f"{self._place.port_min}-{self._place.port_max}",
            },
        )

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        wait_s = RESTART_MIN_S
        while True:
            began = loop.time()
            await self._watch()
            if self._closing:
                return
            if loop.time() - began > STABLE_S:
                wait_s = RESTART_MIN_S
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, RESTART_MAX_S)
            self.worker.restarts += 1
            try:
                await self.start()
            except (OSError, MediaRefused) as error:
                log.error(
                    "media worker not started",
                    extra={"worker": self.worker.number, "reason": str(error)},
                )

    async def close(self) -> None:
        self._closing = True
        process = self._process
        if self._link is not None:
            self._link.close()
        if process is None:
            return
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            await self._kill(process)

    async def _watch(self) -> None:
        """Until it is dead; one that says nothing any more is killed."""
        process = self._process
        if process is None:
            return
        calls = 0
        ended = asyncio.ensure_future(process.wait())
        try:
            pong: Reply[Pong] | None = None
            silent = 0
            while not ended.done():
                calls = len(self.worker.sessions) or calls
                if pong is None or pong.settled:
                    pong, silent = self.worker.ping(), 0
                else:
                    silent += 1
                if silent > SILENT_PINGS_MAX:
                    log.error("media worker silent", extra={"worker": self.worker.number})
                    process.kill()
                await asyncio.wait([ended], timeout=PING_S)
        finally:
            ended.cancel()
        if self._link is not None:
            self._link.close()
        if not self._closing:
            log.error(
                "media worker lost",
                extra={
                    "worker": self.worker.number,
                    "calls": self.worker.calls_lost,
                    "exit_code": process.returncode,
                },
            )

    async def _kill(self, process: Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    def _on_fault(self, text: str) -> None:
        log.error("media worker broke", extra={"worker": self.worker.number, "traceback": text})


def places_of(config: Config) -> list[Place]:
    """Each worker's part of the ports; not more workers than there may be calls."""
    media, sip = config.media, config.sip
    least = media.port_min + media.port_min % 2
    calls = (media.port_max + 1 - least) // PORTS_OF_A_CALL
    workers = min(media.workers or len(os.sched_getaffinity(0)), calls)
    share, rest = divmod(calls, workers)
    host = media.host or sip.host
    told = media.public_host or sip.public_host
    stun = (media.stun.host, media.stun.port)
    turn = (
        media.turn.host,
        media.turn.port,
        media.turn.username,
        media.turn.password,
        media.turn.transport,
    )
    browsers = config.phone.enabled or bool(sip.websocket_port)
    places = []
    for number in range(workers):
        most = least + PORTS_OF_A_CALL * (share + (number < rest)) - 1
        places.append(Place(host, told, least, most, SILENCE_S, stun, turn, browsers))
        least = most + 1
    return places


async def _settled(reply: Reply[Pong], within_s: float) -> Pong:
    """Raises MediaRefused: it was refused. Raises TimeoutError."""
    if not reply.settled:
        settled = asyncio.Event()
        reply.on_settled = settled.set
        async with asyncio.timeout(within_s):
            await settled.wait()
    return reply.result()
