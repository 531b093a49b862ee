from pathlib import Path

import pytest

from carriers_sim.behaviour import Decision, Submission, decide, message_chance
from carriers_sim.magic_numbers import MAGIC_NUMBERS, SUFFIX_LENGTH
from gateway.smpp.constants import CommandStatus
from tests.carriers_sim.carrier_builder import behaviour

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "use-the-carrier-simulator.md"


def decision(suffix: str, refused_by: str = "", magic_numbers: bool = True) -> Decision:
    submission = Submission(
        number=1,
        carrier="alpha",
        sender="15005550006",
        recipient=f"1500555{suffix}",
        registered_delivery=1,
        refused_by=refused_by,
    )
    keys = behaviour(magic_numbers=magic_numbers)
    return decide(keys, submission, 1, message_chance(1, 1))


@pytest.mark.parametrize(
    ("suffix", "stats"),
    [
        ("0001", ["UNDELIV"]),
        ("0002", ["EXPIRED"]),
        ("0003", ["REJECTD"]),
        ("0004", []),
        ("0009", ["DELIVRD"]),
        ("0010", ["DELIVRD", "DELIVRD"]),
        ("0012", ["ACCEPTD", "DELIVRD"]),
        ("0017", ["DELIVRD", "UNDELIV"]),
        ("0018", ["UNKNOWN"]),
        ("0019", ["DELETED"]),
    ],
)
def test_a_suffix_gives_its_receipts(suffix: str, stats: list[str]) -> None:
    assert [receipt.stat for receipt in decision(suffix).schedule.receipts] == stats


@pytest.mark.parametrize(
    ("suffix", "status"),
    [
        ("0005", CommandStatus.ESME_RTHROTTLED),
        ("0006", CommandStatus.ESME_RINVDSTADR),
        ("0007", CommandStatus.ESME_RSYSERR),
        ("0015", CommandStatus.ESME_RMSGQFUL),
        ("0020", 0x410),
    ],
)
def test_a_suffix_gives_its_status(suffix: str, status: int) -> None:
    assert decision(suffix).status == status


@pytest.mark.parametrize("suffix", ["0005", "0015"])
def test_a_temporary_refusal_comes_once(suffix: str) -> None:
    assert decision(suffix, refused_by="alpha").is_accepted


def test_0006_is_refused_for_good() -> None:
    assert not decision("0006", refused_by="alpha").is_accepted


def test_0007_fails_at_the_first_carrier_and_passes_at_another() -> None:
    assert not decision("0007", refused_by="alpha").is_accepted
    assert decision("0007", refused_by="bravo").is_accepted


def test_0001_carries_err_001() -> None:
    assert decision("0001").schedule.receipts[0].err == "001"


def test_0008_is_told_after_30_s() -> None:
    assert decision("0008").schedule.receipts[0].after_s == 30.0


def test_0009_is_left_alone_because_twilio_samples_send_there() -> None:
    assert decision("0009").reason == "usual"


def test_0011_is_told_before_the_response() -> None:
    assert decision("0011").schedule.receipts[0].before_response


def test_0013_is_accepted_and_never_answered() -> None:
    made = decision("0013")
    assert made.is_accepted
    assert not made.is_answered


def test_0014_drops_the_connection() -> None:
    assert decision("0014").is_dropped


def test_0016_is_answered_after_5_s() -> None:
    assert decision("0016").response_delay_s == 5.0


@pytest.mark.parametrize("suffix", sorted(MAGIC_NUMBERS))
def test_without_the_switch_no_number_is_magic(suffix: str) -> None:
    assert decision(suffix, magic_numbers=False).reason == "usual"


@pytest.mark.parametrize("suffix", [*sorted(MAGIC_NUMBERS), "0009"])
def test_the_guide_lists_each_suffix(suffix: str) -> None:
    assert len(suffix) == SUFFIX_LENGTH
    assert f"| `{suffix}` |" in HOW_TO.read_text(encoding="utf-8")
