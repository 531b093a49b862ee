"""From names to addresses that may be called."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address
from typing import Any

from gateway.webhooks.destination import is_public

# Lookups block a thread each, and a dead zone blocks it for long; the loop's own threads are few.
# They are made as they are needed.
DNS_THREADS_MAX = 256
# What was found is used for so long. When so many names are remembered, all are forgotten.
DNS_CACHE_S = 30.0
NAMES_MAX = 4_096

# The shape of `socket.getaddrinfo`.
AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]
Lookup = Callable[..., Sequence[AddressInfo]]


class ForbiddenAddressError(OSError):
    """A name leads to no public address."""


class GuardedResolver:
    """Resolves names, and hands out only addresses that may be called.

    The client connects to exactly these addresses, so that nothing is looked up twice. (It asks
    nobody about an address; `parse_destination` has judged those.)
    """

    def __init__(self, allow_private: bool, lookup: Lookup = socket.getaddrinfo) -> None:
        self._allow_private = allow_private
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(DNS_THREADS_MAX, thread_name_prefix="webhook-dns")
        self._found: dict[tuple[str, int], tuple[float, list[AddressInfo]]] = {}
        # Those who ask for the same name at the same time wait for one lookup.
        self._under_way: dict[tuple[str, int], asyncio.Task[list[AddressInfo]]] = {}

    async def addresses(self, host: str, port: int) -> list[AddressInfo]:
        """The addresses of a host, as they were found a short while ago or are now.

        Raises:
            ForbiddenAddressError: none of them may be called.
            OSError: the name cannot be resolved.
        """
        key = host, port
        now = asyncio.get_running_loop().time()
        known = self._found.get(key)
        if known is not None and now < known[0] + DNS_CACHE_S:
            return known[1]
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self.resolve(host, port))
            task.add_done_callback(partial(self._resolved, key))
        return await asyncio.shield(task)

    async def resolve(self, host: str, port: int = 0) -> list[AddressInfo]:
        """Look them up now. Errors as above."""
        lookup = partial(self._lookup, host, port, family=socket.AF_UNSPEC, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, lookup)
        allowed = [
            each for each in found if self._allow_private or is_public(ip_address(each[4][0]))
        ]
        if not allowed:
            raise ForbiddenAddressError("the name leads to a private address")
        return allowed

    def forget(self, host: str, port: int) -> None:
        """Nobody answers there: look it up anew."""
        self._found.pop((host, port), None)

    def close(self) -> None:
        for task in self._under_way.values():
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _resolved(self, key: tuple[str, int], task: asyncio.Task[list[AddressInfo]]) -> None:
        del self._under_way[key]
        # Asked for even where all who waited for it have gone, so that it is not reported as lost.
        if task.cancelled() or task.exception():
            return
        if len(self._found) >= NAMES_MAX:
            self._found.clear()
        self._found[key] = task.get_loop().time(), task.result()
