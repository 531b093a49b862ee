"""The audit finds whatever can be missing or too many."""

from pathlib import Path

from tests.bench.ledger import Audit, Ledger, audit, percentile, spans_ms


def ledger(*numbers: int) -> Ledger:
    return Ledger((number, float(number)) for number in numbers)


def audited(
    started: Ledger | None = None,
    accepted: Ledger | None = None,
    arrived: Ledger | None = None,
    receipted: Ledger | None = None,
) -> Audit:
    """Of a run of three messages in which all went well, but for what is given."""
    all_three = ledger(1, 2, 3)
    return audit(
        started or all_three, accepted or all_three, arrived or all_three, receipted or all_three
    )


def test_a_run_in_which_all_went_well_is_clean() -> None:
    assert audited().clean


def test_a_message_that_was_not_accepted_is_refused() -> None:
    assert audited(started=ledger(1, 2, 3, 4)).refused == 1


def test_an_accepted_message_that_did_not_arrive_is_lost() -> None:
    assert audited(arrived=ledger(1, 3)).lost == 1


def test_a_message_that_arrived_twice_is_doubled() -> None:
    assert audited(arrived=ledger(1, 2, 2, 3)).doubled == 1


def test_a_message_that_arrived_without_being_accepted_is_unasked() -> None:
    assert audited(arrived=ledger(1, 2, 3, 4)).unasked == 1


def test_a_lost_message_is_not_made_good_by_another_that_arrived_twice() -> None:
    found = audited(arrived=ledger(1, 1, 3))
    assert (found.lost, found.doubled) == (1, 1)


def test_a_receipt_that_did_not_come_back_is_lost() -> None:
    assert audited(receipted=ledger(1, 2)).receipts_lost == 1


def test_a_receipt_that_came_back_twice_is_doubled() -> None:
    assert audited(receipted=ledger(1, 2, 3, 3)).receipts_doubled == 1


def test_without_receipts_none_are_missed() -> None:
    assert audit(ledger(1), ledger(1), ledger(1), None).clean


def test_a_ledger_comes_back_from_its_file(tmp_path: Path) -> None:
    ledger(5, 3, 5).save(tmp_path / "ledger")
    assert list(Ledger.load(tmp_path / "ledger")) == [(5, 5.0), (3, 3.0), (5, 5.0)]


def test_spans_are_of_the_messages_in_both_ledgers() -> None:
    end = Ledger([(2, 2.25), (1, 1.5), (9, 9.5)])
    assert spans_ms(ledger(1, 2, 3), end) == [250.0, 500.0]


def test_the_99th_of_a_hundred_values_is_exceeded_by_one_at_most() -> None:
    assert percentile([float(value) for value in range(100)], 0.99) == 99.0


def test_the_median_of_a_single_value_is_that() -> None:
    assert percentile([7.0], 0.5) == 7.0
