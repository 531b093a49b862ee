"""µs of CPU of the parts of a browser's packet, without sockets: `python -m
tests.bench.bench_webrtc_parts`. The minimum of many rounds, each with keys and codecs of its own.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Callable, Sequence

from pylibsrtp import Policy, Session

from media.codecs import PCMU
from media.relay import RelayHost
from media.transcoding import FromOpus, ToOpus
from media.webrtc_hooks import IceProtocol
from media.webrtc_host import WebRtcHost
from media.webrtc_transport import WebRtcTransport
from tests.media.packets import packet

HOST, SOURCE = "127.0.0.1", ("127.0.0.1", 9)
PORTS = (20_000, 29_999)
OPUS = 111
PACKETS, ROUNDS = 500, 20
KEY = bytes(28)


def main() -> None:
    asyncio.run(parts())


async def parts() -> None:
    host = RelayHost(HOST, PORTS, random.Random(3), time.monotonic)
    transport = WebRtcTransport(WebRtcHost(host, time.monotonic), controlling=False)
    transport.open()
    (path,) = transport._pairs
    (protocol,) = path._protocols
    assert isinstance(protocol, IceProtocol)
    plain = [packet(sequence) for sequence in range(1, PACKETS + 1)]
    sender = session(Policy.SSRC_ANY_OUTBOUND)
    protected = [sender.protect(one) for one in plain]
    encoding = ToOpus(OPUS)
    encoded = [made for one in plain for made in encoding.convert(one)]

    def sending() -> Callable[[bytes], object]:
        transport._tx = session(Policy.SSRC_ANY_OUTBOUND)
        transport._send_to = lambda data, address: None
        return transport.send_rtp

    def receiving() -> Callable[[bytes], object]:
        transport._rx = session(Policy.SSRC_ANY_INBOUND)
        return lambda octets: protocol.received(octets, SOURCE, 0.0)

    report("protected and sent", sending, plain)
    report("told apart, unprotected and handed up", receiving, protected)
    report("G.711 to Opus", lambda: ToOpus(OPUS).convert, plain)
    report("Opus to G.711", lambda: FromOpus(OPUS, PCMU).convert, encoded)
    await transport.close()
    host.close()


def session(ssrc_type: int) -> Session:
    policy = Policy(KEY, ssrc_type, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM)
    policy.window_size = 1_024
    return Session(policy)


def report(
    what: str, begin: Callable[[], Callable[[bytes], object]], packets: Sequence[bytes]
) -> None:
    spent = []
    for _ in range(ROUNDS):
        take = begin()
        before = time.process_time_ns()
        for one in packets:
            take(one)
        spent.append((time.process_time_ns() - before) / len(packets))
    sys.stdout.write(f"{what}: {min(spent) / 1e3:.2f} µs\n")


if __name__ == "__main__":
    main()
