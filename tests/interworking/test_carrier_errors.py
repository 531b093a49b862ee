"""Whose fault a command_status is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.interworking.carrier_errors import DISPOSITIONS, Disposition, Kind, disposition
from gateway.smpp.constants import CommandStatus
from routing.events import Fault


@pytest.mark.parametrize("status", CommandStatus)
def test_cli_5_every_status_of_the_specification_has_a_row(status: CommandStatus) -> None:
    assert status in DISPOSITIONS


def test_only_rok_means_taken() -> None:
    taken = [status for status in CommandStatus if disposition(status).kind is Kind.OK]
    assert taken == [CommandStatus.ESME_ROK]


@pytest.mark.parametrize("status", sorted(set(CommandStatus) - {CommandStatus.ESME_ROK}))
def test_every_failure_has_an_error_code_of_delivery(status: CommandStatus) -> None:
    assert 30001 <= disposition(status).error_code <= 30999


@pytest.mark.parametrize(
    ("command_status", "expected"),
    [
        (0x00, Disposition(Kind.OK)),
        (0x58, Disposition(Kind.THROTTLED, 30017)),
        (0x14, Disposition(Kind.QUEUE_FULL, 30017)),
        (0x01, Disposition(Kind.PERMANENT, 30019)),
        (0x0A, Disposition(Kind.TRY_ANOTHER, 30024, Fault.CONFIGURATION)),
        (0x0B, Disposition(Kind.PERMANENT, 30005, Fault.NUMBER)),
        (0x65, Disposition(Kind.PERMANENT, 30008)),
        (0x66, Disposition(Kind.PERMANENT, 30007, Fault.CONFIGURATION)),
        (0x04, Disposition(Kind.TRY_ANOTHER, 30008, Fault.ROUTE)),
        (0x08, Disposition(Kind.TRY_ANOTHER, 30008, Fault.ROUTE)),
        (0x45, Disposition(Kind.TRY_ANOTHER, 30008)),
        (0x64, Disposition(Kind.TRY_ANOTHER, 30008, Fault.ROUTE)),
        (0xFF, Disposition(Kind.TRY_ANOTHER, 30008, Fault.ROUTE)),
    ],
)
def test_cli_5_the_fault_decides_the_next_step(command_status: int, expected: Disposition) -> None:
    assert disposition(command_status) == expected


@given(st.integers(0x400, 0x4FF) | st.integers(0x100, 0xFFFF_FFFF))
def test_cli_5_a_status_that_nobody_specified_tries_another_carrier(command_status: int) -> None:
    assert disposition(command_status) == Disposition(Kind.TRY_ANOTHER, 30008)
