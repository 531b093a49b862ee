"""tshark reads what our user agents say to each other, and finds nothing wrong in it."""

from pathlib import Path
from typing import Any

import pytest

from gateway.net.sip_udp import SipUdp
from tests.interop.sipp import CALLED, CALLER, LOOPBACK
from tests.interop.tshark_sip import dissect_sip
from tests.interop.voice_carrier import changed, two_voice_carriers

pytestmark = pytest.mark.interop
PEERS = ("tshark",)


@pytest.fixture
def datagrams(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bytes]]:
    """All that any user agent in this process sends by UDP, with the port that it is for."""
    sent: list[tuple[int, bytes]] = []
    send = SipUdp.send

    def noted(udp: SipUdp, octets: bytes, host: str, port: int) -> None:
        sent.append((port, octets))
        send(udp, octets, host, port)

    monkeypatch.setattr(SipUdp, "send", noted)
    return sent


@pytest.mark.parametrize(
    ("behaviour", "keys", "said"),
    [
        ({"hold_after_s": 0.1, "hold_s": 0.1, "talk_s": 1.0}, {}, ("INVITE", "BYE", "200", "ACK")),
        ({"early_media": 1.0, "reliable": True, "ring_s": 0.2}, {"talk_s": 0.2}, ("183", "PRACK")),
        ({"challenge": True}, {"talk_s": 0.2}, ("407", "200")),
        ({"ring_s": 9.0}, {"cancel_after_s": 0.5}, ("180", "CANCEL", "487")),
        ({"outcomes": {"503": 1.0}, "retry_after_s": 9, "cause": 34}, {}, ("503", "ACK")),
        ({}, {"offers": False, "talk_s": 0.2}, ("200", "ACK")),
    ],
)
async def test_nothing_is_malformed(
    datagrams: list[tuple[int, bytes]],
    tmp_path: Path,
    behaviour: dict[str, Any],
    keys: dict[str, Any],
    said: tuple[str, ...],
) -> None:
    async with two_voice_carriers() as simulator:
        caller, carrier = simulator.sip_carriers["caller"], simulator.sip_carriers["carrier"]
        carrier.set_behaviour(changed(behaviour))
        caller.call(CALLER, CALLED, LOOPBACK, carrier.port, **keys)
        await caller.wait_for_calls(1)
        assert simulator.violations == []
    passed = [(port == carrier.port, octets) for port, octets in datagrams]
    dissection = await dissect_sip(passed, tmp_path)
    assert dissection.complaints == []
    assert dissection.said.keys() >= {*said}
    assert dissection.media.keys() == {"audio"}


async def test_what_is_malformed_is_found(tmp_path: Path) -> None:
    """So that the test above would fail where it should."""
    broken = b"BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nCSeq: 1 BYE\r\nContact\r\n\r\n"
    dissection = await dissect_sip([(True, broken)], tmp_path)
    assert dissection.complaints
