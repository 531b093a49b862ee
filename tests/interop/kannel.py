"""Kannel (Debian's package) as an ESME of ours: bearerbox holds the binds, smsbox speaks HTTP.

A test sends through smsbox's sendsms, as Kannel's own customers do. What comes back, receipts and
messages from handsets, Kannel fetches URLs for; `KannelReader` is the server of those.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qsl, quote

import aiohttp
from aiohttp import web

from tests.e2e.configuration import ESME, ESME_PASSWORD
from tests.e2e.patience import until
from tests.e2e.process import PATIENCE_S, ChildProcess
from tests.interop.free_port import free_port
from tests.interop.peers import program
from tests.support.local_server import LocalServer

# Short waits where Kannel's own are 10 s and 60 s.
RECONNECT_S = 1
RETRY_S = 1
LOG_LEVEL = "1"

CONFIGURATION = """\
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = bar
smsbox-port = {box}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
dlr-storage = internal
sms-resend-freq = {retry}

{sections}
group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {box}
sendsms-port = {http}
sendsms-interface = 127.0.0.1

group = sendsms-user
username = u
password = p
max-messages = 20
concatenation = true

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "{reader}/mo?handset=%p&to=%P&text=%a&coding=%c"
"""

Keys = Mapping[str, str | int]

# The status that Kannel puts into %d of a dlr-url, and the mask that asks for it.
DELIVERED, UNDELIVERED, SMSC_SUCCESS, SMSC_REJECT = 1, 2, 8, 16
FINAL = DELIVERED | UNDELIVERED | SMSC_REJECT


def smsc(name: str, **keys: str | int) -> Keys:
    """A section `group = smsc` that binds to us: as transmitter to `port`, as receiver to
    `receive_port`, or as transceiver to `port` with `transceiver_mode`."""
    given = {key.replace("_", "-"): value for key, value in keys.items()}
    return {
        "group": "smsc",
        "smsc": "smpp",
        "smsc-id": name,
        "allowed-smsc-id": name,
        "host": "127.0.0.1",
        "smsc-username": ESME,
        "smsc-password": ESME_PASSWORD,
        "system-type": '""',
        "reconnect-delay": RECONNECT_S,
        **given,
    }


def tlv(name: str, tag: int) -> Keys:
    """A section that names a TLV of octets, for `meta-data`."""
    return {
        "group": "smpp-tlv",
        "name": name,
        "tag": hex(tag),
        "type": "octetstring",
        "length": 255,
    }


class KannelReader(LocalServer):
    """Answers 200 to the URLs that Kannel fetches, and keeps their queries by path."""

    def __init__(self) -> None:
        self._calls: dict[str, list[dict[str, str]]] = {}
        self._grown = asyncio.Event()
        app = web.Application()
        app.router.add_get("/{path}", self._take)
        super().__init__(app)

    async def wait_for(self, path: str, count: int = 1, **facts: str) -> list[dict[str, str]]:
        """The queries of a path with these facts, once there are so many."""
        async with asyncio.timeout(PATIENCE_S):
            while len(found := self._of(path, facts)) < count:
                self._grown.clear()
                await self._grown.wait()
        return found

    def _of(self, path: str, facts: dict[str, str]) -> list[dict[str, str]]:
        return [call for call in self._calls.get(path, []) if call.items() >= facts.items()]

    async def _take(self, request: web.Request) -> web.Response:
        fields = dict(parse_qsl(request.rel_url.raw_query_string, encoding="latin-1"))
        # A text of coding 2 comes as the octets of its UTF-16, whatever the charset of the rest.
        charset = "utf-16-be" if fields.get("coding") == "2" else "utf-8"
        if "text" in fields:
            fields["text"] = fields["text"].encode("latin-1").decode(charset)
        self._calls.setdefault(request.match_info["path"], []).append(fields)
        self._grown.set()
        return web.Response(text="")


class Kannel:
    """Both boxes, once they run; see `a_kannel`."""

    def __init__(
        self, bearerbox: ChildProcess, http: int, admin: int, reader: KannelReader
    ) -> None:
        self.bearerbox = bearerbox
        self.reader = reader
        self._sendsms = f"http://127.0.0.1:{http}/cgi-bin/sendsms"
        self._status = f"http://127.0.0.1:{admin}/status.txt?password=bar"

    async def send(
        self,
        smsc: str,
        sender: str,
        to: str,
        text: str,
        mask: int = FINAL,
        meta: str = "",
        **more: str,
    ) -> None:
        """Give smsbox a message for a section; its receipts come as `dlr` with `to`. `meta` is for
        the TLVs.

        Raises:
            AssertionError: smsbox does not take it.
        """
        receipt = f"{self.reader.url}/dlr?to={quote(to)}&status=%d&id=%F&answer=%A&err=%e"
        query = {
            "smsc": smsc,
            "username": "u",
            "password": "p",
            "from": sender,
            "to": to,
            "text": text,
            "charset": "UTF-8",
            "dlr-mask": str(mask),
            "dlr-url": receipt,
            "meta-data": meta,
        }
        async with (
            aiohttp.ClientSession() as client,
            client.get(self._sendsms, params=query | more) as answer,
        ):
            assert answer.status == 202, await answer.text()

    async def receipts(self, to: str, count: int = 1) -> list[int]:
        """The statuses that have come for a recipient, in order, once there are so many."""
        return [int(call["status"]) for call in await self.reader.wait_for("dlr", count, to=to)]

    async def status(self) -> str:
        """What bearerbox says of itself; nothing while it does not answer."""
        assert self.bearerbox.running, self.bearerbox.said
        async with aiohttp.ClientSession() as client:
            try:
                async with client.get(self._status) as answer:
                    return await answer.text()
            except aiohttp.ClientConnectionError:
                return ""

    async def online(self, binds: int) -> None:
        """Until so many sections have their bind."""
        await until(self.status, lambda status: status.count("(online ") >= binds)


@asynccontextmanager
async def a_kannel(directory: Path, *sections: Keys) -> AsyncIterator[Kannel]:
    """Bound with each `smsc` of the sections, and ready to send. `directory` is there.

    Raises:
        PeerMissing: there is no Kannel here.
    """
    bearerbox_program, smsbox_program = program("bearerbox"), program("smsbox")
    admin, box, http = free_port(), free_port(), free_port()
    async with KannelReader() as reader:
        file = directory / "kannel.conf"
        file.write_text(
            CONFIGURATION.format(
                admin=admin,
                box=box,
                http=http,
                reader=reader.url,
                retry=RETRY_S,
                sections="\n".join(map(_section, sections)),
            )
        )
        command = ("-v", LOG_LEVEL, str(file))
        async with ChildProcess(bearerbox_program, *command, directory=directory) as bearerbox:
            kannel = Kannel(bearerbox, http, admin, reader)
            await until(kannel.status)
            async with ChildProcess(smsbox_program, *command, directory=directory):
                await kannel.online(sum(keys["group"] == "smsc" for keys in sections))
                await until(kannel.status, lambda status: "smsbox" in status)
                yield kannel


def _section(keys: Keys) -> str:
    return "".join(f"{key} = {value}\n" for key, value in keys.items())
