"""A browser as a phone: SIP.js over a WebSocket, WebRTC, and a simulated carrier in G.711."""

from pathlib import Path

import pytest

from tests.interop.sip_js import browser_phone
from tests.interop.voice_gateway import PASSWORD, PHONE, USERNAME, voice_gateway

pytestmark = pytest.mark.interop
PEERS = ("chromium",)


async def test_browser_registers(tmp_path: Path, sip_js_modules: Path) -> None:
    async with (
        voice_gateway(tmp_path / "gateway", PHONE) as gateway,
        browser_phone(tmp_path, sip_js_modules) as phone,
    ):
        await phone.register(gateway.websocket_port, USERNAME, PASSWORD)
