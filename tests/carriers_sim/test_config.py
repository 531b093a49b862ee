from pathlib import Path

import pytest

from carriers_sim.config import ConfigError, load, parse

SHIPPED = Path(__file__).parents[2] / "conf" / "carriers_sim.toml"


def test_the_shipped_file_describes_the_demo() -> None:
    config = load(SHIPPED)
    assert [(carrier.name, carrier.port) for carrier in config.carriers] == [
        ("alpha", 27751),
        ("bravo", 27752),
        ("charlie", 27753),
    ]
    assert {(carrier.system_id, carrier.password) for carrier in config.carriers} == {
        ("supernet", "simpass")
    }
    assert config.control is not None
    assert config.control.port == 8090


def test_a_name_alone_is_a_healthy_carrier() -> None:
    (carrier,) = parse('[[carriers]]\nname = "a"').carriers
    assert (carrier.host, carrier.port, carrier.behaviour.drop) == ("127.0.0.1", 0, 0.0)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", " there is no carrier: say [[carriers]] or [[sip_carrier]]"),
        ("carriers = []", " there is no carrier: say [[carriers]] or [[sip_carrier]]"),
        ('seed = "x"\n[[carriers]]\nname = "a"', "1: seed: expected `int`, got `str`"),
        ('[[carriers]]\nname = "A B"', "2: carriers[0].name: expected `str` matching regex"),
        (
            '[[carriers]]\nname = "a"\n[[carriers]]\nname = "b"\n[carriers.behaviour]\ngray = true',
            "6: carriers[1].behaviour: object contains unknown field `gray`",
        ),
        (
            '[[carriers]]\nname = "a"\n[carriers.behaviour.receipts]\noutcomes = { OK = 1 }',
            "3: carriers[0].behaviour.receipts: 'OK' is no outcome",
        ),
        ('[[carriers]]\nname = "a"\nport = 70000', "3: carriers[0].port: expected `int` <= 65535"),
        ('[[carriers]]\nname = "a"\n[[carriers]]\nname = "a"', " two carriers are called a"),
        (
            '[[carriers]]\nname = "a"\nport = 5\n[[carriers]]\nname = "b"\nport = 5',
            " a and b both want port 5",
        ),
        ("[[carriers", " Expected ']]'"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert str(caught.value).startswith(complaint)
    assert "\n" not in str(caught.value)


def test_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("seed = true\n")
    with pytest.raises(ConfigError, match=r"broken\.toml:1: seed: expected `int`"):
        load(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: no such file or directory"):
        load(tmp_path / "none.toml")


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"binary\.toml: not UTF-8"):
        load(path)
