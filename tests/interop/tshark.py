"""tshark, a dissector that shares nothing with us: what it reads in octets of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, PIPE
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from tests.e2e.process import PATIENCE_S
from tests.interop.capture_file import capture_file
from tests.interop.peers import program
from tests.interop.relay import Segment

PORT = 2775
# data_coding 0 is what both ends agree on: here one septet of GSM 03.38 an octet.
SETTINGS = ("-o", "smpp.decode_sms_over_smpp:GSM 7-bit", "-o", "smpp.gsm7_unpacked:TRUE")
COMPLAINTS = ("_ws.malformed", "_ws.short", "_ws.unreassembled")
EXPERT = "_ws.expert.message"


@dataclass(frozen=True)
class Dissected:
    """One PDU. `fields` has what is shown for each, by tshark's name without `smpp.`; a field that
    comes again has all of its values."""

    fields: dict[str, list[str]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """The only value of a field."""
        (value,) = self.fields[name]
        return value

    @property
    def command(self) -> int:
        return int(self["command_id"], 16)


@dataclass(frozen=True)
class Dissection:
    """What was read, and everything that tshark finds wrong or worth a note."""

    pdus: list[Dissected] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def of(self, command: int, **facts: str) -> list[Dissected]:
        """The PDUs of a command_id with these facts."""
        return [
            pdu
            for pdu in self.pdus
            if pdu.command == command
            and all(pdu.fields.get(name) == [value] for name, value in facts.items())
        ]


async def dissect(segments: Iterable[Segment], directory: Path) -> Dissection:
    """Read what a relay has heard.

    Raises:
        PeerMissing: there is no tshark here.
    """
    tshark = program("tshark")
    file = directory / "capture.pcap"
    file.write_bytes(capture_file(segments, PORT))
    process = await asyncio.create_subprocess_exec(
        *(tshark, "-r", str(file), "-d", f"tcp.port=={PORT},smpp", "-T", "pdml", *SETTINGS),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
    )
    async with asyncio.timeout(PATIENCE_S):
        octets, _ = await process.communicate()
    assert process.returncode == 0
    # It shows text as it came: half of a surrogate pair too, which no XML may hold.
    return _read(fromstring(octets.decode(errors="replace")))


def _read(capture: Element) -> Dissection:
    dissection = Dissection()
    for packet in capture.iter("packet"):
        for protocol in packet.iter("proto"):
            name = protocol.get("name", "")
            if name in COMPLAINTS:
                dissection.complaints.append(protocol.get("showname", name))
            elif name == "smpp":
                dissection.pdus.append(Dissected())
            if name == "smpp" or name == "gsm_sms_ud":  # The user data of the PDU before.
                fields = dissection.pdus[-1].fields
                for key, value in _shown(protocol):
                    fields.setdefault(key, []).append(value)
        dissection.complaints.extend(
            found.get("show", "") for found in packet.iter("field") if found.get("name") == EXPERT
        )
    return dissection


def _shown(protocol: Element) -> Iterator[tuple[str, str]]:
    for found in protocol.iter("field"):
        name = found.get("name", "")
        if name:
            yield name.removeprefix("smpp."), found.get("show", "")
