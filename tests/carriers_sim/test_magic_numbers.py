from pathlib import Path

import pytest

from carriers_sim.behaviour import Decision, Submission, decide, message_chance
from carriers_sim.dlr_schedule import ReceiptId
from carriers_sim.fault import Fault
from carriers_sim.magic_numbers import MAGIC_NUMBERS, SUFFIX_LENGTH
from carriers_sim.response_form import ResponseForm
from gateway.smpp.constants import CommandStatus
from tests.carriers_sim.carrier_builder import behaviour

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "use-the-carrier-simulator.md"


def decision(
    suffix: str, refused_by: str = "", magic_numbers: bool = True, id_number: int = 1
) -> Decision:
    submission = Submission(
        number=1,
        carrier="alpha",
        sender="15005550006",
        recipient=f"1500555{suffix}",
        registered_delivery=1,
        refused_by=refused_by,
    )
    keys = behaviour(magic_numbers=magic_numbers)
    return decide(keys, submission, id_number, message_chance(1, 1))


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


@pytest.mark.parametrize(
    ("suffix", "style"),
    [
        ("0021", {"carriage": "data_sm"}),
        ("0022", {"carriage": "message_payload"}),
        ("0023", {"form": "tlv"}),
        ("0024", {"form": "text"}),
        ("0025", {"form": "text", "template": "shortest"}),
        ("0026", {"form": "text", "template": "seconds"}),
        ("0027", {"form": "text", "template": "id_last"}),
        ("0032", {"bind": "other"}),
        ("0033", {"parts": "last"}),
        ("0034", {"parts": "first"}),
        ("0035", {"parts": "reversed"}),
    ],
)
def test_a_suffix_gives_its_receipt_a_shape(suffix: str, style: dict[str, str]) -> None:
    (receipt,) = decision(suffix).schedule.receipts
    assert {key: getattr(receipt.style, key) for key in style} == style


@pytest.mark.parametrize(
    ("suffix", "kind"), [("0028", ReceiptId.WRONG), ("0029", ReceiptId.FOREIGN)]
)
def test_a_suffix_gives_its_receipt_an_id(suffix: str, kind: ReceiptId) -> None:
    assert [receipt.id for receipt in decision(suffix).schedule.receipts] == [kind]


def test_0030_does_not_say_that_it_is_a_receipt() -> None:
    assert not decision("0030").schedule.receipts[0].has_esm_class


def test_0031_is_told_whether_it_was_asked_for_or_not() -> None:
    assert [receipt.stat for receipt in decision("0031").schedule.receipts] == [
        "ENROUTE",
        "DELIVRD",
    ]


def test_0036_is_contradicted_for_the_better() -> None:
    assert [receipt.stat for receipt in decision("0036").schedule.receipts] == [
        "UNDELIV",
        "DELIVRD",
    ]


@pytest.mark.parametrize(
    ("suffix", "form"),
    [
        ("0040", ResponseForm.WRONG_SEQUENCE),
        ("0041", ResponseForm.NO_BODY),
        ("0042", ResponseForm.EXTRA_TLVS),
        ("0043", ResponseForm.GENERIC_NACK),
        ("0044", ResponseForm.TWICE),
    ],
)
def test_a_suffix_gives_its_response_a_form(suffix: str, form: ResponseForm) -> None:
    assert decision(suffix).response is form


@pytest.mark.parametrize(
    ("suffix", "ids"),
    [
        ("0045", ("FF", "255")),
        ("0046", ("255", "FF")),
        ("0047", (f"{255:064x}", f"{255:064x}")),
        ("0048", ("0000000255-1", "0000000255-1")),
        ("0049", ("", "0000000255")),
    ],
)
def test_a_suffix_gives_its_ids(suffix: str, ids: tuple[str, str]) -> None:
    made = decision(suffix, id_number=255)
    assert (made.message_id, made.receipt_id) == ids


@pytest.mark.parametrize(
    ("suffix", "fault"),
    [
        ("0050", Fault.RST),
        ("0051", Fault.FIN),
        ("0052", Fault.FIN_MID_PDU),
        ("0053", Fault.STOP_READING),
        ("0054", Fault.BLACKHOLE),
        ("0055", Fault.UNBIND),
        ("0060", Fault.UNKNOWN_COMMAND),
        ("0061", Fault.UNKNOWN_TLV),
        ("0062", Fault.LONG_C_STRING),
        ("0063", Fault.TLV_PAST_END),
        ("0064", Fault.STRAY_NACK),
        ("0065", Fault.STRAY_RESPONSE),
        ("0066", Fault.DRIBBLED),
        ("0067", Fault.GLUED),
        ("0068", Fault.HUGE_LENGTH),
    ],
)
def test_a_suffix_gives_its_fault(suffix: str, fault: Fault) -> None:
    made = decision(suffix)
    assert made.is_accepted
    assert made.fault is fault


@pytest.mark.parametrize("suffix", ["0050", "0051", "0052", "0054", "0055", "0068"])
def test_what_ends_a_connection_comes_once(suffix: str) -> None:
    assert decision(suffix).is_remembered
    assert decision(suffix, refused_by="alpha").fault is None
