"""baresip as a phone: it registers, calls and is called, with a tone for a microphone."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.e2e.process import PATIENCE_S, ChildProcess
from tests.interop.free_port import free_port, free_udp_port, listened_to
from tests.interop.peers import program
from tests.interop.tone_file import write_tone

RATE = 8_000
TONE_HZ, TONE_S = 440, 20
MODULES = ("g711", "aufile", "aubridge")
MODULE_PATHS = (
    Path("/usr/lib/baresip/modules"),
    *sorted(Path("/usr/lib").glob("*/baresip/modules")),
)


class Baresip(ChildProcess):
    """`async with Baresip(directory, registrar_port) as phone`: `phone.tell_phone("dial", uri)`."""

    def __init__(
        self, directory: Path, registrar_port: int, username: str, auth_user: str, password: str
    ) -> None:
        self.port = free_udp_port()
        self._control = free_port()
        self._writer: asyncio.StreamWriter
        modules = next((path for path in MODULE_PATHS if path.is_dir()), MODULE_PATHS[0])
        here = directory / f"baresip-{self.port}"
        here.mkdir()
        write_tone(here / "tone.wav", TONE_HZ, TONE_S, RATE)
        rtp = free_udp_port() // 2 * 2
        lines = {
            "poll_method": "epoll",
            "sip_listen": f"127.0.0.1:{self.port}",
            "call_local_timeout": "60",
            "call_max_calls": "4",
            "audio_player": "aubridge,null",
            "audio_source": "aufile,tone.wav",
            "audio_alert": "aubridge,null",
            "ausrc_srate": str(RATE),
            "auplay_srate": str(RATE),
            "ausrc_channels": "1",
            "auplay_channels": "1",
            "rtp_ports": f"{rtp}-{min(rtp + 20, 65_534)}",
            "dns_server": "127.0.0.1:53",
            "ctrl_tcp_listen": f"127.0.0.1:{self._control}",
            "module_path": str(modules),
        }
        config = [f"{name}\t{value}" for name, value in lines.items()]
        config += [f"module\t{name}.so" for name in MODULES]
        config += ["module_tmp\taccount.so"]
        config += [f"module_app\t{name}.so" for name in ("ctrl_tcp", "menu")]
        (here / "config").write_text("".join(f"{line}\n" for line in config))
        (here / "accounts").write_text(
            f"<sip:{username}@127.0.0.1:{registrar_port}>;auth_user={auth_user}"
            f";auth_pass={password};regint=60;audio_codecs=PCMU/8000/1;answermode=auto\n"
        )
        super().__init__(program("baresip"), "-f", str(here), directory=here)

    async def tell_phone(self, command: str, parameters: str = "") -> None:
        """A command of its menu, as a netstring of JSON."""
        said = json.dumps({"command": command, "params": parameters}).encode()
        self._writer.write(b"%d:%b," % (len(said), said))
        await self._writer.drain()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        async with asyncio.timeout(PATIENCE_S):
            await listened_to(self._control)
            _, self._writer = await asyncio.open_connection("127.0.0.1", self._control)
        return self

    async def leave(self) -> None:
        """Un-register, and end."""
        await self.tell_phone("quit")
        await self.ended()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.close()
        await super().__aexit__(exc_type, exc, traceback)
