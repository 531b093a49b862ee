"""ESMEs of SMPP v3.3: no TLV for them, and ids that fit their field of 8 digits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.configuration import LONG_CODE
from tests.e2e.site import Site
from tests.interop.kannel import DELIVERED, FINAL, SMSC_SUCCESS, a_kannel, smsc
from tests.interop.node_esme import a_bound_node, answer, source, submit
from tests.interop.peers import PeerMissing
from tests.interop.relay import Relay
from tests.interop.tshark import dissect

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

SHORT_ID = re.compile(r"[0-9a-f]{1,8}", re.IGNORECASE)
NODE_DELIVERED = 2
VERSION = 0x33


async def test_srv_15_node_smpp_of_3_3_gets_short_ids_and_no_tlvs(
    site: Site, node_modules: Path
) -> None:
    recipient = site.recipient()
    async with a_bound_node(site.daemon.smpp_port, node_modules, version=VERSION) as esme:
        message_id = await submit(esme, recipient, "of 3.3")
        receipt = (await esme.wait_for("deliver_sm"))[0]
        bound = esme.events("bind_transceiver_resp")[0]
        asked = await answer(esme, "query_sm", message_id=message_id, **source())

    assert SHORT_ID.fullmatch(message_id)
    assert f"id:{message_id} " in receipt["text"]
    assert not {"receipted_message_id", "message_state"} & receipt.keys()
    assert "sc_interface_version" not in bound
    assert (asked["message_id"], asked["message_state"]) == (message_id, NODE_DELIVERED)


async def test_srv_15_kannel_of_3_3_finds_its_message_by_a_short_id(
    site: Site, tmp_path: Path
) -> None:
    recipient = site.recipient()
    try:
        async with (
            Relay(site.daemon.smpp_port) as relay,
            a_kannel(
                tmp_path,
                smsc("old", port=relay.port, transceiver_mode="true", interface_version="33"),
            ) as kannel,
        ):
            await kannel.send("old", LONG_CODE, recipient, "of 3.3", SMSC_SUCCESS | FINAL)
            said = await kannel.reader.wait_for("dlr", 2, to=recipient)
            dissection = await dissect(relay.segments, tmp_path)
    except PeerMissing as missing:
        pytest.skip(str(missing))

    assert [int(call["status"]) for call in said] == [SMSC_SUCCESS, DELIVERED]
    assert said[0]["id"] == said[1]["id"]
    assert SHORT_ID.fullmatch(said[0]["id"])
    assert [pdu.fields["opt_params"] for pdu in dissection.pdus if "opt_params" in pdu.fields] == []
    assert dissection.complaints == []
