"""The file of the calls."""

from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

import apsw
import pytest

from gateway.call import CallStatus
from gateway.errors import StoreError
from gateway.store import call_file
from gateway.store.call_facts import (
    CallEnded,
    CallReached,
    CallsAlive,
    CallStarted,
    CallTold,
)
from gateway.store.call_file import (
    CALLS_NAME,
    CallFile,
    CallFilter,
    CallPages,
    UnderWay,
)
from gateway.store.sqlite_connection import RecordError
from tests.store.call_builders import ACCOUNT, CALLED, NOON, OTHER_ACCOUNT, a_call, a_record


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[CallFile]:
    file = CallFile(tmp_path / CALLS_NAME, durable=False)
    file.open()
    yield file
    file.close()


def ids(file: CallFile, before: int | None = None, limit: int = 100, **where: Any) -> list[int]:
    pages = CallPages(file.path)
    try:
        found = pages.page(ACCOUNT, CallFilter(**where), limit, before)
    finally:
        pages.close()
    return [record.call.id for record in found]


def ended(call_id: int, **changes: Any) -> CallEnded:
    return CallEnded(a_record(a_call(call_id), **changes), 4)


def test_a_record_is_read_as_it_was_written(calls: CallFile) -> None:
    calls.write([ended(1)])
    pages = CallPages(calls.path)
    assert pages.fetch(ACCOUNT, 1) == a_record(a_call(1))
    assert pages.fetch(OTHER_ACCOUNT, 1) is None
    pages.close()


def test_a_call_has_one_record_however_often_it_is_written(calls: CallFile) -> None:
    calls.write([CallStarted(a_call()), ended(1)])
    calls.write([CallStarted(a_call()), ended(1, status=CallStatus.FAILED)])
    assert ids(calls, status=CallStatus.COMPLETED) == [1]
    assert calls.under_way() == []


def test_what_is_known_of_a_call_under_way_is_kept(calls: CallFile) -> None:
    calls.write(
        [
            CallStarted(a_call()),
            CallReached(1, 2, CallStatus.RINGING, NOON + 3),
            CallReached(1, 3, CallStatus.IN_PROGRESS, NOON + 7),
            CallsAlive(NOON + 9),
        ]
    )
    assert calls.under_way() == [UnderWay(a_call(), 3, NOON + 3, NOON + 7)]
    assert calls.alive_at() == NOON + 9


def test_nothing_is_alive_in_a_new_file(calls: CallFile) -> None:
    assert (calls.alive_at(), calls.last_id(), calls.under_way()) == (0.0, 0, [])


def test_the_last_id_is_of_either_kind(calls: CallFile) -> None:
    calls.write([ended(3), CallStarted(a_call(7))])
    assert calls.last_id() == 7


def test_what_is_owed_is_told_once(calls: CallFile) -> None:
    owed = [CallEnded(a_record(a_call(id_)), 4, owed=True) for id_ in (1, 2, 3)]
    calls.write([*owed, ended(4), CallTold(2)])
    assert calls.owed(0.0, 10) == [owed[0], owed[2]]
    assert calls.owed(0.0, 1) == [owed[2]]
    assert calls.owed(inf, 10) == []


def test_pages_go_back_in_time(calls: CallFile) -> None:
    calls.write([ended(id_) for id_ in range(1, 6)])
    assert ids(calls, limit=2) == [5, 4]
    assert ids(calls, limit=2, before=4) == [3, 2]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"called": CALLED}, [2, 1]),
        ({"called": "+15005550001"}, []),
        ({"caller": "+15005550007"}, [2]),
        ({"status": CallStatus.BUSY}, [2]),
        ({"started_since": NOON + 2}, [2]),
        ({"started_until": NOON + 2}, [1]),
        ({"ended_since": NOON + 22}, [2]),
        ({"ended_until": NOON + 22}, [1]),
    ],
)
def test_filters(calls: CallFile, where: dict[str, Any], found: list[int]) -> None:
    other = a_record(a_call(2, caller="+15005550007"), status=CallStatus.BUSY)
    calls.write([ended(1), CallEnded(other, 2)])
    assert ids(calls, **where) == found


def test_old_records_are_forgotten_some_at_a_time(
    calls: CallFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_file, "PURGE_MAX", 2)
    calls.write([ended(id_) for id_ in range(1, 6)])
    before = NOON + 24  # of call 4
    assert calls.purge(before, 0)
    assert not calls.purge(before, 0)
    assert ids(calls) == [5, 4]


def test_the_oldest_go_when_there_are_too_many(calls: CallFile) -> None:
    calls.write([ended(id_) for id_ in range(1, 1_500)])
    while calls.purge(0.0, 700_000):
        pass
    kept = ids(calls, limit=2_000)
    assert 0 < len(kept) < 1_499
    assert kept == list(range(1_499, 1_499 - len(kept), -1))


def test_what_can_never_be_stored_is_told_apart_from_a_bad_disk(calls: CallFile) -> None:
    with pytest.raises(RecordError):
        calls.write([CallStarted(a_call(1 << 64))])
    calls.write([ended(1)])
    assert ids(calls) == [1]


def test_the_file_of_another_program_is_refused(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / CALLS_NAME))
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(StoreError, match="schema 0"):
        CallFile(tmp_path / CALLS_NAME).open()
