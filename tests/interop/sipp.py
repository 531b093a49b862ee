"""SIPp as a customer or as a carrier, in the scenarios that stand in `sipp/`."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from tests.e2e.process import ChildProcess
from tests.interop.free_port import bound_udp, free_udp_port
from tests.interop.peers import program

SCENARIOS = Path(__file__).with_name("sipp")
LOOPBACK = "127.0.0.1"
# Above each message in its log.
MESSAGE = re.compile(rb"^UDP message (?P<way>sent|received) [(\[](?P<length>\d+)[^\n]*\n\n", re.M)
CALLER, CALLED = "+15005550006", "+15005551234"


class Sipp(ChildProcess):
    """`async with Sipp("uac_call", directory, port) as customer`; then `customer.succeeded()`.

    A scenario of a carrier (`uas_…`) has no port to go to; it ends after `calls`. `words` of the
    scenario are put in before it is read, where SIPp has no variable. `options` are SIPp's own.
    It speaks from `port`, or from one that is free.
    """

    def __init__(
        self,
        scenario: str,
        directory: Path,
        to_port: int | None = None,
        calls: int = 1,
        called: str = CALLED,
        caller: str = CALLER,
        pause_ms: int = 300,
        transport: str = "u1",
        words: Mapping[str, str] | None = None,
        options: tuple[str, ...] = (),
        is_traced: bool = True,
        port: int | None = None,
    ) -> None:
        self.port = port or free_udp_port()
        self.media_port = free_udp_port()
        self._calls = calls
        text = (SCENARIOS / f"{scenario}.xml").read_text()
        for word, value in (words or {}).items():
            text = text.replace(word, value)
        here = directory / f"{scenario}-{self.port}"
        here.mkdir()
        (here / "scenario.xml").write_text(text)
        command = [
            *(program("sipp"), "-sf", "scenario.xml", "-i", LOOPBACK, "-p", str(self.port)),
            *(
                "-mi",
                LOOPBACK,
                "-mp",
                str(self.media_port),
                "-m",
                str(calls),
                "-d",
                str(pause_ms),
                "-s",
                called,
                "-key",
                "caller",
                caller,
            ),
            *("-t", transport, "-nostdin", "-timeout", "50s"),
            *(("-trace_err", "-trace_msg") if is_traced else ()),
            *("-default_behaviors", "all,-bye,-abortunexp", *options),
        ]
        if to_port is not None:
            command.append(f"{LOOPBACK}:{to_port}")
        super().__init__(*command, directory=here)
        self._is_server = to_port is None

    async def start(self) -> None:
        await super().start()
        if self._is_server:
            await bound_udp(self.port)

    async def succeeded(self) -> bool:
        """Once it has ended: whether each call went as the scenario says."""
        return await self.ended() == 0

    async def failures(self) -> int:
        """Once it has ended: how many calls did not go as the scenario says."""
        await self.ended()
        counts = [line for line in self.said if line.strip().startswith("Successful call")]
        return self._calls - (int(counts[-1].rpartition("|")[2]) if counts else 0)

    @property
    def errors(self) -> str:
        """What it found wrong."""
        return "".join(path.read_text() for path in self.directory.glob("*_errors.log"))

    @property
    def messages(self) -> str:
        """All that passed, as it saw it."""
        return "".join(path.read_text() for path in self.directory.glob("*_messages.log"))

    @property
    def datagrams(self) -> list[tuple[bool, bytes]]:
        """All that passed over UDP, octet by octet, and whether it was the one that sent it."""
        found = []
        for path in self.directory.glob("*_messages.log"):
            octets = path.read_bytes()
            for match in MESSAGE.finditer(octets):
                end = match.end() + int(match["length"])
                found.append((match["way"] == b"sent", octets[match.end() : end]))
        return found

    def count_of(self, begins: str) -> Callable[[], Awaitable[int]]:
        """Asks how many lines that it has said or heard begin so."""

        async def count() -> int:
            return self.messages.count(f"\n{begins}")

        return count
