"""baresip as a phone: it registers, calls and is called, with a tone for a microphone."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.e2e.patience import until
from tests.e2e.process import PATIENCE_S, ChildProcess
from tests.interop.free_port import free_port, free_udp_port, listened_to
from tests.interop.peers import program
from tests.interop.tone_file import read_samples, write_tone

RATE = 8_000
TONE_HZ, TONE_S, TONE_LEVEL = 440, 20, 0.3
REGISTERED_S = 60
MODULES = ("g711", "aufile", "aubridge", "srtp", "sndfile")
MODULE_PATHS = (
    Path("/usr/lib/baresip/modules"),
    *sorted(Path("/usr/lib").glob("*/baresip/modules")),
)


class Baresip(ChildProcess):
    """`async with Baresip(directory, registrar_port) as phone`: `phone.tell_phone("dial", uri)`.

    Without a registrar it registers nowhere, and is called at `port`, or at one that is free.
    `media_encryption` is `srtp` or `srtp-mand`, both of which are SDES; without it there is none.
    """

    def __init__(
        self,
        directory: Path,
        registrar_port: int | None,
        username: str,
        auth_user: str = "",
        password: str = "",
        media_encryption: str = "",
        port: int | None = None,
    ) -> None:
        self.port = port or free_udp_port()
        self.told: list[dict[str, Any]] = []
        self._control = free_port()
        self._listener: asyncio.Task[None]
        self._writer: asyncio.StreamWriter
        modules = next((path for path in MODULE_PATHS if path.is_dir()), MODULE_PATHS[0])
        here = directory / f"baresip-{self.port}"
        here.mkdir()
        write_tone(here / "tone.wav", TONE_HZ, TONE_S, RATE, TONE_LEVEL)
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
            "snd_path": str(here),
        }
        config = [f"{name}\t{value}" for name, value in lines.items()]
        config += [f"module\t{name}.so" for name in MODULES]
        config += ["module_tmp\taccount.so"]
        config += [f"module_app\t{name}.so" for name in ("ctrl_tcp", "menu")]
        (here / "config").write_text("".join(f"{line}\n" for line in config))
        (here / "accounts").write_text(
            f"<sip:{username}@127.0.0.1:{registrar_port or self.port}>;auth_user={auth_user}"
            f";auth_pass={password};regint={REGISTERED_S if registrar_port else 0}"
            ";audio_codecs=PCMU/8000/1;answermode=auto"
            + (f";mediaenc={media_encryption}\n" if media_encryption else "\n")
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
            reader, self._writer = await asyncio.open_connection("127.0.0.1", self._control)
        self._listener = asyncio.create_task(self._listen(reader))
        return self

    async def registered(self) -> None:
        """Until its registrar knows it, among others maybe."""
        await self.line(lambda line: " binding" in line)

    async def hangs_up(self) -> None:
        """Until the call is over, whoever ends it, and its recording complete."""

        async def is_over() -> bool:
            return any(told.get("type") == "CALL_CLOSED" for told in self.told)

        await until(is_over)

    async def hears_digits(self, digits: str) -> None:
        """Until it has heard these since it began, and no others."""

        async def heard() -> str:
            events = [told for told in self.told if told.get("type") == "CALL_DTMF_START"]
            return "".join(told["param"] for told in events)

        await until(heard, lambda all_: len(all_) >= len(digits) and all_ == digits)

    @property
    def heard(self) -> list[int]:
        """What the last call sounded like, in samples of RATE; it is complete once that is over."""
        recording = max(self.directory.glob("dump-*-dec.wav"))
        return read_samples(recording)

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
        self._listener.cancel()
        await super().__aexit__(exc_type, exc, traceback)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Netstrings of JSON: events, and answers to commands."""
        with suppress(asyncio.IncompleteReadError):
            while True:
                length = int((await reader.readuntil(b":"))[:-1])
                self.told.append(json.loads((await reader.readexactly(length + 1))[:-1]))
