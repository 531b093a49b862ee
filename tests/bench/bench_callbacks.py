"""`python -m tests.bench.bench_callbacks`: what a status callback costs us, in CPU µs of the event
loop's thread: the client alone, and the whole way from the event to the record of its answer. The
server, which answers at once, is a thread with a loop of its own, and not in the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import threading
import time
from typing import cast

import uvloop

from gateway.clock import system_clock
from gateway.messaging.callbacks import Callbacks
from gateway.messaging.journal import event_of
from gateway.messaging.webhooks import Webhooks, WebhookSettings
from gateway.webhooks.client import WebhookClient
from gateway.webhooks.destination import parse_destination
from gateway.webhooks.request import signed_request
from tests.messaging.webhook_world import (
    MemoryStore,
    a_message,
    a_transition,
    accounts_of,
    an_account,
)

AT_ONCE = 32
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Server(asyncio.Protocol):
    """Answers each POST; a request comes whole, and its length is stated."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's, but in what they do.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER * data.count(b"POST /"))


def main() -> int:
    top = argparse.ArgumentParser(description=__doc__)
    top.add_argument("--requests", type=int, default=4_000)
    top.add_argument("--repeats", type=int, default=5)
    arguments = top.parse_args()
    url = serve()
    for name, measure in (("client", client_alone), ("whole way", whole_way)):
        least_us = min(
            uvloop.run(measure(url, arguments.requests)) for _ in range(arguments.repeats)
        )
        sys.stdout.write(f"{name:<10} {least_us:>8.1f} µs a callback\n")
    return 0


def serve() -> str:
    """In a thread that ends with the process; its URL."""
    ports: list[int] = []
    ready = threading.Event()

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()
        await server.serve_forever()

    threading.Thread(target=lambda: uvloop.run(run()), daemon=True).start()
    ready.wait()
    return f"http://127.0.0.1:{ports[0]}/status"


async def client_alone(url: str, requests: int) -> float:
    destination = parse_destination(url, allow_private=True)
    request = signed_request(destination, "POST", [("MessageStatus", "sent")], "token", "SM1-1")
    async with WebhookClient(allow_private=True) as client:

        async def ask(count: int) -> None:
            for _ in range(count):
                await client.post(request)

        await asyncio.gather(*(ask(2) for _ in range(AT_ONCE)))
        begun = time.thread_time()
        await asyncio.gather(*(ask(requests // AT_ONCE) for _ in range(AT_ONCE)))
        return (time.thread_time() - begun) / requests * 1e6


async def whole_way(url: str, requests: int) -> float:
    clock = system_clock(asyncio.get_running_loop().time)
    store = MemoryStore()
    events = []
    for number in range(1, requests + 1):
        message = a_message(number, status_callback=url)
        events.append(event_of(message, a_transition(message)))
    async with WebhookClient(allow_private=True) as client:
        settings = WebhookSettings(allow_private=True)
        webhooks = Webhooks(store, client, clock, random.Random(1), settings)
        callbacks = Callbacks(webhooks, accounts_of(an_account()), lambda code: "")
        running = asyncio.create_task(webhooks.run())
        begun = time.thread_time()
        for place in range(0, requests, AT_ONCE):
            for event in events[place : place + AT_ONCE]:
                callbacks.on_event(event)
            while len(store.notified) < min(place + AT_ONCE, requests):
                store.grown.clear()
                await store.grown.wait()
        spent = time.thread_time() - begun
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return spent / requests * 1e6


if __name__ == "__main__":
    sys.exit(main())
