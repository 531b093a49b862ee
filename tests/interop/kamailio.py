"""Kamailio as a proxy between us and somebody else: stateful, in the route of each dialog, and with
a password where it is wanted."""

from __future__ import annotations

import signal
import tempfile
from pathlib import Path
from types import TracebackType

from tests.e2e.process import ChildProcess
from tests.interop.free_port import bound_udp, free_udp_port
from tests.interop.peers import program

MODULES = ("tm", "sl", "rr", "pv", "maxfwd", "textops", "siputils", "auth")
# Debian's, by architecture.
MODULE_PATH = ":".join(
    f"/usr/lib/{here}/kamailio/modules/" for here in ("x86_64-linux-gnu", "aarch64-linux-gnu")
)

ROUTES = """
request_route {
    if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
    if (is_method("CANCEL")) {
        if (t_check_trans()) t_relay();
        exit;
    }
    if (has_totag()) {
        if (loose_route()) { t_relay(); exit; }
        if (is_method("ACK")) {
            if (t_check_trans()) t_relay();
            exit;
        }
        sl_send_reply("404", "Not Here");
        exit;
    }
    t_check_trans();
    if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
    if (!is_method("INVITE")) { sl_send_reply("405", "Method Not Allowed"); exit; }
#!ifdef PASSWORD
    if (!pv_proxy_authenticate("kamailio", "PASSWORD_IS", "0")) {
        proxy_challenge("kamailio", "1");
        exit;
    }
    consume_credentials();
#!endif
    record_route();
    $du = "sip:127.0.0.1:ONWARD";
    t_relay();
}
"""


class Kamailio(ChildProcess):
    """`async with Kamailio(directory, port)`: sends each call on to that port of loopback."""

    def __init__(self, directory: Path, onward: int, password: str = "", children: int = 1) -> None:
        self.port = free_udp_port()
        # Its sockets' names have a limit that a test's directory may be above.
        self._run = tempfile.TemporaryDirectory(prefix="kamailio")
        lines = [
            "#!KAMAILIO",
            *(["#!define PASSWORD"] if password else []),
            "debug=1",
            "log_stderror=yes",
            f"children={children}",
            "auto_aliases=no",
            "disable_tcp=yes",
            f"listen=udp:127.0.0.1:{self.port}",
            f'mpath="{MODULE_PATH}"',
            *[f'loadmodule "{module}.so"' for module in MODULES],
            ROUTES.replace("ONWARD", str(onward)).replace("PASSWORD_IS", password),
        ]
        directory.mkdir(exist_ok=True)
        file = directory / f"kamailio-{self.port}.cfg"
        file.write_text("\n".join(lines))
        super().__init__(
            *(program("kamailio"), "-f", str(file), "-Y", self._run.name, "-DD", "-E"),
            *("-m", "128", "-M", "8"),
            directory=directory,
        )

    async def start(self) -> None:
        await super().start()
        await bound_udp(self.port)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """By SIGTERM, which its children are told of."""
        if self.running:
            self.send_signal(signal.SIGTERM)
            await self.ended()
        self._run.cleanup()
