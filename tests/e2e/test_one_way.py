"""A call of which one side is not heard, through the daemon and a worker of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.sip.leg_events import Answered
from media import sdp
from tests.e2e.caller import LOOPBACK
from tests.e2e.configuration import OTHER_LONG_CODE
from tests.e2e.patience import until
from tests.e2e.telephony import telephony
from tests.interop.rtp_end import RtpEnd
from tests.media.descriptions import spoken

pytestmark = pytest.mark.e2e


async def test_carrier_of_which_nothing_comes_is_told_and_recorded(tmp_path: Path) -> None:
    end = RtpEnd(b"\x11" * 160)
    async with telephony(tmp_path, audio="none") as site:
        offer = spoken(end.port, host=LOOPBACK)
        leg = site.pbx.call(site.port, OTHER_LONG_CODE, "+12065551001", offer=offer)
        answered = await site.pbx.hears(Answered)
        port = sdp.parse(answered.response.body).media[0].port

        async def told() -> list[dict[str, Any]]:
            end.send(port)
            return site.daemon.events("audio goes one way")

        (one_way,) = await until(told, bool)
        site.pbx.hang_up(leg)
        ended = await site.ended()
        end.close()

    assert (one_way["silent"], one_way["trunk"]) == ("called", "alpha/voice")
    assert (ended["silent"], ended["status"]) == ("called", "completed")
