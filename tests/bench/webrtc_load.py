"""Calls between browsers and phones, in a process of its own: the browsers are aiortc's, with ICE,
DTLS and SRTP, but without its tracks, whose cost would be far above that of what is measured.

What they send is made beforehand; both ends of each call send 50 packets a second, evenly spread,
and what comes back is counted.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from typing import Any

import aioice.ice
import msgspec
import uvloop
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)

from tests.bench.json_child import serve
from tests.bench.rtp_load import (
    HOST,
    PACKETS_PER_SECOND,
    REST_S,
    SOCKETS_OF_A_SIDE,
    RtpRound,
    bound_socket,
)
from tests.bench.speech import opus_frames, pcmu_frames
from tests.bench.system import BenchError

CONNECT_S = 20.0
TICK_S = 1 / PACKETS_PER_SECOND
_HEAD = struct.Struct("!BBHII")
# Of a packet's time, by the clock of its codec (RFC 7587 §4.1).
TICKS = {"PCMU": 160, "opus": 960}


class WebRtcOrder(msgspec.Struct, frozen=True):
    """One of three: make so many browsers, `calls`, of this `codec`; give the last made their
    `answers`, and the phones the `ports` of the system that they call through; or send and count
    for `seconds`, by the calls that were made as the `group`th."""

    calls: int = 0
    codec: str = "PCMU"
    answers: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    group: int = 0
    seconds: float = 0.0


class WebRtcReply(msgspec.Struct, frozen=True):
    """What the browsers offer, and where the phones want their media."""

    offers: tuple[str, ...] = ()
    phones: tuple[int, ...] = ()
    round: RtpRound = RtpRound(((), ()))


class Never(MediaStreamTrack):
    """A track that has nothing: packets are sent beside it."""

    kind = "audio"

    async def recv(self) -> Any:
        await asyncio.get_running_loop().create_future()


class Call:
    """One browser; `port` is where its phone sends to."""

    def __init__(self, codec: str, phone: socket.socket) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.codec = codec
        self.phone = phone
        self.port = 0
        self.received = 0
        self.sequence = 0
        self.pc.addTrack(Never())
        known = RTCRtpSender.getCapabilities("audio").codecs
        (self._transceiver,) = self.pc.getTransceivers()
        self._transceiver.setCodecPreferences(
            [one for one in known if one.mimeType.lower() == f"audio/{codec}".lower()]
        )
        self.dtls: Any = None
        self.payload_type: int | None = 0
        self.ssrc = 0

    async def offer(self) -> str:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return str(self.pc.localDescription.sdp)

    async def connect(self, answer: str, port: int) -> None:
        self.port = port
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        deadline = time.monotonic() + CONNECT_S
        while self.pc.connectionState != "connected":
            if self.pc.connectionState == "failed" or time.monotonic() > deadline:
                raise BenchError(f"a browser is {self.pc.connectionState}")
            await asyncio.sleep(0.02)
        sender: Any = self._transceiver.sender
        self.dtls = sender.transport
        self.dtls._handle_rtp_data = self._count
        self.payload_type = self._transceiver._codecs[0].payloadType
        self.ssrc = sender._ssrc

    async def _count(self, data: bytes, arrival_time_ms: int) -> None:
        self.received += 1


class WebRtcLoad:
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._groups: list[list[Call]] = []
        self._phones = [bound_socket() for _ in range(SOCKETS_OF_A_SIDE)]
        self._heard = 0
        for phone in self._phones:
            self._loop.add_reader(phone.fileno(), self._hear, phone)
        self._payloads = {"PCMU": pcmu_frames(), "opus": opus_frames()}

    async def take(self, order: WebRtcOrder) -> WebRtcReply:
        if order.calls:
            made = [
                Call(order.codec, self._phones[number % SOCKETS_OF_A_SIDE])
                for number in range(order.calls)
            ]
            self._groups.append(made)
            offers = [await call.offer() for call in made]
            phones = [call.phone.getsockname()[1] for call in made]
            return WebRtcReply(tuple(offers), tuple(phones))
        if order.answers:
            pairs = zip(self._groups[-1], order.answers, order.ports, strict=True)
            await asyncio.gather(*[call.connect(answer, port) for call, answer, port in pairs])
            return WebRtcReply()
        return WebRtcReply(round=await self._run(self._groups[order.group], order.seconds))

    async def _run(self, calls: list[Call], seconds: float) -> RtpRound:
        self._heard = 0
        for call in calls:
            call.received = 0
        sent, late_s = 0, 0.0
        begin = time.monotonic()
        for number in range(round(seconds * PACKETS_PER_SECOND)):
            for at, call in enumerate(calls):
                due = begin + (number + at / len(calls)) * TICK_S
                left_s = due - time.monotonic()
                late_s = max(late_s, -left_s)
                await asyncio.sleep(max(0.0, left_s))
                await self._send(call)
                sent += 2
        await asyncio.sleep(REST_S)
        received = self._heard + sum(call.received for call in calls)
        return RtpRound(((), ()), sent, received, late_ms=late_s * 1e3)

    async def _send(self, call: Call) -> None:
        """From both of its ends."""
        frames, speech = self._payloads[call.codec], self._payloads["PCMU"]
        number = call.sequence = call.sequence + 1
        sequence = number & 0xFFFF
        ticks = number * TICKS[call.codec] & 0xFFFF_FFFF
        head = _HEAD.pack(0x80, call.payload_type or 0, sequence, ticks, call.ssrc)
        await call.dtls._send_rtp(head + frames[number % len(frames)])
        head = _HEAD.pack(0x80, 0, sequence, number * 160 & 0xFFFF_FFFF, call.port)
        call.phone.sendto(head + speech[number % len(speech)], (HOST, call.port))

    def _hear(self, phone: socket.socket) -> None:
        try:
            packet = phone.recv(2_048)
        except BlockingIOError:
            return
        # What is RTCP is none of ours (RFC 5761 §4).
        if not 192 <= packet[1] < 224:
            self._heard += 1


async def main() -> None:
    """Loopback is no address of the machine to aioice."""
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [HOST]
    await serve(WebRtcOrder, WebRtcLoad().take)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
