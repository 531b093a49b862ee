"""The fixtures as a stranger uses them: without asyncio, with somebody else's SMPP client."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import smpplib.client

from carriers_sim.background import BackgroundSimulator, BackgroundSmsc
from carriers_sim.config import CarrierConfig, SimulatorConfig
from carriers_sim.violations import Invariant
from gateway.net.errors import ListenError

pytestmark = pytest.mark.e2e

STRANGERS_SUITE = """
import sys


def test_nothing_is_loaded_before_it_is_wanted():
    assert not [name for name in sys.modules if name.startswith(("gateway", "msgspec"))]


def test_a_carrier_is_there(smsc_factory):
    carrier = smsc_factory(behaviour={"grey": True})
    assert carrier.port and carrier.messages == []
"""


def client_of(carrier: BackgroundSmsc) -> Any:
    client = smpplib.client.Client(
        carrier.host, carrier.port, timeout=5, allow_unknown_opt_params=True
    )
    client.connect()
    return client


def submit(carrier: BackgroundSmsc, text: bytes, to: str = "15005551234") -> Any:
    """Bind, send one message, unbind: with smpplib."""
    client = client_of(carrier)
    client.bind_transmitter(system_id=carrier.system_id, password=carrier.password)
    pdu = client.send_message(
        source_addr_ton=1, source_addr="15005550006", dest_addr_ton=1,
        destination_addr=to, short_message=text,
    )  # fmt: skip
    response = client.read_pdu()
    client.unbind()
    client.disconnect()
    assert response.sequence == pdu.sequence
    return response


def test_three_healthy_carriers_are_there(carriers_sim: BackgroundSimulator) -> None:
    for number, name in enumerate(("alpha", "bravo", "charlie")):
        submit(carriers_sim[name], b"#%d" % number)
    assert [message.carrier for message in carriers_sim.messages] == ["alpha", "bravo", "charlie"]
    assert carriers_sim.violations == []


def test_a_message_can_be_waited_for(carriers_sim: BackgroundSimulator) -> None:
    submit(carriers_sim["alpha"], b"hello")
    (message,) = carriers_sim["alpha"].wait_for_messages(1)
    assert (message.text, message.recipient) == ("hello", "+15005551234")


def test_waiting_in_vain_says_so(carriers_sim: BackgroundSimulator) -> None:
    with pytest.raises(TimeoutError, match="alpha: 0 of 1 messages came"):
        carriers_sim["alpha"].wait_for_messages(1, timeout_s=0.01)


def test_reset_forgets(carriers_sim: BackgroundSimulator) -> None:
    submit(carriers_sim["alpha"], b"hello")
    carriers_sim.reset()
    assert carriers_sim.messages == []


def test_a_carrier_is_made_to_order(smsc_factory: Callable[..., BackgroundSmsc]) -> None:
    carrier = smsc_factory(
        name="picky", system_id="me", behaviour={"submit": {"ESME_RINVDSTADR": 1}}, seed=5
    )
    assert (carrier.name, carrier.system_id) == ("picky", "me")
    assert submit(carrier, b"hello").status == 0x0B
    assert carrier.stats["refused"] == {"ESME_RINVDSTADR": 1}


def test_a_behaviour_is_switched(smsc_factory: Callable[..., BackgroundSmsc]) -> None:
    carrier = smsc_factory()
    carrier.set_behaviour(submit={"ESME_RTHROTTLED": 1})
    assert submit(carrier, b"hello").status == 0x58


def test_a_wrong_key_is_named(smsc_factory: Callable[..., BackgroundSmsc]) -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `gray`"):
        smsc_factory(behaviour={"gray": True})


def test_connections_are_dropped_and_messages_injected(
    smsc_factory: Callable[..., BackgroundSmsc],
) -> None:
    carrier = smsc_factory()
    client = client_of(carrier)
    client.bind_receiver(system_id=carrier.system_id, password=carrier.password)
    carrier.wait_for_binds(1)
    assert carrier.inject_mo("+15005551234", "55501", "HELP") == 1
    assert client.read_pdu().short_message == b"HELP"
    assert carrier.drop_connections() == 1
    client.disconnect()


def test_faults_and_messages_of_any_form_are_there(
    smsc_factory: Callable[..., BackgroundSmsc],
) -> None:
    carrier = smsc_factory()
    client = client_of(carrier)
    client.bind_receiver(system_id=carrier.system_id, password=carrier.password)
    carrier.wait_for_binds(1)
    assert carrier.inject_mo("+15005551234", "55501", "00ff", encoding="binary") == 1
    assert client.read_pdu().short_message == b"\x00\xff"
    carrier.alert("+15005551234", "55501")
    assert carrier.stats["alerts"] == 1
    assert carrier.befall("fin") == 1
    client.disconnect()


def test_what_was_provoked_is_forgiven(carriers_sim: BackgroundSimulator) -> None:
    for _ in range(2):
        submit(carriers_sim["alpha"], b"hello")
    carriers_sim.forgive(Invariant.DUPLICATE)
    assert carriers_sim.violations == []


def test_a_duplicate_is_a_violation_of_that_carrier(
    carriers_sim: BackgroundSimulator,
) -> None:
    for name in ("alpha", "bravo"):
        submit(carriers_sim[name], b"hello")
    assert carriers_sim["alpha"].violations == []
    assert [entry.invariant.name for entry in carriers_sim["bravo"].violations] == ["DUPLICATE"]


def test_a_port_that_is_taken_leaves_no_thread(
    smsc_factory: Callable[..., BackgroundSmsc],
) -> None:
    import threading

    taken = smsc_factory().port
    before = threading.active_count()
    config = SimulatorConfig(carriers=(CarrierConfig(name="late", port=taken),))
    with pytest.raises(ListenError), BackgroundSimulator(config):
        pass
    assert threading.active_count() == before


def test_a_strangers_suite_finds_the_fixtures_and_loads_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(STRANGERS_SUITE)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr
