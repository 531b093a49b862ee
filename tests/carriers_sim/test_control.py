"""The control interface over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from carriers_sim import smsc as smsc_module
from carriers_sim.config import CarrierConfig, ControlConfig, SimulatorConfig
from carriers_sim.control import Control
from carriers_sim.simulator import Simulator
from gateway.clock import system_clock
from gateway.net.errors import ListenError
from gateway.net.network import TcpNetwork
from tests.carriers_sim.customer import Customer, submit_sm

pytestmark = pytest.mark.e2e


class Console:
    """The control interface of one running simulator, with a customer bound to `alpha`."""

    def __init__(self, simulator: Simulator, url: str, http: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.url = url
        self._http = http
        self.customer: Customer

    async def get(self, path: str, status: int = 200) -> Any:
        async with self._http.get(self.url + path) as answer:
            assert answer.status == status
            return await answer.json()

    async def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        async with self._http.post(self.url + path, json=body if body is not None else {}) as got:
            assert got.status == status
            return await got.json()

    async def raw(self, method: str, path: str, **keys: Any) -> aiohttp.ClientResponse:
        async with self._http.request(method, self.url + path, **keys) as answer:
            await answer.read()
            return answer


@pytest.fixture
async def console() -> AsyncIterator[Console]:
    config = SimulatorConfig(carriers=(CarrierConfig(name="alpha"), CarrierConfig(name="bravo")))
    async with Simulator(config) as simulator, aiohttp.ClientSession() as http:
        control = Control(simulator, ControlConfig(port=0))
        await control.start()
        made = Console(simulator, control.url, http)
        clock = system_clock(asyncio.get_running_loop().time)
        made.customer = await Customer(clock).connect(TcpNetwork(), simulator["alpha"].port)
        await made.customer.bind()
        try:
            yield made
        finally:
            made.customer.connection.unbind()
            await made.customer.closed.wait()
            await control.stop()


async def test_the_page_is_self_contained(console: Console) -> None:
    answer = await console.raw("GET", "")
    assert answer.content_type == "text/html"
    assert "://" not in await answer.text()


async def test_the_carriers_are_listed_with_what_they_do(console: Console) -> None:
    alpha, bravo = (await console.get("carriers"))["carriers"]
    assert (alpha["id"], bravo["id"]) == ("alpha", "bravo")
    assert alpha["port"] == console.simulator["alpha"].port
    assert alpha["behaviour"]["receipts"]["delay_s"] == [0.2, 2.0]
    assert (alpha["stats"]["bound"], bravo["stats"]["bound"]) == (["bound_trx"], [])
    assert "password" not in alpha


async def test_messages_can_be_read_back(console: Console) -> None:
    answered = await console.customer.send(submit_sm(text=b"hello"))
    got = await console.get("carriers/alpha/messages")
    assert got["total"] == 1
    (message,) = got["messages"]
    assert message["body"] == "hello"
    assert (message["from"], message["to"]) == ("+15005550006", "+15005551234")
    assert message["message_ids"] == [answered.message_id]


@pytest.mark.parametrize(
    ("query", "bodies"),
    [
        ("?to=%2B1500", ["one", "two"]),
        ("?to=%2B1501", ["three"]),
        ("?from=%2B1", []),
        ("?limit=1", ["three"]),
    ],
)
async def test_messages_are_selected(console: Console, query: str, bodies: list[str]) -> None:
    for to, text in (("1500", b"one"), ("1500", b"two"), ("1501", b"three")):
        await console.customer.send(submit_sm(to=to, text=text))
    got = await console.get(f"carriers/alpha/messages{query}")
    assert [message["body"] for message in got["messages"]] == bodies


@pytest.mark.parametrize("limit", ["0", "-1", "x", "10001", "²"])
async def test_an_impossible_limit_is_refused(console: Console, limit: str) -> None:
    got = await console.get(f"carriers/alpha/messages?limit={limit}", status=400)
    assert got == {"error": "limit is a number from 1 to 10000"}


async def test_stats_count(console: Console) -> None:
    await console.customer.send(submit_sm())
    stats = await console.get("carriers/alpha/stats")
    assert (stats["accepted"], stats["binds"], stats["in_flight_max"]) == (1, 1, 1)


async def test_a_message_from_a_handset_is_injected(console: Console) -> None:
    mo = {"from": "+15005551234", "to": "55501", "body": "STOP"}
    assert await console.post("carriers/alpha/mo", mo, 202) == {"parts": 1, "receivers": 1}
    (pdu,) = await console.customer.wait_for_delivered()
    assert pdu.short_message == b"STOP"


@pytest.mark.parametrize(
    "mo",
    [
        {},
        {"from": "+1", "to": "2"},
        {"from": "", "to": "2", "body": "x"},
        {"from": "+1", "to": "2", "body": "x", "when": 1},
        {"from": "+" + "1" * 40, "to": "2", "body": "x"},
        {"from": "+1", "to": "2", "body": "\0"},
        [],
    ],
)
async def test_a_message_that_cannot_be_is_refused(console: Console, mo: object) -> None:
    assert (await console.post("carriers/alpha/mo", mo, 400))["error"]


async def test_a_message_may_come_in_another_form(console: Console) -> None:
    mo = {"from": "+15005551234", "to": "55501", "body": "a" * 200, "concatenation": "sar"}
    assert (await console.post("carriers/alpha/mo", mo, 202))["parts"] == 2
    first, _ = await console.customer.wait_for_delivered(2)
    assert first.tlvs[0x020E] == b"\2"


async def test_a_fault_befalls_all_connections(console: Console) -> None:
    assert await console.post("carriers/alpha/fault", {"fault": "rst"}) == {"connections": 1}
    await console.customer.closed.wait()


async def test_a_reset_connection_is_reset_and_not_closed(console: Console) -> None:
    port = console.simulator["alpha"].port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await console.simulator["alpha"].wait_until(lambda: len(console.simulator["alpha"].binds) == 2)
    await console.post("carriers/alpha/fault", {"fault": "rst"})
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


@pytest.mark.parametrize("fault", [{}, {"fault": "flood"}, {"fault": "rst", "for_s": -1}])
async def test_an_impossible_fault_is_refused(console: Console, fault: object) -> None:
    assert (await console.post("carriers/alpha/fault", fault, 400))["error"]


async def test_an_alert_is_injected(console: Console) -> None:
    await console.post("carriers/alpha/alert", {"from": "+15005551234", "to": "55501"}, 202)
    assert (await console.get("carriers/alpha/stats"))["alerts"] == 1


async def test_an_alert_that_nobody_can_hear_is_told(console: Console) -> None:
    alert = {"from": "+15005551234", "to": "55501"}
    assert "no bind" in (await console.post("carriers/bravo/alert", alert, 503))["error"]
    assert (await console.post("carriers/alpha/alert", alert | {"from": "日"}, 400))["error"]


async def test_outbind_goes_where_it_is_told(console: Console) -> None:
    came = asyncio.Event()

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readexactly(8))[4:] == bytes.fromhex("0000000b")
        came.set()
        writer.close()

    async with await asyncio.start_server(on_connection, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await console.post("carriers/alpha/outbind", {"host": "127.0.0.1", "port": port}, 202)
        await came.wait()


async def test_outbind_to_nobody_is_told(console: Console) -> None:
    to = {"host": "127.0.0.1", "port": 1}
    assert (await console.post("carriers/alpha/outbind", to, 502))["error"]


async def test_a_full_queue_of_messages_is_told(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smsc_module, "MOBILE_ORIGINATED_MAX", 0)
    mo = {"from": "+1", "to": "2", "body": "x"}
    assert "wait for a bind" in (await console.post("carriers/alpha/mo", mo, 503))["error"]


async def test_a_behaviour_is_switched_key_by_key(console: Console) -> None:
    await console.post("carriers/alpha/behaviour", {"id_format": "hex"})
    behaviour = await console.post(
        "carriers/alpha/behaviour", {"submit": {"ESME_RSYSERR": 1}, "grey": False}
    )
    assert (behaviour["id_format"], behaviour["submit"]) == ("hex", {"ESME_RSYSERR": 1.0})
    assert (await console.customer.send(submit_sm())).command_status == 8


@pytest.mark.parametrize("keys", [{"gray": True}, {"submit": {"OK": 1}}, {"drop": 2}, [], "x"])
async def test_an_impossible_behaviour_changes_nothing(console: Console, keys: object) -> None:
    before = console.simulator["alpha"].behaviour
    assert (await console.post("carriers/alpha/behaviour", keys, 400))["error"]
    assert console.simulator["alpha"].behaviour is before


async def test_connections_are_dropped(console: Console) -> None:
    assert await console.post("carriers/alpha/drop") == {"dropped": 1}
    await console.customer.closed.wait()


async def test_reset_forgets(console: Console) -> None:
    await console.customer.send(submit_sm())
    await console.post("carriers/alpha/behaviour", {"grey": True})
    await console.post("reset")
    assert (await console.get("carriers/alpha/messages"))["total"] == 0
    assert not console.simulator["alpha"].behaviour.grey


async def test_violations_are_told_by_name(console: Console) -> None:
    for _ in range(2):
        await console.customer.send(submit_sm())
    got = await console.get("violations")
    assert got["counts"] == {"DUPLICATE": 1}
    assert got["rules"] == {"CLI-2": 1, "SRV-7": 1}
    assert got["violations"][0]["rules"] == ["CLI-2", "SRV-7"]
    assert got["incomplete"] == 0
    assert got["violations"][0]["carrier"] == "alpha"
    assert got["violations"][0]["meaning"] == "a message came twice"


async def test_an_unknown_carrier_is_named_with_those_there_are(console: Console) -> None:
    got = await console.get("carriers/delta/stats", status=404)
    assert got == {"error": "there is no carrier 'delta'; there is alpha, bravo"}


async def test_an_unknown_path_is_a_json_error(console: Console) -> None:
    assert await console.get("nothing", status=404) == {"error": "not found"}


async def test_a_wrong_method_is_a_json_error(console: Console) -> None:
    assert await console.get("reset", status=405) == {"error": "method not allowed"}


@pytest.mark.parametrize("path", ["reset", "carriers/alpha/drop", "carriers/alpha/mo"])
async def test_a_foreign_page_cannot_change_anything(console: Console, path: str) -> None:
    answer = await console.raw("POST", path, data=b"{}", headers={"Content-Type": "text/plain"})
    assert answer.status == 415
    assert console.simulator["alpha"].binds == ["bound_trx"]


async def test_what_is_not_json_is_refused(console: Console) -> None:
    answer = await console.raw(
        "POST", "carriers/alpha/mo", data=b"\xff", headers={"Content-Type": "application/json"}
    )
    assert answer.status == 400


async def test_a_port_that_is_taken_is_named(console: Console) -> None:
    taken = int(console.url.rsplit(":", 1)[1].rstrip("/"))
    with pytest.raises(ListenError, match=f"127.0.0.1:{taken}"):
        await Control(console.simulator, ControlConfig(port=taken)).start()
