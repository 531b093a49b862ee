"""Customers' trunks with a name are called where it leads."""

from __future__ import annotations

from msgspec.structs import replace

from gateway.config.sip import Sip
from gateway.sip.transaction import Destination
from gateway.voice.customer_look_ups import CustomerLookUps
from gateway.voice.edge import build_edge
from tests.voice.edge_world import (
    ABROAD,
    BY_ADDRESS,
    CARRIER,
    NUMBER,
    account,
    admitted,
    call,
    carrier,
    invite,
    status,
)

AT = Destination("TLS", "192.0.2.10", 5061)


class Names:
    def __init__(self) -> None:
        self.found = [AT]
        self.asked: list[tuple[str, int, str]] = []

    async def __call__(self, host: str, port: int, transport: str) -> list[Destination]:
        self.asked.append((host, port, transport))
        return self.found


async def test_a_trunk_with_a_name_is_called_where_it_was_found() -> None:
    names = Names()
    customer = account(replace(BY_ADDRESS, uri="sip:pbx.example.com;transport=tls"))
    look_ups = CustomerLookUps([customer], names)
    made = build_edge(Sip(), [customer], [carrier()], b"secret", located=look_ups.located)
    assert status(call(made, invite(NUMBER, ABROAD), CARRIER)) == 480
    await look_ups.look_up()
    assert names.asked == [("pbx.example.com", 0, "TLS")]
    (target,) = admitted(call(made, invite(NUMBER, ABROAD), CARRIER)).targets
    assert target.destination == AT
    assert target.uri == f"sip:{NUMBER}@pbx.example.com;transport=tls"


async def test_what_was_found_stays_where_nothing_is_found() -> None:
    names = Names()
    look_ups = CustomerLookUps([account(replace(BY_ADDRESS, uri="sips:pbx.example.com"))], names)
    await look_ups.look_up()
    names.found = []
    await look_ups.look_up()
    assert look_ups.located == {"sips:pbx.example.com": (AT,)}


async def test_an_address_needs_no_look_up() -> None:
    names = Names()
    await CustomerLookUps([account(BY_ADDRESS)], names).run()
    assert names.asked == []
