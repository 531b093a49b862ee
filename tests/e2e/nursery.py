"""Starts gateways quickly, for tests that kill hundreds of them: imports once, and forks each.

`python nursery.py ARGUMENT…` does for each line on its standard input what `supernet ARGUMENT…`
does, in a process of its own. It says who was born, and with which exit code it has ended: a
negative one is the number of the signal. One lives at a time.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

import gateway.daemon  # noqa: F401 - `supernet run` imports it when it runs.
from gateway.cli import main


def nurse(arguments: Sequence[str]) -> None:
    for _ in sys.stdin:
        pid = os.fork()
        if not pid:
            os._exit(live(arguments))
        say(born=pid)
        _, status = os.waitpid(pid, 0)
        say(ended=os.waitstatus_to_exitcode(status))


def live(arguments: Sequence[str]) -> int:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        return main(arguments)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def say(**words: int) -> None:
    sys.stdout.write(f"{json.dumps(words)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    nurse(sys.argv[1:])
