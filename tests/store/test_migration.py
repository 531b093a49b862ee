"""A store of version 1, as its last program left it, is taken over."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import apsw
import pytest

from gateway.errors import StoreError
from gateway.message import Direction, Origin, Status
from gateway.store import schema
from gateway.store.interface import (
    Attempt,
    AttemptOutcome,
    Listener,
    Notified,
    OptOut,
    Owed,
    OwedKey,
    StoredMessage,
    UnmatchedReceipt,
)
from gateway.store.segment import ID_MAX
from gateway.store.store_reader import StoreReader
from tests.store.builders import (
    ACCOUNT,
    NOON,
    a_message,
    accepted,
    became,
    delivered,
    sent,
    waiting,
)
from tests.store.failing_disk import FailingDisk
from tests.store.open_store import OpenStore

VERSION_1 = Path(__file__).with_name("store_v1.sql").read_text()
INBOUND = a_message(
    5,
    direction=Direction.INBOUND,
    origin=Origin.CARRIER,
    status_callback="https://example.com/in",
)


def leave_version_1(path: Path) -> None:
    connection = apsw.Connection(str(path / schema.CATALOGUE_NAME))
    connection.execute(VERSION_1).fetchall()
    connection.close()


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[OpenStore]:
    leave_version_1(tmp_path)
    store = OpenStore(tmp_path)
    yield store
    store.close()


def test_messages_are_listed_and_deleted_ones_are_not(migrated: OpenStore) -> None:
    assert migrated.listed() == [8, 7, 5, 4, 3, 2, 1]


def test_a_finished_message_is_as_it_was(migrated: OpenStore) -> None:
    assert migrated.fetch(1) == StoredMessage(a_message(1), (sent(1), delivered(1)))


def test_a_part_in_doubt_is_now_an_attempt_without_answer(migrated: OpenStore) -> None:
    part = became(2, 1, Status.SENT, part=1, bind="alpha/1", carrier_id="0a")
    attempt = Attempt(2, 2, NOON + 4, AttemptOutcome.UNANSWERED, "alpha/1")
    assert migrated.stored(2) == StoredMessage(a_message(2, segments=2), (part,), (attempt,))


def test_open_messages_are_under_way(migrated: OpenStore) -> None:
    assert migrated.load_open() == [
        migrated.stored(2),
        waiting(3),
        StoredMessage(a_message(4, send_at=NOON + 3_600.0, body="later")),
        waiting(7, scheduled=True),
    ]


def test_what_nobody_was_told_is_owed(migrated: OpenStore) -> None:
    received = became(5, 1, Status.RECEIVED, bind="alpha/1", listener=Listener.WEBHOOK)
    assert migrated.load_owed() == [Owed(INBOUND, received)]


def test_a_webhook_that_was_given_up_can_be_replayed(migrated: OpenStore) -> None:
    found, _ = migrated.ask(StoreReader.given_up, ACCOUNT, OwedKey(ID_MAX, 0))
    assert [each.notified for each in found] == [
        Notified(1, 2, NOON + 3, "gave up: 4 h of HTTP 503", gave_up=True)
    ]


def test_opt_outs_stay(migrated: OpenStore) -> None:
    assert list(migrated.recovery().load_opt_outs()) == [
        OptOut(ACCOUNT, "55501", "+15017122661", NOON + 1, False),
        OptOut(ACCOUNT, "55501", "+15017122669", NOON, True),
    ]


def test_unmatched_receipts_stay(migrated: OpenStore) -> None:
    receipt = UnmatchedReceipt("alpha", "17", NOON, "DELIVRD", "000", "2311142213")
    assert migrated.ask(StoreReader.unmatched_receipts, 10) == [receipt]


def test_the_ids_of_deleted_messages_stay_taken(migrated: OpenStore) -> None:
    assert migrated.files.last_id == 9
    migrated.write(accepted(10))
    assert migrated.listed()[0] == 10


def test_the_catalogue_is_like_a_new_one(migrated: OpenStore, tmp_path: Path) -> None:
    new = OpenStore(tmp_path / "new")
    tables = "SELECT type, name, sql FROM sqlite_schema ORDER BY name"
    assert migrated.connections.rows(0, tables) == new.connections.rows(0, tables)
    new.close()


def test_it_is_taken_over_once(migrated: OpenStore) -> None:
    migrated.files.close()
    migrated.files.open()
    assert migrated.listed() == [8, 7, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("good_calls", [*range(40), 60])
def test_a_disk_that_fails_meanwhile_leaves_the_one_or_the_other(
    tmp_path: Path, disk: FailingDisk, good_calls: int
) -> None:
    leave_version_1(tmp_path)
    disk.fail(after=good_calls)
    with suppress(StoreError):
        OpenStore(tmp_path, disk.name).close()
    disk.heal()
    store = OpenStore(tmp_path, disk.name)
    assert store.listed() == [8, 7, 5, 4, 3, 2, 1]
    assert store.load_open() == [
        store.stored(2),
        waiting(3),
        store.stored(4),
        waiting(7, scheduled=True),
    ]
    store.close()
