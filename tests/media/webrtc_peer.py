"""A browser, as far as aiortc is one: it is used for this in tests alone."""

from __future__ import annotations

import asyncio
import fractions
from array import array
from math import cos, hypot, pi, sin
from typing import Any

import av
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)

SAMPLE_RATE, FRAME_SAMPLES = 8_000, 160
FULL_SCALE = 32_767
WAIT_S = 20.0


class Tone(MediaStreamTrack):
    """A sine, in frames of 20 ms as they are due."""

    kind = "audio"

    def __init__(self, hertz: int, level: float = 0.5) -> None:
        super().__init__()
        self._turn = 2 * pi * hertz / SAMPLE_RATE
        self._level = level * FULL_SCALE
        self._sample = 0
        self._begun = asyncio.get_running_loop().time()

    async def recv(self) -> av.AudioFrame:
        due = self._begun + self._sample / SAMPLE_RATE
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        numbers = range(self._sample, self._sample + FRAME_SAMPLES)
        frame = av.AudioFrame(format="s16", layout="mono", samples=FRAME_SAMPLES)
        samples = [round(self._level * sin(self._turn * number)) for number in numbers]
        frame.planes[0].update(array("h", samples).tobytes())
        frame.pts, frame.sample_rate = self._sample, SAMPLE_RATE
        frame.time_base = fractions.Fraction(1, SAMPLE_RATE)
        self._sample += FRAME_SAMPLES
        return frame


class Browser:
    """It sends a tone and hears what comes; `raw` are the packets of RTP that it got."""

    def __init__(self, hertz: int = 1_000, codecs: tuple[str, ...] = ("PCMU",)) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.raw: list[bytes] = []
        self._tone = Tone(hertz)
        self._codecs = codecs
        self._heard: MediaStreamTrack | None = None
        self._has_track = asyncio.Event()
        self.pc.on("track", self._track)

    async def offer(self) -> bytes:
        self._prefer(self.pc.addTransceiver(self._tone))
        await self.pc.setLocalDescription(await self.pc.createOffer())
        self._listen()
        return self.pc.localDescription.sdp.encode()

    async def answered(self, sdp: bytes) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp.decode(), "answer"))

    async def answer(self, sdp: bytes) -> bytes:
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp.decode(), "offer"))
        self.pc.addTrack(self._tone)
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        self._listen()
        return self.pc.localDescription.sdp.encode()

    async def hear(self, frames: int) -> list[av.AudioFrame]:
        async with asyncio.timeout(WAIT_S):
            await self._has_track.wait()
            assert self._heard is not None
            heard = [await self._heard.recv() for _ in range(frames)]
        return [one for one in heard if isinstance(one, av.AudioFrame)]

    async def send(self, packet: bytes) -> None:
        """RTP that no track makes."""
        await self.pc.getSenders()[0].transport._send_rtp(packet)

    async def close(self) -> None:
        await self.pc.close()

    def _track(self, track: MediaStreamTrack) -> None:
        self._heard = track
        self._has_track.set()

    def _prefer(self, transceiver: RTCRtpTransceiver) -> None:
        known = RTCRtpSender.getCapabilities("audio").codecs
        chosen = [one for name in self._codecs for one in known if one.mimeType == f"audio/{name}"]
        transceiver.setCodecPreferences(chosen)

    def _listen(self) -> None:
        transport: Any = self.pc.getTransceivers()[0].sender.transport
        handle = transport._handle_rtp_data

        async def handled(data: bytes, arrival_time_ms: int) -> None:
            self.raw.append(data)
            await handle(data, arrival_time_ms)

        transport._handle_rtp_data = handled


def level_of_frames(frames: list[av.AudioFrame], hertz: int) -> float:
    """The amplitude of a tone in what was heard, as a share of the largest."""
    samples: list[int] = []
    for frame in frames:
        channels = len(frame.layout.channels)
        plane = bytes(frame.planes[0])[: 2 * channels * frame.samples]
        samples += array("h", plane)[::channels]
    turn = 2 * pi * hertz / frames[0].sample_rate
    real = sum([sample * cos(turn * at) for at, sample in enumerate(samples)])
    imaginary = sum([sample * sin(turn * at) for at, sample in enumerate(samples)])
    return 2 * hypot(real, imaginary) / len(samples) / FULL_SCALE
