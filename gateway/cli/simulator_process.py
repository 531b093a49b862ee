"""The carrier simulator as a child of the demo."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from types import TracebackType

from gateway.cli.console import CommandError, complain

READY = "ready"
READY_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0
LAST_LINES_MAX = 20


class SimulatorProcess:
    """A process that prints `ready` on a line of its own, and ends on SIGTERM.

    It has a session of its own: the terminal's Ctrl-C reaches the demo alone, which drains the
    gateway while the carriers still answer, and stops them last. Its standard input ends with us,
    so that even kill -9 leaves no carriers behind.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._last_lines: deque[str] = deque(maxlen=LAST_LINES_MAX)
        self._ready = False
        self._ready_or_ended = threading.Event()
        self._stopping = False

    def __enter__(self) -> SimulatorProcess:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping = True
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            # Also when a second Ctrl-C has cut the wait short: nothing may be left behind.
            self._process.kill()
            self._process.wait()
            self._reader.join()
            assert self._process.stdin is not None
            self._process.stdin.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; below 0 the signal that ended it."""
        return self._process.returncode

    def wait_ended(self) -> None:
        """Returns once it has ended and all that it said has been taken."""
        self._reader.join()

    def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Returns once the simulator listens.

        Raises:
            CommandError: it has ended instead, or has not become ready in time.
        """
        self._ready_or_ended.wait(timeout_s)
        if self._ready:
            return
        if not self._ready_or_ended.is_set():
            raise CommandError(f"the carrier simulator was not ready within {timeout_s:g} s")
        said = f": {self._last_lines[-1]}" if self._last_lines else ""
        code = self._process.wait()
        raise CommandError(f"the carrier simulator ended with exit code {code}{said}")

    def _read(self) -> None:
        """Takes what the child says until it ends, so that it never waits for a reader."""
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                if self._ready:
                    sys.stderr.write(line)
                elif line.strip() == READY:
                    self._ready = True
                    self._ready_or_ended.set()
                elif line.strip():
                    self._last_lines.append(line.strip())
        self._ready_or_ended.set()
        if self._ready and not self._stopping:
            complain("the carrier simulator has ended; the demo's carriers are gone")
