"""Copies of which no answer can tell are known by their place for as long as receipts may come."""

import pytest

from gateway.messaging import strays
from gateway.messaging.strays import Strays

HERE = ("alpha", "55501", "15017122661")
THERE = ("alpha", "55501", "15017122662")
WAIT_S = 600.0


def test_a_stray_may_be_where_it_was_sent_and_nowhere_else() -> None:
    known = Strays(WAIT_S)
    known.add(HERE, 0.0, 0.0)
    assert known.may_be_at(HERE, 1.0)
    assert not known.may_be_at(THERE, 1.0)


def test_each_stray_has_its_own_time() -> None:
    known = Strays(WAIT_S)
    for since in (0.0, 100.0):
        known.add(HERE, since, since)
    assert known.may_be_at(HERE, WAIT_S)
    assert not known.may_be_at(HERE, WAIT_S + 100)
    assert (len(known), known._here) == (0, {})


def test_one_that_is_too_old_is_none() -> None:
    known = Strays(WAIT_S)
    known.add(HERE, 0.0, WAIT_S)
    assert len(known) == 0


def test_one_of_a_time_to_come_keeps_none_before_its_time() -> None:
    """The clock was set back between two runs."""
    known = Strays(WAIT_S)
    known.add(HERE, 100.0, 0.0)
    known.add(THERE, 0.0, 0.0)
    assert known.may_be_at(THERE, WAIT_S)
    assert not known.may_be_at(THERE, WAIT_S + 100)


def test_with_too_many_of_them_the_next_may_be_anywhere(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(strays, "STRAYS_MAX", 1)
    known = Strays(WAIT_S)
    for since in (0.0, 10.0, 20.0):
        known.add(HERE, since, since)
    assert len(known) == 1
    assert known.may_be_at(THERE, WAIT_S + 19)
    assert not known.may_be_at(THERE, WAIT_S + 20)
    assert caplog.messages == ["too many copies without an answer"]


def test_it_is_said_again_when_there_was_room_meanwhile(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(strays, "STRAYS_MAX", 1)
    known = Strays(WAIT_S)
    for since in (0.0, 0.0, WAIT_S, WAIT_S):
        known.add(HERE, since, since)
    assert len(caplog.messages) == 2


def test_one_of_which_no_place_is_known_may_be_anywhere() -> None:
    known = Strays(WAIT_S)
    known.lose(10.0)
    assert known.may_be_at(HERE, WAIT_S + 9)
    assert not known.may_be_at(HERE, WAIT_S + 10)
