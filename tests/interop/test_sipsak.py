"""sipsak asks whether we are there, and is answered."""

from pathlib import Path

import pytest

from tests.e2e.process import outcome
from tests.interop.peers import program
from tests.interop.voice_carrier import changed, voice_carrier

pytestmark = pytest.mark.interop
PEERS = ("sipsak",)


@pytest.mark.parametrize(("answer", "exit_code"), [("200", 0), ("503", 1)])
async def test_options_are_answered(tmp_path: Path, answer: str, exit_code: int) -> None:
    async with voice_carrier() as simulator:
        carrier = simulator.sip_carriers["carrier"]
        carrier.set_behaviour(changed({"options": answer}))
        uri = f"sip:ping@127.0.0.1:{carrier.port}"
        code, lines = await outcome(program("sipsak"), "-vvv", "-s", uri, directory=tmp_path)
        assert code == exit_code, lines
        assert any(f"SIP/2.0 {answer}" in line for line in lines)
        assert simulator.violations == []
