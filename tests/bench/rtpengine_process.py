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
from tests.bench.media_calls import HOST, Agreed, CallEnds
from tests.bench.system import BenchError
from tests.interop.peers import program

PORT_MIN, PORT_MAX = 50_000, 59_999
ENCODING_NAMES = {0: "PCMU", 8: "PCMA"}
ANSWER_S = 5.0
START_S = 10.0
PASSED: dict[str, Writable] = {
    "flags": ["trust-address"],
    "replace": ["origin", "session-connection"],
}
TO_PHONE: dict[str, Writable] = {
    "ICE": "remove",
    "DTLS": "off",
    "SDES": ["off"],
    "rtcp-mux": ["demux"],
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

    def set_up(self, calls: Sequence[CallEnds], *, alone: bool = False) -> tuple[Agreed, ...]:
        """Beside those that there are, or, `alone`, instead of them."""
        if alone:
            for call_id in self._calls:
                self.ask({"command": "delete", "call-id": call_id, "delete-delay": 0})
            self._calls = []
        return tuple([self._opened(f"{self._asked}-{call.ports[1]}", call) for call in calls])

    def _opened(self, call_id: str, call: CallEnds) -> Agreed:
        self._calls.append(call_id)
        offer, answer = call.descriptions
        who: dict[str, Writable] = {"call-id": call_id, "from-tag": "a", **PASSED}
        codec: dict[str, Writable] = {}
        if call.offer:
            codec = {"mask": ["opus"], "transcode": ["PCMU"]} if "opus/" in call.offer else {}
        elif call.payload_types[0] != call.payload_types[1]:
            first, second = [ENCODING_NAMES[each] for each in call.payload_types]
            codec = {"mask": [first], "transcode": [second]}
        offered = self.told({"command": "offer", "sdp": offer, "codec": codec, **TO_PHONE, **who})
        ice = "force" if call.offer else "remove"
        answered = self.told({"command": "answer", "to-tag": "b", "sdp": answer, "ICE": ice, **who})
        return Agreed((port_of(answered), port_of(offered)), answered.decode())

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
