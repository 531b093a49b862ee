"""The daemon: builds the gateway from its configuration, serves, and drains when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import uvloop

from gateway.admin.app import create_app as create_admin_app
from gateway.admin.undelivered import undelivered_routes
from gateway.clock import Clock, system_clock
from gateway.config import Config, accounts_cache, read_plan
from gateway.daemon import logs
from gateway.daemon.assembly import WORKSHOP, Gateway
from gateway.daemon.reloading import Reloading
from gateway.daemon.routing_memory import RoutingMemory
from gateway.errors import GatewayError
from gateway.ingress.rest.app import create_app
from gateway.ingress.rest.dependencies import RestDependencies
from gateway.ingress.rest.gate import Gate
from gateway.ingress.rest.message_post import MessagePosts
from gateway.ingress.rest.server import RestServer
from gateway.net.errors import ListenError, TlsError
from gateway.net.network import TcpNetwork
from gateway.store.call_store import CallLimits, CallStore
from gateway.store.limits import StoreLimits
from gateway.store.sqlite import SqliteStore
from gateway.streams.event_streams import segment_archive, stream_wanted
from gateway.webhooks.client import WebhookClient

log = logging.getLogger(__name__)

# A writer thread waits for the interpreter lock up to one switch interval, twice a commit.
SWITCH_INTERVAL_S = 0.0005
# Little that a message leaves behind is in a cycle, so the collector need not look at what is old.
# It looks at what is young in small portions: the event loop stands still meanwhile.
GC_THRESHOLDS = (2_000, 10, 1_000)
EXIT_FAULT = 1
DESCRIPTORS = 65_536
# What customers wrote is for the daemon's user and group only.
UMASK = 0o027


def run(config: Config, on_ready: Callable[[], None] = lambda: None) -> int:
    """Run the gateway until SIGTERM or SIGINT; the exit code of the process. SIGHUP has it read
    its configuration again.

    `on_ready` is called once it takes messages.

    Raises:
        GatewayError: it cannot start; one line says why.
    """
    logs.set_up(config.log)
    os.umask(UMASK)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    allow_descriptors()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(serve(config, on_ready))
    except (ListenError, TlsError) as error:
        raise GatewayError(str(error)) from None


def allow_descriptors() -> None:
    """A thousand webhooks and as many ESMEs do not fit the usual soft limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def serve(config: Config, on_ready: Callable[[], None]) -> int:
    """Start every part, lowest first, and stop them in the opposite order."""
    loop = asyncio.get_running_loop()
    clock = system_clock(loop.time)
    stop, fault, again = asyncio.Event(), asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, again.set)

    def on_fault() -> None:
        fault.set()
        stop.set()

    plan = read_plan(config.numbering_plan)
    store = open_store(config, clock, on_fault)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        accounts_cache.keep(Path(config.store.directory), config.accounts_key, config.accounts)
        poster = await stack.enter_async_context(
            WebhookClient(
                config.callbacks.allow_private_destinations,
                connect_timeout_s=config.callbacks.connect_timeout_s,
                response_timeout_s=config.callbacks.response_timeout_s,
            )
        )
        calls = open_calls(config, clock, on_fault) if config.sip.enabled else None
        if calls is not None:
            stack.push_async_callback(calls.close)
        gateway = Gateway(config, plan, store, TcpNetwork(), clock, Random(), poster, calls)
        stack.push_async_callback(gateway.close)
        memory = RoutingMemory(
            Path(config.store.directory), gateway.router, gateway.routing_alarms, clock
        )
        memory.restore()
        await gateway.smpp_server.start()
        if gateway.voice is not None:
            await gateway.voice.start()
        rest = rest_server(config, gateway, store, clock)
        rest.bind()
        operator = RestServer(
            create_admin_app(
                gateway.readings,
                store.unmatched_receipts,
                undelivered_routes(gateway.undelivered, lambda: gateway.restored),
            ),
            config.admin.host,
            config.admin.port,
        )
        operator.bind()
        # What is asked while an earlier run's messages are read is answered at once, with 503.
        await stack.enter_async_context(operator)
        await stack.enter_async_context(rest)
        addresses = {
            "rest": f"http://{config.rest.host}:{rest.port}",
            "smpp": f"{config.smpp.host}:{gateway.smpp_server.port}",
            "admin": f"http://{config.admin.host}:{operator.port}",
        }
        if config.smpp.tls.cert_file:
            addresses["smpp_tls"] = f"{config.smpp.host}:{gateway.smpp_server.tls_port}"
        if gateway.voice is not None:
            for transport, (host, port) in gateway.voice.endpoint.addresses.items():
                addresses[f"sip_{transport.lower()}"] = f"{host}:{port}"
        log.info("gateway listens", extra=addresses)
        reloading = Reloading(config, gateway.voice, again)
        carried = carry(gateway, addresses, on_ready, memory, reloading)
        traffic = loop.create_task(carried, name="traffic")
        traffic.add_done_callback(lambda _: stop.set())
        await stop.wait()
        if fault.is_set():
            log.error("gateway stops, for its store writes no more")
        log.info("gateway drains", extra={"messages_open": gateway.messages_open})
        await gateway.drain()
        await memory.write()
        traffic.cancel()
        await asyncio.wait([traffic])
        failed = not traffic.cancelled() and traffic.exception()
        if failed:
            log.error("gateway stops by a fault of ours", exc_info=failed)
    log.info("gateway stopped")
    return EXIT_FAULT if failed or fault.is_set() else 0


def open_store(config: Config, clock: Clock, on_fault: Callable[[], None]) -> SqliteStore:
    """Raises StoreError where it cannot be opened, ConfigError where its archive cannot."""
    directory = Path(config.store.directory)
    archive = segment_archive(config.events, directory / WORKSHOP)
    return SqliteStore(
        directory,
        StoreLimits(
            free_bytes_min=config.store.free_bytes_min,
            segment_bytes=config.store.segment_bytes,
            segment_s=config.store.segment_s,
            retention_s=config.store.retention_s,
            bytes_max=config.store.bytes_max,
            key_window_s=config.store.idempotency_window_s,
            stream=stream_wanted(config.events),
        ),
        clock=clock,
        on_fault=on_fault,
        before_drop=archive.archive_segment if archive else None,
    )


def open_calls(config: Config, clock: Clock, on_fault: Callable[[], None]) -> CallStore:
    """Beside the messages, whose store holds the directory. Raises StoreError where it cannot be
    opened."""
    limits = CallLimits(config.store.call_retention_s, config.store.call_bytes_max)
    return CallStore(Path(config.store.directory), limits, clock, on_fault=on_fault)


def rest_server(config: Config, gateway: Gateway, store: SqliteStore, clock: Clock) -> RestServer:
    """The API of customers."""
    dependencies = RestDependencies(
        gateway.credentials,
        gateway.idempotency,
        store,
        gateway.live_status,
        lambda: gateway.restored,
        clock,
        gateway.admission,
        gateway.router,
        config.callbacks.allow_private_destinations,
        gateway.voice.kept.records if gateway.voice else None,
        gateway.voice.web_agent if gateway.voice else None,
        config.phone.numbers if config.phone.enabled else None,
    )
    gate = Gate(dependencies)
    return RestServer(
        create_app(dependencies, gate),
        config.rest.host,
        config.rest.port,
        trusted_proxies=",".join(config.rest.trusted_proxies),
        posts=MessagePosts(dependencies, gate),
    )


async def carry(
    gateway: Gateway,
    addresses: dict[str, str],
    on_ready: Callable[[], None],
    memory: RoutingMemory,
    reloading: Reloading,
) -> None:
    """Take up what an earlier run left, then carry traffic until canceled."""
    await gateway.restore()
    # What has been built stays; the collector need not walk it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    log.info("gateway started", extra={**addresses, "messages_open": gateway.messages_open})
    on_ready()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(memory.run(), name="routing memory")
        tasks.create_task(reloading.run(), name="reloading")
        tasks.create_task(gateway.run(), name="gateway")
