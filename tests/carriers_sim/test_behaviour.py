from collections import Counter
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers_sim.behaviour import (
    Behaviour,
    Decision,
    Submission,
    carrier_seed,
    decide,
    message_chance,
)
from gateway.smpp.constants import CommandStatus
from tests.carriers_sim.carrier_builder import behaviour

SEED = carrier_seed(1, "alpha")


def submission(number: int = 1, to: str = "15005551234", **fields: object) -> Submission:
    values = {
        "number": number,
        "carrier": "alpha",
        "sender": "15005550006",
        "recipient": to,
        "registered_delivery": 1,
    }
    return msgspec.convert(values | fields, Submission)


def decision(keys: Behaviour, one: Submission | None = None, id_number: int = 10) -> Decision:
    one = one or submission()
    return decide(keys, one, id_number, message_chance(SEED, one.number))


def test_a_healthy_carrier_accepts_and_answers_at_once() -> None:
    made = decision(Behaviour())
    assert made.is_accepted
    assert made.is_answered
    assert made.response_delay_s == 0.0
    assert [receipt.stat for receipt in made.schedule.receipts] == ["DELIVRD"]


def test_a_throttled_message_is_answered_rthrottled() -> None:
    made = decision(Behaviour(), submission(is_throttled=True))
    assert made.status == CommandStatus.ESME_RTHROTTLED


def test_a_full_queue_is_answered_rmsgqful() -> None:
    made = decision(Behaviour(), submission(is_queue_full=True))
    assert made.status == CommandStatus.ESME_RMSGQFUL


def test_statuses_come_by_their_weights() -> None:
    keys = behaviour(submit={"ESME_ROK": 3, "ESME_RSYSERR": 1})
    statuses = Counter(decision(keys, submission(number)).status for number in range(1, 2_001))
    assert 420 < statuses[CommandStatus.ESME_RSYSERR] < 580


def test_a_carriers_own_status_is_answered_as_it_is() -> None:
    assert decision(behaviour(submit={"0x0410": 1})).status == 0x410


def test_a_refused_message_gets_no_receipt_and_no_id() -> None:
    made = decision(behaviour(submit={"ESME_RSYSERR": 1}))
    assert made.schedule.receipts == ()
    assert made.message_id == ""


def test_an_unanswered_message_is_accepted() -> None:
    made = decision(behaviour(unanswered=1))
    assert made.is_accepted
    assert not made.is_answered


def test_each_nth_message_drops_the_connection() -> None:
    keys = behaviour(drop_every=3)
    dropped = [decision(keys, submission(number)).is_dropped for number in range(1, 7)]
    assert dropped == [False, False, True, False, False, True]


def test_a_dropped_message_is_not_accepted() -> None:
    assert not decision(behaviour(drop=1)).is_accepted


def test_a_grey_route_accepts_everything_and_tells_nothing() -> None:
    made = decision(behaviour(grey=True, submit={"ESME_RSYSERR": 1}))
    assert made.is_accepted
    assert made.schedule.receipts == ()


@pytest.mark.parametrize(("id_format", "message_id"), [("decimal", "0000000255"), ("hex", "FF")])
def test_ids_are_written_in_the_carriers_format(id_format: str, message_id: str) -> None:
    made = decision(behaviour(id_format=id_format), id_number=255)
    assert (made.message_id, made.receipt_id) == (message_id, message_id)


def test_a_uuid_is_the_same_in_the_receipt() -> None:
    made = decision(behaviour(id_format="uuid", receipt_id_format="uuid"))
    assert made.message_id == made.receipt_id
    assert UUID(made.message_id).version == 4


def test_receipts_may_write_the_id_otherwise() -> None:
    made = decision(behaviour(id_format="hex", receipt_id_format="decimal"), id_number=255)
    assert (made.message_id, made.receipt_id) == ("FF", "0000000255")


def test_the_first_rule_that_holds_decides() -> None:
    keys = behaviour(
        rules=[
            {"when": {"to": "9$"}, "then": {"status": "ESME_RINVDSTADR"}},
            {"name": "late", "when": {"to": "4$"}, "then": {"response_delay_s": 7}},
            {"when": {}, "then": {"status": "ESME_RSYSERR"}},
        ]
    )
    made = decision(keys)
    assert (made.reason, made.status, made.response_delay_s) == ("late", 0, 7.0)


def test_a_rule_without_a_name_is_known_by_its_place() -> None:
    keys = behaviour(rules=[{"when": {"nth": 1}, "then": {"status": "ESME_RSYSERR"}}])
    assert decision(keys).reason == "rule 1"


def test_a_rule_reads_the_body() -> None:
    keys = behaviour(rules=[{"when": {"body": "fail"}, "then": {"receipt": "UNDELIV"}}])
    assert keys.reads_text
    assert decision(keys, submission(text="please fail")).schedule.receipts[0].stat == "UNDELIV"


def test_a_provoked_receipt_comes_even_where_the_carrier_is_ill() -> None:
    keys = behaviour(
        submit={"ESME_RSYSERR": 1},
        receipts={"missing": 1},
        rules=[{"when": {}, "then": {"receipt": "EXPIRED", "err": "0AB"}}],
    )
    (receipt,) = decision(keys).schedule.receipts
    assert (receipt.stat, receipt.err) == ("EXPIRED", "0AB")


@pytest.mark.parametrize(
    ("repeat", "refused_by", "is_refused"),
    [
        ("always", "alpha", True),
        ("once", "", True),
        ("once", "alpha", False),
        ("once", "bravo", False),
        ("here", "", True),
        ("here", "alpha", True),
        ("here", "bravo", False),
    ],
)
def test_how_often_a_rule_meets_the_same_message(
    repeat: str, refused_by: str, is_refused: bool
) -> None:
    keys = behaviour(rules=[{"when": {}, "then": {"status": "ESME_RSYSERR", "repeat": repeat}}])
    made = decision(keys, submission(refused_by=refused_by))
    assert (made.status != 0) is is_refused
    assert made.is_remembered is (is_refused and repeat != "always")


def test_a_rule_may_pass_and_leave_the_next_to_decide() -> None:
    keys = behaviour(
        rules=[
            {"when": {}, "then": {"status": "ESME_RSYSERR", "repeat": "once"}},
            {"when": {}, "then": {"receipt": "UNDELIV"}},
        ]
    )
    assert decision(keys, submission(refused_by="alpha")).schedule.receipts[0].stat == "UNDELIV"


@pytest.mark.parametrize(
    "then",
    [
        {"unanswered": True},
        {"drop": True},
        {"receipt_before_response": True},
        {"receipt_duplicated": True},
        {"receipt_delay_s": 9.0},
    ],
)
def test_each_effect_changes_the_decision(then: dict[str, object]) -> None:
    usual = decision(behaviour())
    changed = decision(behaviour(rules=[{"name": "usual", "when": {}, "then": then}]))
    assert changed != usual


@pytest.mark.parametrize(
    "keys",
    [
        {"submit": {"OK": 1}},
        {"submit": {}},
        {"bind_status": "NO"},
        {"unanswered": 2},
        {"response_delay_s": [2, 1]},
        {"throttle": {"segments_per_s": 0}},
        {"id_format": "roman"},
        {"responses": {"roman": 1}},
        {"queue_drained_per_s": 1},
        {"link": {"dribble_s": 1, "glue_s": 1}},
        {"bind": {"delay_s": -1}},
        {"receipt_id_format": "empty"},
    ],
)
def test_an_impossible_behaviour_is_refused(keys: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        behaviour(**keys)


ANYTHING = st.fixed_dictionaries(
    {
        "unanswered": st.floats(0, 1),
        "drop": st.floats(0, 1),
        "response_delay_s": st.floats(0, 10) | st.just([0.1, 5.0]),
        "submit": st.just({"ESME_ROK": 5, "ESME_RTHROTTLED": 1, "0x0400": 1}),
        "id_format": st.sampled_from(["decimal", "hex", "uuid"]),
        "receipts": st.fixed_dictionaries(
            {
                "outcomes": st.just({"DELIVRD": 3, "UNDELIV": 1, "ACCEPTD+DELIVRD": 1, "NONE": 1}),
                "duplicated": st.floats(0, 1),
                "delay_s": st.just([0.0, 9.0]),
            }
        ),
    }
)


@given(ANYTHING, st.integers(), st.permutations(range(1, 8)))
def test_a_decision_depends_on_seed_and_number_and_not_on_what_came_before(
    keys: dict[str, object], seed: int, numbers: list[int]
) -> None:
    kept = behaviour(**dict(keys))
    own = carrier_seed(seed, "alpha")

    def decided(number: int) -> Decision:
        return decide(kept, submission(number), number, message_chance(own, number))

    in_this_order = {number: decided(number) for number in numbers}
    assert in_this_order == {number: decided(number) for number in range(1, 8)}


def test_carriers_under_one_seed_differ() -> None:
    assert carrier_seed(1, "alpha") != carrier_seed(1, "bravo")
    assert carrier_seed(1, "alpha") != carrier_seed(2, "alpha")
