"""Via: the hop it names, and how a server marks it (RFC 3261 §18.2.1, RFC 3581)."""

from __future__ import annotations

import pytest

from gateway.sip.errors import GrammarError
from gateway.sip.via import Via, parse_vias


@pytest.mark.parametrize(
    ("value", "transport", "sent_by"),
    [
        ("SIP/2.0/UDP erlang.bell-telephone.com:5060", "UDP", ("erlang.bell-telephone.com", 5060)),
        ("SIP/2.0/TLS 192.0.2.1", "TLS", ("192.0.2.1", 5061)),
        ("SIP/2.0/WSS df7jal.invalid", "WSS", ("df7jal.invalid", 443)),
        ("SIP / 2.0 / UDP first.example.com: 4000;ttl=16", "UDP", ("first.example.com", 4000)),
        ("sip/2.0/udp Host", "UDP", ("host", 5060)),
        ("SIP/2.0/TCP [2001:db8::9:1]:5070", "TCP", ("[2001:db8::9:1]", 5070)),
    ],
)
def test_a_hop_is_read(value: str, transport: str, sent_by: tuple[str, int]) -> None:
    via = Via.parse(value)
    assert (via.transport, via.sent_by) == (transport, sent_by)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0 UDP host",
        "HTTP/1.1/TCP host",
        "SIP/2.0/UDP host:",
        "SIP/2.0/UDP host:99999",
        "SIP/2.0/UDP host;",
        "SIP/2.0/UDP host branch=1",
        "SIP/2.0/UDP [2001:db8::g]",
        "SIP/2.0/UDP a, SIP/2.0/UDP b",
    ],
)
def test_what_is_no_via_is_an_error(value: str) -> None:
    with pytest.raises(GrammarError):
        Via.parse(value)


@pytest.mark.parametrize("value", ["SIP/2.0/UDP h:5060;branch=z9hG4bK1;rport;x=1", "SIP/2.0/TCP h"])
def test_a_via_is_written_as_it_is_read(value: str) -> None:
    assert str(Via.parse(value)) == value


@pytest.mark.parametrize(
    ("branch", "magic"),
    [
        (";branch=z9hG4bKx", True),
        (";branch=Z9HG4BKx", True),
        (";branch=z9hG4bK", False),
        (";branch=390skdjuw", False),
        ("", False),
        (";branch", False),
    ],
)
def test_the_magic_cookie_needs_an_identifier(branch: str, magic: bool) -> None:
    assert Via.parse(f"SIP/2.0/UDP h{branch}").has_magic_cookie is magic


def test_a_source_that_is_sent_by_needs_no_mark() -> None:
    via = Via.parse("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1")
    assert via.stamped("192.0.2.1", 40_000) is via


def test_another_source_is_marked_as_received() -> None:
    stamped = Via.parse("SIP/2.0/UDP pc33.example.com").stamped("192.0.2.9", 40_000)
    assert (stamped.received, stamped.rport) == ("192.0.2.9", None)


def test_rport_is_filled_in_and_received_with_it() -> None:
    """RFC 3581 §4"""
    via = Via.parse("SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1")
    assert via.wants_rport
    stamped = via.stamped("192.0.2.1", 40_000)
    assert str(stamped) == (
        "SIP/2.0/UDP 192.0.2.1:5060;rport=40000;branch=z9hG4bK1;received=192.0.2.1"
    )
    assert not stamped.wants_rport


def test_an_ipv6_source_is_compared_without_brackets() -> None:
    via = Via.parse("SIP/2.0/UDP [2001:DB8::1]")
    assert via.stamped("2001:db8::1", 5060) is via
    assert via.stamped("2001:db8::2", 5060).received == "2001:db8::2"


@pytest.mark.parametrize("rport", ["", "=x", "=\u0665", "=-1", "=0", "=65536", "=9999999999"])
def test_an_rport_that_is_no_number_is_none(rport: str) -> None:
    assert Via.parse(f"SIP/2.0/UDP h;rport{rport}").rport is None


def test_several_in_one_value_keep_their_order() -> None:
    vias = parse_vias('SIP/2.0/UDP a;x="1,2", SIP/2.0/TCP b;maddr=239.0.0.1')
    assert [via.host for via in vias] == ["a", "b"]
    assert vias[1].parameters["maddr"] == "239.0.0.1"
