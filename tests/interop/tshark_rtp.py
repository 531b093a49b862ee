"""tshark on loopback: the RTP of whole calls, and what its stream analysis says of it."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from tests.e2e.process import ChildProcess, outcome
from tests.interop.peers import program

AS_RTP = ("--enable-heuristic", "rtp_udp")
# Of its table of streams.
ROW = re.compile(
    r"(?:\s+[\d.]+){2}\s+\S+\s+(?P<source>\d+)\s+\S+\s+(?P<destination>\d+)\s+0x\S+\s+\S.*?"
    r"\s+(?P<packets>\d+)\s+(?P<lost>-?\d+) \([^)]+\)(?:\s+[\d.]+){2}\s+(?P<max_delta>[\d.]+)"
)
HEX = re.compile("(?:[0-9a-f]{2})+")


class NoPrivilege(Exception):
    """Nobody may listen to an interface here."""


class RtpStream(NamedTuple):
    """What went from one port to another by one SSRC."""

    source: int
    destination: int
    packets: int
    lost: int
    max_delta_ms: float


class RtpCapture(ChildProcess):
    """`async with RtpCapture(directory, ports) as capture`; behind it, `await capture.streams()`.

    Of what goes to these ports or comes from there.

    Raises:
        PeerMissing: there is no tshark here.
        NoPrivilege: it may not listen.
    """

    def __init__(self, directory: Path, ports: Iterable[int]) -> None:
        self._file = directory / "calls.pcapng"
        wanted = " or ".join(f"udp port {port}" for port in ports)
        command = (program("tshark"), "-i", "lo", "-f", wanted, "-w", str(self._file))
        super().__init__(*command, directory=directory)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        try:
            await self.line(lambda line: "Capture started" in line)
        except AssertionError:
            raise NoPrivilege(f"tshark may not listen: {self.said}") from None
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.running:
            self.send_signal(signal.SIGINT)
            await self.ended()
        await super().__aexit__(exc_type, exc, traceback)

    async def streams(self) -> list[RtpStream]:
        lines = await self._analysed("-q", "-z", "rtp,streams")
        return [_stream(found) for line in lines if (found := ROW.match(line))]

    async def payload(self, destination: int) -> bytes:
        """Of all RTP to that port, in the order in which it came."""
        wanted = f"rtp && udp.dstport == {destination}"
        lines = await self._analysed("-Y", wanted, "-T", "fields", "-e", "rtp.payload")
        return b"".join(bytes.fromhex(line) for line in lines if HEX.fullmatch(line))

    async def _analysed(self, *how: str) -> list[str]:
        code, lines = await outcome(
            program("tshark"), "-r", str(self._file), *AS_RTP, *how, directory=self.directory
        )
        assert code == 0, lines
        return lines


def _stream(row: re.Match[str]) -> RtpStream:
    source, destination, packets, lost = (
        int(row[name]) for name in ("source", "destination", "packets", "lost")
    )
    return RtpStream(source, destination, packets, lost, float(row["max_delta"]))
