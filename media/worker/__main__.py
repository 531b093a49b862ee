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

# Packets must not wait for a long look. All of a worker is looked over about once in a thousand
# calls of browsers, which leave some 10 KB each in cycles of aiortc's; others leave none.
GC_THRESHOLDS = (2_000, 10, 100)


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
