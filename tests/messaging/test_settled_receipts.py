"""Receipts that have come are known when they come again."""

import pytest

from gateway.errors import StoreError
from gateway.messaging import settled_receipts
from gateway.messaging.settled_receipts import SettledReceipts

KEY = "alpha/77"

Answers = list[StoreError | None]


def test_a_receipt_that_is_durable_is_answered_at_once_when_it_comes_again() -> None:
    settled, first, again = SettledReceipts(), Answers(), Answers()
    settled.settle(KEY, first.append)(None)
    assert settled.repeat(KEY, again.append)
    assert (first, again) == ([None], [None])


def test_what_repeats_a_receipt_is_answered_with_it_and_not_before() -> None:
    settled, first, again = SettledReceipts(), Answers(), Answers()
    on_commit = settled.settle(KEY, first.append)
    assert settled.repeat(KEY, again.append)
    assert (first, again) == ([], [])
    on_commit(None)
    assert (first, again) == ([None], [None])


def test_a_receipt_that_was_never_stored_has_not_come() -> None:
    settled, first, again = SettledReceipts(), Answers(), Answers()
    on_commit = settled.settle(KEY, first.append)
    settled.repeat(KEY, again.append)
    on_commit(StoreError("disk full"))
    assert [type(answer) for answer in (*first, *again)] == [StoreError, StoreError]
    assert not settled.repeat(KEY, again.append)


def test_a_receipt_that_has_not_come_is_not_repeated() -> None:
    answers = Answers()
    assert not SettledReceipts().repeat(KEY, answers.append)
    assert answers == []


def test_the_oldest_are_forgotten_before_memory_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settled_receipts, "SETTLED_MAX", 2)
    settled, answers = SettledReceipts(), Answers()
    for key in "abc":
        settled.settle(key, answers.append)(None)
    assert [settled.repeat(key, answers.append) for key in "abc"] == [False, True, True]


def test_what_is_forgotten_before_it_is_durable_is_answered_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settled_receipts, "SETTLED_MAX", 1)
    settled, answers = SettledReceipts(), Answers()
    commits = [settled.settle(key, answers.append) for key in "ab"]
    for on_commit in commits:
        on_commit(None)
    assert answers == [None, None]
    assert settled.repeat("b", answers.append)


def test_a_receipt_of_an_earlier_run_is_answered_when_it_comes_again() -> None:
    settled, answers = SettledReceipts(), Answers()
    settled.restore(KEY)
    assert settled.repeat(KEY, answers.append)
    assert answers == [None]


def test_receipts_of_an_earlier_run_take_no_more_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settled_receipts, "SETTLED_MAX", 2)
    settled, answers = SettledReceipts(), Answers()
    for key in "abc":
        settled.restore(key)
    assert [settled.repeat(key, answers.append) for key in "abc"] == [False, True, True]
