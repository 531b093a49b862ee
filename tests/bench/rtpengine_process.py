"""Debian's rtpengine as the bench wants it: in userspace, one thread for packets."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from gateway.ng.bencode import Value, Writable, decode, encode
from media import sdp
from tests.bench.media_calls import HOST, CallEnds, described
from tests.bench.system import BenchError
from tests.interop.peers import program

PORT_MIN, PORT_MAX = 50_000, 59_999
ENCODING_NAMES = {0: "PCMU", 8: "PCMA"}
ANSWER_S = 5.0
START_S = 10.0
PASSED: dict[str, Writable] = {
    "flags": ["trust-address"],
    "replace": ["origin", "session-connection"],
    "ICE": "remove",
    "transport-protocol": "RTP/AVP",
}


class RtpengineProcess:
    """Runs while its context is entered."""

    def __init__(self) -> None:
        self._asked = 0
        self._calls: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        port = free_port()
        self._socket.connect((HOST, port))
        self._process = subprocess.Popen(
            [
                *(program("rtpengine"), "--config-file=none", "--table=-1", "--foreground"),
                *("--log-stderr", "--log-level=2", f"--interface={HOST}"),
                *(f"--listen-ng={HOST}:{port}", "--num-threads=1", "--timeout=3600"),
                *(f"--port-min={PORT_MIN}", f"--port-max={PORT_MAX}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        self._socket.settimeout(0.1)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.ask({"command": "ping"})
            except OSError:
                time.sleep(0.1)
            else:
                self._socket.settimeout(ANSWER_S)
                return self
        self._end()
        raise BenchError("rtpengine does not start")

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._socket.close()

    def set_up(self, calls: Sequence[CallEnds]) -> tuple[tuple[int, int], ...]:
        """Instead of those that there are: where the ends of each send to."""
        for call_id in self._calls:
            self.ask({"command": "delete", "call-id": call_id, "from-tag": "a", "delete-delay": 0})
        self._calls = [f"{self._asked}-{number}" for number in range(len(calls))]
        return tuple([self._opened(*pair) for pair in zip(self._calls, calls, strict=True)])

    def _opened(self, call_id: str, call: CallEnds) -> tuple[int, int]:
        first, second = call.payload_types
        who: dict[str, Writable] = {"call-id": call_id, "from-tag": "a"}
        offer: dict[str, Writable] = {
            **{"command": "offer", "sdp": described(call.ports[0], first)},
            **who,
            **PASSED,
        }
        if first != second:
            codec = {"mask": [ENCODING_NAMES[first]], "transcode": [ENCODING_NAMES[second]]}
            offer["codec"] = codec
        answer: dict[str, Writable] = {
            **{"command": "answer", "to-tag": "b", "sdp": described(call.ports[1], second)},
            **who,
            **PASSED,
        }
        offered = self.told(offer)
        answered = self.told(answer)
        return port_of(answered), port_of(offered)

    def told(self, command: Mapping[str, Writable]) -> bytes:
        """The description that it replies with."""
        reply = self.ask(command)
        found = reply.get("sdp")
        if not isinstance(found, bytes):
            raise BenchError(f"rtpengine refuses a call: {reply.get('error-reason')!r}")
        return found

    def ask(self, command: Mapping[str, Writable]) -> dict[str, Value]:
        self._asked += 1
        cookie = b"%d" % self._asked
        self._socket.send(cookie + b" " + encode(command))
        while True:
            said, _, body = self._socket.recv(65_535).partition(b" ")
            if said == cookie:
                reply = decode(body)
                assert isinstance(reply, dict)
                return reply


def port_of(description: bytes) -> int:
    return sdp.parse(description).media[0].port


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((HOST, 0))
        port: int = one.getsockname()[1]
        return port
