from random import Random

import msgspec
import pytest

from carriers_sim.dlr_schedule import (
    FAILURES,
    STATES,
    PlannedReceipt,
    ReceiptBehaviour,
    is_asked_for,
    schedule,
    stages,
)


def planned(registered_delivery: int = 1, **keys: object) -> tuple[PlannedReceipt, ...]:
    behaviour = msgspec.convert({"delay_s": 1.0} | keys, ReceiptBehaviour)
    return schedule(behaviour, registered_delivery, Random(1)).receipts


def test_a_healthy_message_gets_one_delivrd() -> None:
    (receipt,) = planned()
    assert (receipt.stat, receipt.err, receipt.after_s) == ("DELIVRD", "000", 1.0)


def test_no_receipt_comes_unless_it_was_asked_for() -> None:
    assert planned(registered_delivery=0) == ()


def test_success_is_not_told_to_who_asked_for_failure_only() -> None:
    assert planned(registered_delivery=2) == ()


@pytest.mark.parametrize("stat", sorted(FAILURES))
def test_failure_is_told_to_who_asked_for_failure_only(stat: str) -> None:
    assert [receipt.stat for receipt in planned(2, outcomes={stat: 1})] == [stat]


def test_success_only_of_5_0_leaves_out_failure() -> None:
    assert not is_asked_for("UNDELIV", 3)
    assert is_asked_for("DELIVRD", 3)


def test_an_intermediate_notification_comes_only_with_its_bit() -> None:
    outcomes = {"ENROUTE+DELIVRD": 1}
    assert [receipt.stat for receipt in planned(0x01, outcomes=outcomes)] == ["DELIVRD"]
    assert [receipt.stat for receipt in planned(0x11, outcomes=outcomes)] == ["ENROUTE", "DELIVRD"]
    assert [receipt.stat for receipt in planned(0x10, outcomes=outcomes)] == ["ENROUTE"]


def test_the_stages_of_an_outcome_follow_one_another() -> None:
    receipts = planned(outcomes={"ACCEPTD+DELIVRD": 1})
    assert [(receipt.stat, receipt.after_s) for receipt in receipts] == [
        ("ACCEPTD", 1.0),
        ("DELIVRD", 2.0),
    ]


def test_none_is_no_receipt() -> None:
    assert planned(outcomes={"NONE": 1}) == ()


def test_a_missing_receipt_never_comes() -> None:
    assert planned(missing=1.0) == ()


def test_a_duplicated_receipt_comes_twice() -> None:
    first, second = planned(duplicated=1.0)
    assert first == second


def test_an_early_receipt_has_no_delay() -> None:
    (receipt,) = planned(before_response=1.0)
    assert receipt.before_response
    assert receipt.after_s == 0.0


def test_a_failure_carries_the_err_of_the_carrier() -> None:
    assert planned(outcomes={"UNDELIV": 1}, errors={"UNDELIV": "0A1"})[0].err == "0A1"


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"outcomes": {"DELIVERED": 1}}, "is no outcome"),
        ({"outcomes": {"ACCEPTD+": 1}}, "is no outcome"),
        ({"outcomes": {}}, "at least one outcome"),
        ({"errors": {"FAILED": "001"}}, "is no stat"),
        ({"errors": {"UNDELIV": "1"}}, "three letters or digits"),
        ({"missing": 1.5}, "<= 1"),
        ({"delay_s": [2, 1]}, "low, high"),
    ],
)
def test_an_impossible_behaviour_is_refused(keys: dict[str, object], complaint: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=complaint):
        planned(1, **keys)


@pytest.mark.parametrize("stat", sorted(STATES))
def test_each_stat_is_an_outcome(stat: str) -> None:
    assert stages(stat) == (stat,)
