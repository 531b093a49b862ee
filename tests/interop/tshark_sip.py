"""tshark, a dissector that shares nothing with us: what it reads in SIP of ours."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, PIPE

from defusedxml.ElementTree import fromstring

from tests.e2e.process import PATIENCE_S
from tests.interop.capture_file import datagram_file
from tests.interop.peers import program

PORT = 5060
COMPLAINTS = ("_ws.malformed", "_ws.short", "_ws.unreassembled")
EXPERT = "_ws.expert"


@dataclass(frozen=True)
class SipDissection:
    """How often each method and each status was read, and everything that tshark finds wrong."""

    said: Counter[str] = field(default_factory=Counter)
    media: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)


async def dissect_sip(
    datagrams: list[tuple[bool, bytes]], directory: Path, port: int = PORT
) -> SipDissection:
    """Of datagrams, each with whether it came from the client.

    Raises:
        PeerMissing: there is no tshark here.
    """
    file = directory / "capture.pcap"
    file.write_bytes(datagram_file(datagrams, port))
    process = await asyncio.create_subprocess_exec(
        *(program("tshark"), "-r", str(file), "-d", f"udp.port=={port},sip", "-T", "pdml"),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
    )
    async with asyncio.timeout(PATIENCE_S):
        octets, _ = await process.communicate()
    assert process.returncode == 0
    dissection = SipDissection()
    for packet in fromstring(octets.decode(errors="replace")).iter("packet"):
        names = {protocol.get("name", "") for protocol in packet.iter("proto")}
        dissection.complaints.extend(name for name in COMPLAINTS if name in names)
        if "sip" not in names:
            dissection.complaints.append("not read as SIP")
        for found in packet.iter("field"):
            name, shown = found.get("name", ""), found.get("show", "")
            if name in ("sip.Method", "sip.Status-Code"):
                dissection.said[shown] += 1
            elif name == "sdp.media.media":
                dissection.media[shown] += 1
            elif name == EXPERT:
                dissection.complaints.append(found.get("showname", name))
    return dissection
