"""When to try a bind again (CLI-4)."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.carriers.reconnect import CREDENTIALS_DELAY_S, DELAY_MAX_S, STABLE_AFTER_S, Reconnect
from gateway.smpp.constants import CommandStatus


class Middle(Random):
    """Chance that always falls in the middle."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def delays(reconnect: Reconnect, count: int) -> list[float]:
    return [reconnect.delay_s() for _ in range(count)]


def test_cli_4_the_wait_doubles_up_to_a_minute() -> None:
    assert delays(Reconnect(Middle()), 9) == [1, 2, 4, 8, 16, 32, 60, 60, 60]


@given(st.integers(), st.integers(0, 2_000))
def test_cli_4_the_wait_is_spread_by_a_quarter_and_never_without_end(
    seed: int, failures: int
) -> None:
    reconnect = Reconnect(Random(seed))
    for _ in range(failures):
        reconnect.delay_s()
    expected = min(DELAY_MAX_S, 2.0 ** min(failures, 10))
    assert 0.75 * expected <= reconnect.delay_s() <= 1.25 * expected


def test_two_binds_do_not_come_back_together() -> None:
    random = Random(1)
    assert Reconnect(random).delay_s() != Reconnect(random).delay_s()


@pytest.mark.parametrize(
    ("stood_s", "next_delay_s"), [(0.0, 8), (STABLE_AFTER_S - 1, 8), (STABLE_AFTER_S, 1)]
)
def test_cli_4_the_count_starts_anew_after_a_bind_that_stood(
    stood_s: float, next_delay_s: float
) -> None:
    """A carrier that takes every bind and drops it is not asked every second."""
    reconnect = Reconnect(Middle())
    delays(reconnect, 3)
    reconnect.bound_for(stood_s)
    assert reconnect.delay_s() == next_delay_s


@pytest.mark.parametrize(
    "status",
    [
        CommandStatus.ESME_RINVPASWD,
        CommandStatus.ESME_RINVSYSID,
        CommandStatus.ESME_RINVSYSTYP,
    ],
)
def test_cli_4_wrong_credentials_are_tried_every_five_minutes(status: CommandStatus) -> None:
    reconnect = Reconnect(Middle())
    assert [reconnect.delay_s(status) for _ in range(3)] == [CREDENTIALS_DELAY_S] * 3


@pytest.mark.parametrize(
    "status", [CommandStatus.ESME_RBINDFAIL, CommandStatus.ESME_RALYBND, 0x410]
)
def test_any_other_refusal_is_a_failure_like_all(status: int) -> None:
    reconnect = Reconnect(Middle())
    assert [reconnect.delay_s(status) for _ in range(3)] == [1, 2, 4]


def test_wrong_credentials_do_not_count_as_failures() -> None:
    reconnect = Reconnect(Middle())
    reconnect.delay_s(CommandStatus.ESME_RINVPASWD)
    assert reconnect.delay_s() == 1
