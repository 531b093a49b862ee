"""How we say that we are reached."""

import socket

import pytest

from gateway.net import sip_own_addresses
from gateway.net.sip_own_addresses import SipOwnAddresses
from gateway.sip.transaction import Destination

PORTS = {"UDP": 5070, "TCP": 5070, "TLS": 5071, "WSS": 8443}
PEER = "127.0.0.9"


@pytest.mark.parametrize(
    ("transport", "contact"),
    [
        ("UDP", "<sip:192.0.2.1:5070>"),
        ("TCP", "<sip:192.0.2.1:5070;transport=tcp>"),
        ("TLS", "<sip:192.0.2.1:5071;transport=tls>"),
        ("WSS", "<sip:192.0.2.1:8443;transport=ws>"),
    ],
)
def test_contact_names_the_listener_of_the_transport(transport: str, contact: str) -> None:
    own = SipOwnAddresses("192.0.2.1", "", PORTS)
    assert own.contact(Destination(transport, PEER, 40_000, 7)) == contact


def test_public_host_stands_where_the_address_is_another() -> None:
    own = SipOwnAddresses("10.0.0.1", "sip.example.net", PORTS)
    assert own.sent_by(Destination("UDP", PEER, 5060)) == "sip.example.net:5070"


@pytest.mark.parametrize("host", ["2001:db8::1", "[2001:db8::1]", "2001:db8::1%eth0"])
def test_ipv6_address_stands_in_brackets(host: str) -> None:
    own = SipOwnAddresses("::", host, PORTS)
    assert own.contact(Destination("UDP", "2001:db8::9", 5060)) == "<sip:[2001:db8::1]:5070>"


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::"])
def test_any_address_is_the_one_that_the_peer_is_sent_to_from(host: str) -> None:
    own = SipOwnAddresses(host, "", PORTS)
    assert own.sent_by(Destination("UDP", PEER, 5060)) == "127.0.0.1:5070"
    if socket.has_ipv6:
        assert own.sent_by(Destination("UDP", "::1", 5060)) == "[::1]:5070"


def test_what_is_known_of_routes_is_bounded_and_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sip_own_addresses, "LOCAL_KEPT_MAX", 2)
    own = SipOwnAddresses("0.0.0.0", "", PORTS)
    for last in range(1, 5):
        own.sent_by(Destination("UDP", f"127.0.0.{last}", 5060))
        assert len(own._local) <= 2
    own.forget()
    assert own._local == {}


def test_where_nothing_listens_the_port_is_the_transports_own() -> None:
    own = SipOwnAddresses("192.0.2.1", "", {"UDP": 5070})
    assert own.sent_by(Destination("TLS", PEER, 5061)) == "192.0.2.1:5061"


def test_peer_that_is_no_address_costs_no_search() -> None:
    own = SipOwnAddresses("0.0.0.0", "", PORTS)
    assert own.sent_by(Destination("UDP", "nobody.example", 5060)) == "127.0.0.1:5070"
