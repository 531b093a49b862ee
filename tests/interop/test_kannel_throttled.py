"""Kannel above the rate of its account."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.configuration import LONG_CODE
from tests.e2e.site import a_site
from tests.interop.kannel import DELIVERED, a_kannel, smsc
from tests.interop.peers import PeerMissing

pytestmark = pytest.mark.interop

# Few, so that a test is over its rate however slow the machine is.
SUBMITS_PER_SECOND = 2
BURST = 6


async def test_srv_29_throttled_messages_are_late_and_not_lost(tmp_path: Path) -> None:
    account = {"submits_per_second": SUBMITS_PER_SECOND}
    try:
        async with (
            a_site(tmp_path / "site", account=account) as site,
            a_kannel(
                tmp_path, smsc("trx", port=site.daemon.smpp_port, transceiver_mode="true")
            ) as kannel,
        ):
            recipients = [site.recipient() for _ in range(BURST)]
            for recipient in recipients:
                await kannel.send("trx", LONG_CODE, recipient, "at once")
            told = [await kannel.receipts(recipient) for recipient in recipients]

            assert told == [[DELIVERED]] * BURST
            assert [len(site.arrived(recipient)) for recipient in recipients] == [1] * BURST
            assert any("0x00000058" in line for line in kannel.bearerbox.said)
    except PeerMissing as missing:
        pytest.skip(str(missing))
