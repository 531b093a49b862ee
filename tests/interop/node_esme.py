"""An ESME of ours that is node-smpp: see node/esme.js."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.e2e.configuration import ESME, ESME_PASSWORD, LONG_CODE
from tests.interop.node_smpp import NodeScript

Tls = dict[str, str]


@asynccontextmanager
async def a_node(
    port: int,
    modules: Path,
    bind: str = "bind_transceiver",
    system_id: str = ESME,
    password: str = ESME_PASSWORD,
    version: int = 0x34,
    tls: Tls | None = None,
    **fields: object,
) -> AsyncIterator[NodeScript]:
    """Connected, and its bind is on its way; `fields` are more of the bind's. `tls` has the files
    of what Node.js calls `ca`, `cert` and `key`."""
    pdu = {"system_id": system_id, "password": password, "interface_version": version, **fields}
    options = json.dumps({"bind": bind, "pdu": pdu, "tls": tls})
    async with NodeScript(modules, "esme.js", str(port), options) as esme:
        yield esme


@asynccontextmanager
async def a_bound_node(
    port: int, modules: Path, bind: str = "bind_transceiver", **more: Any
) -> AsyncIterator[NodeScript]:
    """Bound, and unbound at the end."""
    async with a_node(port, modules, bind, **more) as esme:
        answer = (await esme.wait_for(f"{bind}_resp"))[0]
        assert answer["status"] == "ESME_ROK"
        yield esme
        if not esme.events("close"):
            esme.ask(command="unbind")
            await esme.wait_for("close")


def source(sender: str = LONG_CODE) -> dict[str, object]:
    """The fields of an international source address."""
    return {
        "source_addr_ton": 1,
        "source_addr_npi": 1,
        "source_addr": sender.removeprefix("+"),
    }


def destination(to: str) -> dict[str, object]:
    return {"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": to.removeprefix("+")}


def message(to: str, text: object = "", **more: object) -> dict[str, object]:
    """The fields of a submit_sm that asks for a receipt."""
    fields = source() | destination(to) | {"registered_delivery": 1, "short_message": text}
    return fields | more


async def answer(esme: NodeScript, command: str, **pdu: object) -> dict[str, Any]:
    """What comes back for a request; one of its kind at a time."""
    before = len(esme.events(f"{command}_resp"))
    esme.ask(command=command, pdu=pdu)
    return (await esme.wait_for(f"{command}_resp", before + 1))[-1]


async def submit(esme: NodeScript, to: str, text: object = "", **more: object) -> str:
    """The message_id of a submit_sm that is accepted."""
    said = await answer(esme, "submit_sm", **message(to, text, **more))
    assert said["status"] == "ESME_ROK", said
    return str(said["message_id"])
