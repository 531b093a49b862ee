"""Where peers come from."""

import pytest

from gateway.net.peer_address import is_allowed, origin


@pytest.mark.parametrize(
    ("peer", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("/run/socket", ""),
    ],
)
def test_who_could_change_his_address_at_will_is_one(peer: str, counted_as: str) -> None:
    assert origin(peer) == counted_as


@pytest.mark.parametrize(
    ("peer", "networks", "allowed"),
    [
        ("192.0.2.1", (), True),
        ("", (), True),
        ("192.0.2.1", ("192.0.2.0/24",), True),
        ("::ffff:192.0.2.1", ("192.0.2.0/24",), True),
        ("2001:db8::1", ("192.0.2.0/24", "2001:db8::/32"), True),
        ("198.51.100.1", ("192.0.2.0/24",), False),
        ("192.0.2.1", ("192.0.2.0/24", "not an address"), False),
        ("192.0.2.1", ("not an address", "192.0.2.0/24"), False),
        ("", ("192.0.2.0/24",), False),
        ("/run/socket", ("0.0.0.0/0", "::/0"), False),
    ],
)
def test_a_list_of_addresses_fails_closed(
    peer: str, networks: tuple[str, ...], allowed: bool
) -> None:
    assert is_allowed(peer, networks) is allowed
