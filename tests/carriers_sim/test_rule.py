import msgspec
import pytest

from carriers_sim.rule import Effect, When, status_of


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({}, True),
        ({"to": "34$"}, True),
        ({"to": "^34"}, False),
        ({"from": "^1500"}, True),
        ({"from": "x"}, False),
        ({"body": "(?i)HELLO"}, True),
        ({"body": "bye"}, False),
        ({"nth": 3}, True),
        ({"nth": 4}, False),
        ({"to": "34$", "body": "bye"}, False),
    ],
)
def test_all_that_is_set_must_hold(when: dict[str, object], holds: bool) -> None:
    rule = msgspec.convert(when, When)
    assert rule.holds(6, "15005550006", "15005551234", "hello") is holds


def test_a_broken_pattern_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="no regular expression"):
        msgspec.convert({"to": "("}, When)


@pytest.mark.parametrize(
    ("name", "status"),
    [("ESME_ROK", 0), ("ESME_RTHROTTLED", 0x58), ("0x0410", 0x410), ("0x58", 0x58)],
)
def test_a_status_has_a_name_or_a_number(name: str, status: int) -> None:
    assert status_of(name) == status


@pytest.mark.parametrize("name", ["", "RTHROTTLED", "88", "0x0500", "0x", "throttled"])
def test_what_is_no_status_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no command_status"):
        status_of(name)


@pytest.mark.parametrize(
    "effect",
    [
        {"status": "FAIL"},
        {"receipt": "FAILED"},
        {"response_delay_s": -1},
        {"err": "é01"},
        {"drop_it": 1},
    ],
)
def test_an_impossible_effect_is_refused(effect: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(effect, Effect)
