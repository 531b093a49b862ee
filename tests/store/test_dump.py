from pathlib import Path

import pytest

from gateway.clock import message_sid
from gateway.message import Status
from gateway.store.dump import Dump
from gateway.store.interface import Attempt, AttemptOutcome, StoredMessage, Timeline
from gateway.store.message_history import ALL, BATCH, Which, one
from tests.store.builders import (
    NOON,
    OTHER_ACCOUNT,
    a_message,
    accepted,
    became,
    delivered,
    notified,
    sent,
)
from tests.store.handmade_store import CATALOGUE, HandmadeStore, whole_store

DROPPED, SUMMARISED, SEALED, LIVE = 1, 2, 3, 4
EVERYTHING = [1, 2, 10, 11, 12, 13, 20, 21, 22, 30, 31]


@pytest.fixture
def files(tmp_path: Path) -> HandmadeStore:
    return whole_store(tmp_path / "store")


def dumped(files: HandmadeStore, which: Which = ALL, *, only_open: bool = False) -> list[Timeline]:
    return list(Dump(files.directory, pytest.fail, which, only_open=only_open).timelines())


def ids(timelines: list[Timeline]) -> list[int]:
    return [each.stored.message.id for each in timelines]


def test_every_message_comes_once_and_in_order(files: HandmadeStore) -> None:
    assert ids(dumped(files)) == EVERYTHING


def test_a_message_comes_with_what_later_files_say_of_it(files: HandmadeStore) -> None:
    (found,) = dumped(files, one(11))
    assert found == Timeline(
        StoredMessage(a_message(11), (sent(11), delivered(11))), (notified(11, 1),)
    )


def test_attempts_come_in_their_order_and_once(files: HandmadeStore) -> None:
    attempts = (
        Attempt(30, 1, NOON + 2, AttemptOutcome.WRITTEN, "alpha/1"),
        Attempt(30, 1, NOON + 1, AttemptOutcome.REFUSED, "alpha/1", 0x58),
    )
    files.put(LIVE, *attempts, attempts[0])
    assert dumped(files, one(30))[0].stored.attempts == attempts


def test_a_replay_comes_with_the_message_that_it_is_of(files: HandmadeStore) -> None:
    (found,) = dumped(files, one(2))
    assert [each.round for each in found.replays] == [1]
    assert [each.gave_up for each in found.notified] == [False, True]


@pytest.mark.parametrize(
    ("which", "found"),
    [
        (Which(account_sid=OTHER_ACCOUNT), [20]),
        (Which(since=NOON + 12, until=NOON + 20), [12, 13]),
        (one(14), []),
    ],
)
def test_messages_are_chosen(files: HandmadeStore, which: Which, found: list[int]) -> None:
    assert ids(dumped(files, which)) == found


def test_only_open_messages_come_where_they_are_asked_for(files: HandmadeStore) -> None:
    assert ids(dumped(files, only_open=True)) == [1, 22, 30, 31]


def test_more_messages_than_a_batch_come_whole(files: HandmadeStore) -> None:
    many = range(40, 40 + 2 * BATCH + 1)
    files.put(LIVE, *map(accepted, many), *(became(each, 1, Status.SENT) for each in many))
    found = dumped(files, Which(first_id=40))
    assert ids(found) == list(many)
    assert all(each.stored.status is Status.SENT for each in found)


def test_what_is_carried_over_and_not_dropped_yet_comes_once(files: HandmadeStore) -> None:
    files.put(CATALOGUE, accepted(11), sent(11))
    assert ids(dumped(files)) == EVERYTHING


def test_what_a_segment_that_is_dropped_meanwhile_has_left_comes_too(files: HandmadeStore) -> None:
    timelines = Dump(files.directory, pytest.fail).timelines()
    first = next(timelines)
    files.put(CATALOGUE, accepted(11), sent(11))
    files.sql(CATALOGUE, "UPDATE segment SET state = 'dropped' WHERE number = 2")
    files.path(SUMMARISED).unlink()
    assert ids([first, *timelines]) == [1, 2, 11, 20, 21, 22, 30, 31]


def test_a_missing_segment_is_told_and_the_rest_comes(files: HandmadeStore) -> None:
    files.path(SUMMARISED).unlink()
    told: list[str] = []
    found = list(Dump(files.directory, told.append).timelines())
    assert told == ["segment-00000002.db: it is missing"]
    assert ids(found) == [1, 2, 20, 21, 22, 30, 31]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE job SET message = x'00' WHERE id = 30",
        "INSERT INTO transition VALUES (30, 1, 'lost', 5.0, 0, 0, '', '', '', '', '', 0)",
    ],
)
def test_a_damaged_message_is_told_and_the_rest_comes(files: HandmadeStore, damage: str) -> None:
    files.sql(LIVE, damage)
    told: list[str] = []
    found = list(Dump(files.directory, told.append).timelines())
    assert [line.partition(": ")[2][:51] for line in told] == [
        f"{message_sid(30)} cannot be decoded"[:51]
    ]
    assert ids(found) == [each for each in EVERYTHING if each != 30]
