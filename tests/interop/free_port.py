"""A port of loopback for a server that cannot be asked which one it took."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import ExitStack, suppress

from tests.e2e.patience import until

FIRST_PORT = 30_000
FIRST_EPHEMERAL_PORT = 32_768


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def free_udp_port() -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


async def bound_udp(port: int) -> None:
    """Until somebody has this port of UDP."""

    async def is_taken() -> bool:
        with socket.socket(type=socket.SOCK_DGRAM) as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                return True
        return False

    await until(is_taken)


async def listened_to(port: int) -> None:
    """Until somebody listens there."""

    async def connects() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            return False
        writer.close()
        return True

    await until(connects)


def free_udp_block(ports: int) -> int:
    """The first of so many in a row, an even one; below those that the kernel gives out itself."""
    for least in range(FIRST_PORT + os.getpid() % 500 * 2, FIRST_EPHEMERAL_PORT - ports, 2):
        with ExitStack() as stack, suppress(OSError):
            for port in range(least, least + ports):
                listener = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
                listener.bind(("127.0.0.1", port))
            return least
    raise AssertionError(f"no {ports} ports in a row are free")
