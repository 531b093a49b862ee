"""Starts gateways quickly: imports once, and forks each. One serves all tests of a pytest process.

`python nursery.py FD` does for each packet at the socket FD what `supernet ARGUMENT…` does, in a
process of its own. A packet is JSON, the directory and then the arguments, and brings two pipes:
the first is the process's output, and into the second goes its exit code, once it has ended; that
of a signal is negative. The answer is the process's id. Before all, it says its own: it is ready.
Nothing outlives the socket.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from selectors import EVENT_READ, DefaultSelector

import gateway.daemon  # noqa: F401 - `supernet run` imports it when it runs.
from gateway.cli import main

PACKET_MAX = 1 << 16
PIPES = 2
FIRST_OF_OTHERS = 3


def nurse(orders: socket.socket) -> None:
    """Until nobody is at the other end."""
    gc.freeze()  # What is imported is shared with those who are born.
    # By the descriptor of its process, each one's id and where its exit code goes.
    living: dict[int, tuple[int, int]] = {}
    orders.send(str(os.getpid()).encode())
    with DefaultSelector() as selector:
        selector.register(orders, EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is orders:
                    packet, pipes, _, _ = socket.recv_fds(orders, PACKET_MAX, PIPES)
                    if not packet:
                        for pid, _ in living.values():
                            os.kill(pid, signal.SIGKILL)
                        return
                    pid = bear(json.loads(packet), pipes[0])
                    orders.send(str(pid).encode())
                    os.close(pipes[0])
                    process = os.pidfd_open(pid)
                    living[process] = pid, pipes[1]
                    selector.register(process, EVENT_READ)
                else:
                    selector.unregister(key.fd)
                    bury(key.fd, *living.pop(key.fd))


def bear(order: Sequence[str], output: int) -> int:
    pid = os.fork()
    if not pid:
        os._exit(live(*order, output=output))
    return pid


def live(directory: str, *arguments: str, output: int) -> int:
    os.chdir(directory)
    for number, own in enumerate((os.open(os.devnull, os.O_RDONLY), output, output)):
        os.dup2(own, number)
    os.closerange(FIRST_OF_OTHERS, os.sysconf("SC_OPEN_MAX"))
    try:
        return main(arguments)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def bury(process: int, pid: int, told: int) -> None:
    _, status = os.waitpid(pid, 0)
    os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
    os.close(told)
    os.close(process)


if __name__ == "__main__":
    nurse(socket.socket(fileno=int(sys.argv[1])))
