"""Debian's rtpengine-daemon in userspace, on ports of loopback."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.process import ChildProcess
from tests.interop.free_port import bound_udp, free_udp_block, free_udp_port
from tests.interop.peers import program

LOOPBACK = "127.0.0.1"
PORTS = 64


class Rtpengine(ChildProcess):
    """`async with Rtpengine(directory)`; after `kill` it may be started again, and knows nothing
    then. Calls get ports from a block of so many."""

    def __init__(self, directory: Path, ports: int = PORTS, options: tuple[str, ...] = ()) -> None:
        self.port = free_udp_port()
        least = free_udp_block(ports)
        super().__init__(
            *(program("rtpengine"), "--config-file=none", "--table=-1", "--foreground"),
            *("--log-stderr", "--log-level=5", f"--interface={LOOPBACK}"),
            *(f"--listen-ng={LOOPBACK}:{self.port}", "--num-threads=1"),
            *(f"--port-min={least}", f"--port-max={least + ports - 1}", *options),
            directory=directory,
        )

    async def start(self) -> None:
        await super().start()
        await bound_udp(self.port)


def tables_of(*servers: Rtpengine) -> str:
    """What [media] of a gateway that relays through them ends with."""
    tables = [
        f'[[media.rtpengine]]\nhost = "{LOOPBACK}"\nport = {server.port}\n' for server in servers
    ]
    return "".join(tables)
