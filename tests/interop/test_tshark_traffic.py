"""What really goes over the wires between a customer, the gateway and its carriers, read by tshark.

One scene is played, with a relay on each wire; each test then looks at what was heard.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from carriers_sim.behaviour import Behaviour
from carriers_sim.config import CarrierConfig, SimulatorConfig
from carriers_sim.dlr_schedule import ReceiptBehaviour
from carriers_sim.simulator import Simulator
from gateway.smpp.constants import CommandId, CommandStatus
from gateway.smpp.pdus import DeliverSm, SubmitSm
from tests.e2e.configuration import LONG_CODE, write_configuration
from tests.e2e.esme import Esme, submit_sm
from tests.e2e.forked_daemon import ForkedDaemon
from tests.e2e.patience import until
from tests.e2e.rest_client import RestClient
from tests.interop.peers import PeerMissing, program
from tests.interop.relay import Relay
from tests.interop.tshark import Dissection, dissect

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

GSM, UCS2, LONG, REFUSED = (f"+120655510{number}" for number in range(10, 14))
GSM_TEXT, UCS2_TEXT, LONG_TEXT = "@ £ {€}", "Привет", "0123456789" * 20
FOREIGN_SENDER = "+15005559999"
DELIVERED = "2"


@dataclass(frozen=True)
class Scene:
    """The message_ids that the customer got, and the two wires."""

    ids: dict[str, str]
    customer: Dissection
    carrier: Dissection

    def to_carrier(self, recipient: str) -> list[dict[str, list[str]]]:
        """The fields of each submit_sm for a recipient."""
        address = recipient.removeprefix("+")
        found = self.carrier.of(CommandId.SUBMIT_SM, destination_addr=address)
        return [pdu.fields for pdu in found]


def ucs2(to: str, text: str) -> SubmitSm:
    fields = submit_sm(to)
    return SubmitSm(
        source_addr_ton=fields.source_addr_ton,
        source_addr_npi=fields.source_addr_npi,
        source_addr=fields.source_addr,
        dest_addr_ton=fields.dest_addr_ton,
        dest_addr_npi=fields.dest_addr_npi,
        destination_addr=fields.destination_addr,
        registered_delivery=1,
        data_coding=8,
        short_message=text.encode("utf-16-be"),
    )


def is_from(number: str, pdu: DeliverSm) -> bool:
    return f"+{pdu.source_addr}" == number


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    try:
        program("tshark")
    except PeerMissing as missing:
        pytest.skip(str(missing))
    directory: Path = tmp_path_factory.mktemp("scene")
    behaviour = Behaviour(receipts=ReceiptBehaviour(delay_s=(0.01, 0.05)))
    config = SimulatorConfig(carriers=(CarrierConfig(name="alpha", behaviour=behaviour),))
    async with AsyncExitStack() as stack:
        carriers = await stack.enter_async_context(Simulator(config))
        to_carrier = await stack.enter_async_context(Relay(carriers["alpha"].port))
        entry = write_configuration(directory / "site", {"alpha": to_carrier.port})
        daemon = await stack.enter_async_context(ForkedDaemon(entry))
        from_customer = await stack.enter_async_context(Relay(daemon.smpp_port))
        rest = await stack.enter_async_context(RestClient(lambda: daemon.rest))
        await until(daemon.health, lambda health: health["status"] == "ok")
        ids = {LONG: await rest.create(LONG, LONG_TEXT)}
        async with Esme(from_customer.port) as esme:
            ids[GSM] = await esme.submit(submit_sm(GSM, b"\x00 \x01 \x1b\x28\x1b\x65\x1b\x29"))
            ids[UCS2] = await esme.submit(ucs2(UCS2, UCS2_TEXT))
            await esme.send(submit_sm(REFUSED, b"no", sender=FOREIGN_SENDER))
            for recipient in (GSM, UCS2):
                await esme.wait_for(partial(is_from, recipient))
        await rest.final(ids[LONG])
        assert carriers.violations == []
    yield Scene(
        ids,
        await dissect(from_customer.segments, directory),
        await dissect(to_carrier.segments, directory),
    )


async def test_tshark_finds_nothing_wrong(scene: Scene) -> None:
    assert (scene.customer.complaints, scene.carrier.complaints) == ([], [])


async def test_every_pdu_of_a_session_is_read(scene: Scene) -> None:
    assert {CommandId(pdu.command).name for pdu in scene.customer.pdus} == {
        *("BIND_TRANSCEIVER", "BIND_TRANSCEIVER_RESP", "UNBIND", "UNBIND_RESP"),
        *("SUBMIT_SM", "SUBMIT_SM_RESP", "DELIVER_SM", "DELIVER_SM_RESP"),
    }


async def test_srv_6_tshark_sees_each_request_answered_once(scene: Scene) -> None:
    for wire in (scene.customer, scene.carrier):
        requests = sorted(
            (p.command, p["sequence_number"]) for p in wire.pdus if p.command < 1 << 31
        )
        answers = sorted(
            (p.command & ~(1 << 31), p["sequence_number"]) for p in wire.pdus if p.command >> 31
        )
        assert requests == answers


async def test_bind_resp_tells_our_version(scene: Scene) -> None:
    (answer,) = scene.customer.of(CommandId.BIND_TRANSCEIVER_RESP)

    assert answer["SC_interface_version"] in ("52", "80")  # 0x34, 0x50


async def test_gsm_text_goes_out_as_it_was_meant(scene: Scene) -> None:
    (fields,) = scene.to_carrier(GSM)

    assert (fields["message_text"], fields["data_coding"]) == ([GSM_TEXT], ["0x00"])
    assert fields["source_addr"] == [LONG_CODE.removeprefix("+")]
    assert (fields["dest_addr_ton"], fields["dest_addr_npi"]) == (["0x01"], ["0x01"])


async def test_gsm_8_tshark_reads_our_ucs2(scene: Scene) -> None:
    (fields,) = scene.to_carrier(UCS2)

    assert (fields["message_text"], fields["data_coding"]) == ([UCS2_TEXT], ["0x08"])


async def test_gsm_2_long_text_goes_out_in_numbered_parts(scene: Scene) -> None:
    parts = scene.to_carrier(LONG)

    assert "".join(part["message_text"][0] for part in parts) == LONG_TEXT
    assert len(parts[0]["message_text"][0]) == 153
    assert [part["esm.submit.features"] for part in parts] == [["0x01"]] * 2
    assert [part["gsm_sms.udh.mm.msg_part"] for part in parts] == [["1"], ["2"]]
    assert [part["gsm_sms.udh.mm.msg_parts"] for part in parts] == [["2"]] * 2
    assert len({part["gsm_sms.udh.mm.msg_id"][0] for part in parts}) == 1


async def test_rcp_2_receipt_has_the_id_of_the_answer_as_a_tlv(scene: Scene) -> None:
    for recipient in (GSM, UCS2):
        sid = scene.ids[recipient]
        (answer,) = scene.customer.of(CommandId.SUBMIT_SM_RESP, message_id=sid)
        (receipt,) = scene.customer.of(CommandId.DELIVER_SM, receipted_message_id=sid)
        assert answer["command_status"] == "0x00000000"
        assert (receipt["esm.submit.msg_type"], receipt["message_state"]) == ("0x01", DELIVERED)
        assert receipt["message_text"].startswith(f"id:{sid} ")


async def test_rcp_1_receipts_addresses_are_swapped(scene: Scene) -> None:
    for receipt in scene.customer.of(CommandId.DELIVER_SM):
        assert receipt["destination_addr"] == LONG_CODE.removeprefix("+")
        assert f"+{receipt['source_addr']}" in (GSM, UCS2, LONG)


async def test_srv_18_refusal_has_its_status_and_no_body(scene: Scene) -> None:
    status = f"0x{CommandStatus.ESME_RINVSRCADR:08x}"
    (refusal,) = scene.customer.of(CommandId.SUBMIT_SM_RESP, command_status=status)

    assert refusal["command_length"] == "16"
