"""tshark's stream analysis of a whole call: SIPp speaks, the gateway relays, and SIPp echoes."""

from pathlib import Path

import pytest

from tests.interop.sipp import Sipp
from tests.interop.tshark_rtp import NoPrivilege, RtpCapture
from tests.interop.voice_gateway import CALLED, TRUNK, voice_gateway
from tests.media.tone import SAMPLES_PER_S, level_of, mu_law_tone

pytestmark = pytest.mark.interop
PEERS = ("sipp", "tshark")
TONE_HZ, TALK_MS = 440, 2_000
# Of 20 ms, but for those that are still to come when it hangs up.
PACKETS_MIN = TALK_MS // 20 - 20


async def test_tshark_finds_no_packet_lost_and_the_tone_comes_back(tmp_path: Path) -> None:
    speech = tmp_path / "tone.ul"
    speech.write_bytes(mu_law_tone(TONE_HZ))
    async with (
        Sipp("uas_call", tmp_path, options=("-rtp_echo",)) as carrier,
        voice_gateway(tmp_path / "gateway", TRUNK, [carrier.port], pings=False) as gateway,
    ):
        customer = Sipp(
            *("uac_speaks", tmp_path, gateway.port),
            called=CALLED,
            caller=gateway.caller,
            pause_ms=TALK_MS,
            words={"FILE": str(speech)},
        )
        try:
            async with RtpCapture(tmp_path, (customer.media_port, carrier.media_port)) as capture:
                async with customer:
                    assert await customer.succeeded(), customer.errors
                (ended,) = await gateway.ended()
        except NoPrivilege as missing:
            pytest.skip(str(missing))
    streams = await capture.streams()
    ends = {stream.source for stream in streams} & {stream.destination for stream in streams}
    assert len(streams) == 4, streams
    assert ends >= {customer.media_port, carrier.media_port}
    assert [stream.lost for stream in streams] == [0, 0, 0, 0]
    assert min(stream.packets for stream in streams) >= PACKETS_MIN
    heard = await capture.payload(customer.media_port)
    assert level_of(heard[:SAMPLES_PER_S], TONE_HZ) == pytest.approx(0.5, rel=0.1)
    assert ended["status"] == "completed"
