"""`python -m media.worker FD`: relay media until the socket FD is closed, of which the signalling
holds the other end. Signals are the signalling's to obey: while it drains, calls still stand."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys

import uvloop

from media.worker.control import Control

# Young garbage in small portions, since packets must not wait for long. What calls of browsers
# leave in cycles of aiortc's is found by a look over all, which some hundred calls share.
GC_THRESHOLDS = (2_000, 10, 10)


async def serve(connected: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    control = Control()
    await loop.create_unix_connection(lambda: control, sock=connected)
    await control.closed.wait()
    await control.service.closed()


def main() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    connected = socket.socket(fileno=int(sys.argv[1]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(connected))


if __name__ == "__main__":
    main()
