"""Jasmin's telnet console (jCli), by which alone it gets its users, connectors and routes."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tests.bench.system import BenchError

ADMIN, ADMIN_PASSWORD = "jcliadmin", "jclipwd"
PROMPT = b"jcli : "
ANSWER_S = 20.0


class JasminConsole:
    """Logged in, while the context is entered."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket

    def __enter__(self) -> Self:
        self._socket = socket.create_connection(("127.0.0.1", self._port), ANSWER_S)
        self._wait(b"required.")
        self._type(ADMIN, b"Password:")
        self._type(ADMIN_PASSWORD, PROMPT)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()

    def run(self, command: str) -> str:
        """A command that is one line."""
        return self._type(command, PROMPT)

    def add(self, command: str, values: Sequence[str]) -> None:
        """A command that asks for values, one a line.

        Raises:
            BenchError: it does not take them.
        """
        for line in (command, *values):
            self._type(line, b"> ")
        answer = self._type("ok", PROMPT)
        if "uccess" not in answer:
            raise BenchError(f"jCli refuses {command}: {answer}")

    def _type(self, line: str, until: bytes) -> str:
        self._socket.sendall(f"{line}\r\n".encode())
        return self._wait(until)

    def _wait(self, until: bytes) -> str:
        """What it says, until it says that."""
        said = b""
        while until not in said:
            octets = self._socket.recv(65_536)
            if not octets:
                raise BenchError(f"jCli hung up: {said!r}")
            said += octets
        return said.decode("latin-1")
