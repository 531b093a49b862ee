"""The daemon: builds the gateway from its configuration, serves, and drains when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import uvloop

from gateway.admin.app import create_app as create_admin_app
from gateway.clock import system_clock
from gateway.config import Config, read_plan
from gateway.daemon import logs
from gateway.daemon.assembly import Gateway
from gateway.errors import GatewayError
from gateway.ingress.rest.app import create_app
from gateway.ingress.rest.dependencies import RestDependencies
from gateway.ingress.rest.server import RestServer
from gateway.messaging.webhook_client import WebhookClient
from gateway.net.errors import ListenError
from gateway.net.network import TcpNetwork
from gateway.store.group_commit import StoreLimits
from gateway.store.sqlite import SqliteStore

log = logging.getLogger(__name__)

# A writer thread waits for the interpreter lock up to one switch interval, twice a commit.
SWITCH_INTERVAL_S = 0.0005
# Little that a message leaves behind is in a cycle, so the collector need not look often.
GC_THRESHOLDS = (20_000, 20, 50)
EXIT_FAULT = 1
# What customers wrote is for the daemon's user and group only.
UMASK = 0o027


def run(config: Config, on_ready: Callable[[], None] = lambda: None) -> int:
    """Run the gateway until SIGTERM, SIGINT or SIGHUP; the exit code of the process.

    `on_ready` is called once it takes messages.

    Raises:
        GatewayError: it cannot start; one line says why.
    """
    logs.set_up(config.log)
    os.umask(UMASK)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(serve(config, on_ready))
    except ListenError as error:
        raise GatewayError(str(error)) from None


async def serve(config: Config, on_ready: Callable[[], None]) -> int:
    """Start every part, lowest first, and stop them in the opposite order."""
    loop = asyncio.get_running_loop()
    clock = system_clock(loop.time)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    plan = read_plan(config.numbering_plan)
    store = SqliteStore(
        Path(config.store.directory),
        StoreLimits(free_bytes_min=config.store.free_bytes_min),
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        poster = await stack.enter_async_context(
            WebhookClient(
                config.callbacks.allow_private_destinations,
                connect_timeout_s=config.callbacks.connect_timeout_s,
                response_timeout_s=config.callbacks.response_timeout_s,
            )
        )
        gateway = Gateway(config, plan, store, TcpNetwork(), clock, Random(), poster)
        await gateway.smpp_server.start()
        rest = RestServer(
            create_app(
                RestDependencies(
                    gateway.credentials,
                    gateway.intake,
                    store,
                    gateway.live_status,
                    clock,
                    config.callbacks.allow_private_destinations,
                )
            ),
            config.rest.host,
            config.rest.port,
            trusted_proxies=",".join(config.rest.trusted_proxies),
        )
        rest.bind()
        operator = RestServer(
            create_admin_app(gateway.readings, store.unmatched_receipts),
            config.admin.host,
            config.admin.port,
        )
        operator.bind()
        gateway.restore()
        # What has been built stays; the collector need not walk it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        await stack.enter_async_context(operator)
        await stack.enter_async_context(rest)
        traffic = loop.create_task(gateway.run(), name="traffic")
        traffic.add_done_callback(lambda _: stop.set())
        log.info(
            "gateway started",
            extra={
                "rest": f"http://{config.rest.host}:{rest.port}",
                "smpp": f"{config.smpp.host}:{gateway.smpp_server.port}",
                "admin": f"http://{config.admin.host}:{operator.port}",
                "messages_open": len(gateway.journal),
            },
        )
        on_ready()
        await stop.wait()
        failed = traffic.done() and not traffic.cancelled() and traffic.exception()
        if failed:
            log.error("gateway stops by a fault of ours", exc_info=failed)
        log.info("gateway drains", extra={"messages_open": len(gateway.journal)})
        await gateway.drain()
        traffic.cancel()
        await asyncio.gather(traffic, return_exceptions=True)
    log.info("gateway stopped")
    return EXIT_FAULT if failed else 0
