import pytest

from carriers_sim.address import Address, parse, shown


@pytest.mark.parametrize(
    ("number", "address"),
    [
        ("+15005550006", Address(1, 1, "15005550006")),
        ("55501", Address(3, 0, "55501")),
        ("DEMO", Address(5, 0, "DEMO")),
    ],
)
def test_an_address_says_of_what_type_it_is(number: str, address: Address) -> None:
    assert parse(number) == address
    assert shown(address.ton, address.digits) == number


def test_a_plus_on_the_wire_is_not_doubled() -> None:
    assert shown(1, "+15005550006") == "+15005550006"
