"""A port of loopback for a server that cannot be asked which one it took."""

from __future__ import annotations

import asyncio
import socket

from tests.e2e.patience import until


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
